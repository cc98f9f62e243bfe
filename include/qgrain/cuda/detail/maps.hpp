// What happens to one element, and where the scales of its group come from: the two things in which quantize,
// dequantize and fake_quantize differ.
#ifndef QGRAIN_CUDA_DETAIL_MAPS_HPP
#define QGRAIN_CUDA_DETAIL_MAPS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>

namespace qgrain::detail {

/// An element to its code. `element` is its row-major index.
template <class Element, storage_element T>
struct encode_map {
  using element_type = Element;
  using source = T;
  using target = typename Element::code_type;
  static constexpr int size = pack_size<T>;
  typename Element::rounding_type rounding;
  [[nodiscard]] QGRAIN_ELEMENTWISE target operator()(T x, typename Element::factors_type factors,
                                                     std::uint64_t element) const noexcept {
    return Element::encode(to_float(x), factors, element, rounding);
  }
};

/// An element to the value that its code stands for.
template <class Element, storage_element T>
struct fake_map {
  using element_type = Element;
  using source = T;
  using target = T;
  static constexpr int size = pack_size<T>;
  typename Element::rounding_type rounding;
  [[nodiscard]] QGRAIN_ELEMENTWISE target operator()(T x, typename Element::factors_type factors,
                                                     std::uint64_t element) const noexcept {
    return from_float<T>(Element::fake(to_float(x), factors, element, rounding));
  }
};

/// A code to its value.
template <class Element, storage_element T>
struct decode_map {
  using element_type = Element;
  using source = typename Element::code_type;
  using target = T;
  static constexpr int size = pack_size<T>;
  [[nodiscard]] QGRAIN_ELEMENTWISE target operator()(source code, typename Element::factors_type factors,
                                                     std::uint64_t) const noexcept {
    return from_float<T>(Element::decode(code, factors));
  }
};

/// An element to its 4-bit code, two codes per byte.
template <class Element, storage_element T>
struct pack_map : encode_map<Element, T> {
  using code_type = typename Element::code_type;
  using target = std::uint8_t;
  static constexpr int codes_per_target = 2;
  bit_order order;
  /// The bits of code `i` of a run, the other code of its byte being zero.
  [[nodiscard]] QGRAIN_ELEMENTWISE target placed(int i, code_type code) const noexcept {
    const code_type both[2] = {i % 2 == 0 ? code : code_type{0}, i % 2 == 0 ? code_type{0} : code};
    target byte = 0;
    pack_codes(both, 2, 4, order, &byte);
    return byte;
  }
};

/// Two codes per byte to their values.
template <class Element, storage_element T>
struct unpack_map : decode_map<Element, T> {
  using code_type = typename Element::code_type;
  using source = std::uint8_t;
  static constexpr int codes_per_source = 2;
  bit_order order;
  [[nodiscard]] QGRAIN_ELEMENTWISE code_type taken(int i, source byte) const noexcept {
    return packed_code<code_type>(&byte, i % 2, 4, order);
  }
};

/// Elements per unit of memory: 2 where codes are packed.
template <class Map>
inline constexpr int source_fold = [] {
  if constexpr (requires { Map::codes_per_source; }) return Map::codes_per_source;
  return 1;
}();
template <class Map>
inline constexpr int target_fold = [] {
  if constexpr (requires { Map::codes_per_target; }) return Map::codes_per_target;
  return 1;
}();

/// What a lane holds of the source and of the target.
template <class Map>
using source_pack = pack<typename Map::source, Map::size / source_fold<Map>>;
template <class Map>
using target_pack = pack<typename Map::target, Map::size / target_fold<Map>>;

/// One run of a row, in elements, on the way through memory. Runs begin at even columns where codes are packed.
template <class Map>
struct row_source {
  const typename Map::source* data;
  bool whole;
  QGRAIN_ELEMENTWISE row_source(matrix_view<const typename Map::source> in, index_t row, index_t first = 0) noexcept
      : data(in.row(row) + first / source_fold<Map>), whole(takes_packs<Map::size / source_fold<Map>>(data)) {}
  /// The pack at a column of the run, of which `left` elements exist.
  [[nodiscard]] QGRAIN_ELEMENTWISE source_pack<Map> load(index_t col, index_t left) const noexcept {
    constexpr int fold = source_fold<Map>;
    return load_pack<Map::size / fold>(data + col / fold, (left + fold - 1) / fold, whole);
  }
};
template <class Map>
struct row_target {
  typename Map::target* data;
  bool whole;
  QGRAIN_ELEMENTWISE row_target(matrix_view<typename Map::target> out, index_t row, index_t first = 0) noexcept
      : data(out.row(row) + first / target_fold<Map>), whole(takes_packs<Map::size / target_fold<Map>>(data)) {}
  QGRAIN_ELEMENTWISE void store(index_t col, index_t left, const target_pack<Map>& values) const noexcept {
    constexpr int fold = target_fold<Map>;
    store_pack(data + col / fold, values, (left + fold - 1) / fold, whole);
  }
};

/// All elements of a pack; factors_of(i) are the factors of element i.
template <class Map, class FactorsOf>
[[nodiscard]] QGRAIN_ELEMENTWISE target_pack<Map> mapped(const Map& map, const source_pack<Map>& values,
                                                         const FactorsOf& factors_of, index_t element) noexcept {
  target_pack<Map> made;
  QGRAIN_UNROLLED
  for (int i = 0; i < Map::size; ++i) {
    const auto index = static_cast<std::uint64_t>(element) + static_cast<std::uint64_t>(i);
    if constexpr (source_fold < Map >> 1) {
      made.put(i, map(map.taken(i, values.at(i / source_fold<Map>)), factors_of(i), index));
    } else if constexpr (target_fold<Map> > 1) {
      made.put(i / target_fold<Map>, map.placed(i, map(values.at(i), factors_of(i), index)));
    } else {
      made.put(i, map(values.at(i), factors_of(i), index));
    }
  }
  return made;
}

/// Scales that kernels make: they are kept where there is memory for them.
template <class Element>
struct made_scales {
  using stored_scale = typename Element::stored_scale;
  using range_type = typename Element::range_type;
  stored_scale* scales = nullptr;              ///< null: nothing is kept
  float* tensor_scale = nullptr;               ///< null: not kept
  const std::int32_t* tensor_range = nullptr;  ///< words of the tensor's largest magnitude; null for one level
  const std::int32_t* ranges = nullptr;        ///< words of the groups' ranges, where an earlier kernel found them

