// What happens to one element, and where the scales of its group come from: the two things in which quantize,
// dequantize and fake_quantize differ.
#ifndef QGRAIN_CUDA_DETAIL_MAPS_HPP
#define QGRAIN_CUDA_DETAIL_MAPS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>
#include <type_traits>

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

/// Elements that a lane packs at once: a pack, or more where one would end within a byte.
template <class Element, storage_element T>
inline constexpr int packed_size = pack_size<T>* Element::format_type::bits % 8 == 0 ? pack_size<T> : 8;

/// An element to its code, codes being packed without gaps.
template <class Element, storage_element T>
struct pack_map : encode_map<Element, T> {
  using code_type = typename Element::code_type;
  using target = std::uint8_t;
  static constexpr int size = packed_size<Element, T>;
  static constexpr int bits = Element::format_type::bits;
  static constexpr int target_units = size * bits / 8;
  bit_order order;
  [[nodiscard]] QGRAIN_ELEMENTWISE pack<target, target_units> packed(const code_type* codes) const noexcept {
    pack<target, target_units> made;
    if constexpr (bits == 8) {
      QGRAIN_UNROLLED
      for (int i = 0; i < size; ++i) made.put(i, static_cast<target>(codes[i]));
    } else if constexpr (bits == 4) {
      QGRAIN_UNROLLED
      for (int i = 0; i < target_units; ++i) {
        target byte = 0;
        pack_codes(codes + 2 * i, 2, 4, order, &byte);
        made.put(i, byte);
      }
    } else {
      target bytes[static_cast<unsigned>(target_units)];
      pack_run(codes, size, bits, order, bytes);
      QGRAIN_UNROLLED
      for (int i = 0; i < target_units; ++i) made.put(i, bytes[i]);
    }
    return made;
  }
};

/// Packed codes to their values.
template <class Element, storage_element T>
struct unpack_map : decode_map<Element, T> {
  using code_type = typename Element::code_type;
  using source = std::uint8_t;
  static constexpr int size = packed_size<Element, T>;
  static constexpr int bits = Element::format_type::bits;
  static constexpr int source_units = size * bits / 8;
  bit_order order;
  QGRAIN_ELEMENTWISE void unpack(const pack<source, source_units>& from, code_type* codes) const noexcept {
    source bytes[static_cast<unsigned>(source_units)];
    QGRAIN_UNROLLED
    for (int i = 0; i < source_units; ++i) bytes[i] = from.at(i);
    QGRAIN_UNROLLED
    for (int i = 0; i < size; ++i) codes[i] = packed_code<code_type>(bytes, i, bits, order);
  }
};

/// Units of memory that the elements of a pack take: as many as there are elements, but for packed codes.
template <class Map>
inline constexpr int source_units = [] {
  if constexpr (requires { Map::source_units; }) return Map::source_units;
  return Map::size;
}();
template <class Map>
inline constexpr int target_units = [] {
  if constexpr (requires { Map::target_units; }) return Map::target_units;
  return Map::size;
}();

/// Elements to units of memory, a part of one counting whole.
template <int Size, int Units>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr index_t units_of(index_t elements) noexcept {
  if constexpr (Size == Units) return elements;
  return (elements * Units + Size - 1) / Size;
}

/// What a lane holds of the source and of the target.
template <class Map>
using source_pack = pack<typename Map::source, source_units<Map>>;
template <class Map>
using target_pack = pack<typename Map::target, target_units<Map>>;

/// One run of a row, in elements, on the way through memory. Runs begin at whole units where codes are packed.
template <class Map>
struct row_source {
  static constexpr int units = source_units<Map>;
  const typename Map::source* data;
  bool whole;
  QGRAIN_ELEMENTWISE row_source(matrix_view<const typename Map::source> in, index_t row, index_t first = 0) noexcept
      : data(in.row(row) + units_of<Map::size, units>(first)), whole(takes_packs<units>(data)) {}
  /// The pack at a column of the run, of which `left` elements exist.
  [[nodiscard]] QGRAIN_ELEMENTWISE source_pack<Map> load(index_t col, index_t left) const noexcept {
    // Only results of the same type may take the place of what they are made from.
    constexpr bool in_place = std::is_same_v<typename Map::source, typename Map::target>;
    constexpr memory_use use = in_place ? memory_use::read_write : memory_use::read_only;
    return load_pack<units, use>(data + units_of<Map::size, units>(col), units_of<Map::size, units>(left), whole);
  }
};
template <class Map>
struct row_target {
  static constexpr int units = target_units<Map>;
  typename Map::target* data;
  bool whole;
  QGRAIN_ELEMENTWISE row_target(matrix_view<typename Map::target> out, index_t row, index_t first = 0) noexcept
      : data(out.row(row) + units_of<Map::size, units>(first)), whole(takes_packs<units>(data)) {}
  QGRAIN_ELEMENTWISE void store(index_t col, index_t left, const target_pack<Map>& values) const noexcept {
    store_pack(data + units_of<Map::size, units>(col), values, units_of<Map::size, units>(left), whole);
  }
};

