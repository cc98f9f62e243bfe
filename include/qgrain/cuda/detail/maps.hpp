// What happens to one element, and where the scales of its group come from: the two things in which quantize,
// dequantize and fake_quantize differ.
#ifndef QGRAIN_CUDA_DETAIL_MAPS_HPP
#define QGRAIN_CUDA_DETAIL_MAPS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/lanes.hpp>

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

/// All elements of a pack, which share their factors.
template <class Map, int Size>
[[nodiscard]] QGRAIN_ELEMENTWISE pack<typename Map::target, Size> mapped(
    const Map& map, const pack<typename Map::source, Size>& values, typename Map::element_type::factors_type factors,
    index_t element) noexcept {
  pack<typename Map::target, Size> made;
  QGRAIN_UNROLLED
  for (int i = 0; i < Size; ++i) {
    made.put(i, map(values.at(i), factors, static_cast<std::uint64_t>(element) + static_cast<std::uint64_t>(i)));
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