  /// The tensor's scale; one lane of the grid keeps it.
  template <class Lane>
  [[nodiscard]] QGRAIN_ELEMENTWISE float of_tensor(const Lane& lane) const noexcept {
    const float scale = tensor_range == nullptr ? 1.0F : Element::tensor_scale(range_from_words<float>(tensor_range));
    if (tensor_scale != nullptr && lane.block_x() == 0 && lane.block_y() == 0 && lane.thread() == 0) {
      *tensor_scale = scale;
    }
    return scale;
  }
  /// The scale of a group whose range stands in memory.
  [[nodiscard]] QGRAIN_ELEMENTWISE stored_scale of_group(index_t group, float of_the_tensor) const noexcept {
    return Element::scale(range_from_words<range_type>(ranges + group * range_words<range_type>), of_the_tensor);
  }
  QGRAIN_ELEMENTWISE void keep(index_t group, stored_scale stored) const noexcept {
    if (scales != nullptr) scales[group] = stored;
  }
};

/// Scales that stand in memory.
template <class Element>
struct stored_scales {
  using stored_scale = typename Element::stored_scale;
  const stored_scale* scales = nullptr;
  const float* tensor_scale = nullptr;  ///< null: 1

  template <class Lane>
  [[nodiscard]] QGRAIN_ELEMENTWISE float of_tensor(const Lane&) const noexcept {
    return tensor_scale == nullptr ? 1.0F : *tensor_scale;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE stored_scale of_group(index_t group, float) const noexcept { return scales[group]; }
  QGRAIN_ELEMENTWISE void keep(index_t, stored_scale) const noexcept {}
};

}  // namespace qgrain::detail

#endif