/// All elements of a pack; factors_of(i) are the factors of element i.
template <class Map, class FactorsOf>
[[nodiscard]] QGRAIN_ELEMENTWISE target_pack<Map> mapped(const Map& map, const source_pack<Map>& values,
                                                         const FactorsOf& factors_of, index_t element) noexcept {
  const auto index = [&](int i) { return static_cast<std::uint64_t>(element) + static_cast<std::uint64_t>(i); };
  target_pack<Map> made;
  if constexpr (requires { Map::source_units; }) {
    typename Map::code_type codes[static_cast<unsigned>(Map::size)];
    map.unpack(values, codes);
    QGRAIN_UNROLLED
    for (int i = 0; i < Map::size; ++i) made.put(i, map(codes[i], factors_of(i), index(i)));
  } else if constexpr (requires { Map::target_units; }) {
    typename Map::code_type codes[static_cast<unsigned>(Map::size)];
    QGRAIN_UNROLLED
    for (int i = 0; i < Map::size; ++i) codes[i] = map(values.at(i), factors_of(i), index(i));
    made = map.packed(codes);
  } else {
    QGRAIN_UNROLLED
    for (int i = 0; i < Map::size; ++i) made.put(i, map(values.at(i), factors_of(i), index(i)));
  }
  return made;
}

/// Where the scale of a group lies. `extent`: rows of groups, groups per row.
template <layout_policy Layout>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr index_t scale_position(shape2d extent, index_t group) noexcept {
  if constexpr (std::is_same_v<Layout, row_major>) {
    return group;
  } else {
    const index_t row = quotient(group, extent.cols);
    return Layout::index(extent, {row, group - row * extent.cols});
  }
}

/// What is known of ranges before a call, in device memory; null where it comes from the data.
template <class Range>
struct known_on_device {
  const Range* ranges = nullptr;
  const float* tensor_absmax = nullptr;
  const float* tensor_scale = nullptr;
  [[nodiscard]] bool of_tensor() const noexcept { return tensor_absmax != nullptr || tensor_scale != nullptr; }
};

/// From one matrix of a stack to the next.
struct scale_strides {
  index_t groups = 0;     ///< ranges that are given
  index_t positions = 0;  ///< scales, the padding of their layout included
  index_t words = 0;      ///< of scratch memory
  index_t tensors = 0;    ///< 1 where tensor scales are given one per matrix, 0 for one of all
};

/// Scales that kernels make: they are kept where there is memory for them.
template <class Element, layout_policy Layout = row_major>
struct made_scales {
  using stored_scale = typename Element::stored_scale;
  using range_type = typename Element::range_type;
  stored_scale* scales = nullptr;  ///< null: nothing is kept
  float* tensor_scale = nullptr;   ///< null: not kept
  shape2d extent;                  ///< of the groups
  known_on_device<range_type> known;
  const std::int32_t* tensor_range = nullptr;  ///< words of the tensor's largest magnitude; null for one level
  const std::int32_t* ranges = nullptr;        ///< words of the groups' ranges, where an earlier kernel found them

  /// The tensor's scale; one lane of the grid keeps it.
  template <kernel_lane Lane>
  [[nodiscard]] QGRAIN_ELEMENTWISE float of_tensor(const Lane& lane) const noexcept {
    const float scale = known.tensor_scale != nullptr    ? *known.tensor_scale
                        : known.tensor_absmax != nullptr ? Element::tensor_scale(*known.tensor_absmax)
                        : tensor_range != nullptr        ? Element::tensor_scale(range_from_words<float>(tensor_range))
                                                         : 1.0F;
    if (tensor_scale != nullptr && lane.block_x() == 0 && lane.block_y() == 0 && lane.thread() == 0) {
      *tensor_scale = scale;
    }
    return scale;
  }
  /// The scale of a group whose range stands in memory.
  [[nodiscard]] QGRAIN_ELEMENTWISE stored_scale of_group(index_t group, float of_the_tensor) const noexcept {
    return Element::scale(known.ranges != nullptr
                              ? known.ranges[group]
                              : range_from_words<range_type>(ranges + group * range_words<range_type>),
                          of_the_tensor);
  }
  QGRAIN_ELEMENTWISE void keep(index_t group, stored_scale stored) const noexcept {
    if (scales != nullptr) scales[scale_position<Layout>(extent, group)] = stored;
  }
  /// On to matrix i of a stack.
  QGRAIN_ELEMENTWISE void move(index_t i, const scale_strides& strides) noexcept {
    if (scales != nullptr) scales += i * strides.positions;
    if (tensor_scale != nullptr) tensor_scale += i;
    if (known.ranges != nullptr) known.ranges += i * strides.groups;
    if (known.tensor_scale != nullptr) known.tensor_scale += i * strides.tensors;
    if (tensor_range != nullptr) tensor_range += i * strides.words;
    if (ranges != nullptr) ranges += i * strides.words;
  }
};

/// Scales that stand in memory.
template <class Element, layout_policy Layout = row_major>
struct stored_scales {
  using stored_scale = typename Element::stored_scale;
  const stored_scale* scales = nullptr;
  const float* tensor_scale = nullptr;  ///< null: 1
  shape2d extent;                       ///< of the groups

  template <kernel_lane Lane>
  [[nodiscard]] QGRAIN_ELEMENTWISE float of_tensor(const Lane&) const noexcept {
    return tensor_scale == nullptr ? 1.0F : *tensor_scale;
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE stored_scale of_group(index_t group, float) const noexcept {
    return scales[scale_position<Layout>(extent, group)];
  }
  QGRAIN_ELEMENTWISE void keep(index_t, stored_scale) const noexcept {}
  /// On to matrix i of a stack.
  QGRAIN_ELEMENTWISE void move(index_t i, const scale_strides& strides) noexcept {
    scales += i * strides.positions;
    if (tensor_scale != nullptr) tensor_scale += i;
  }
};

}  // namespace qgrain::detail

#endif
