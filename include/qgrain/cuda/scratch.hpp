// How much device memory a call needs besides its input and output.
#ifndef QGRAIN_CUDA_SCRATCH_HPP
#define QGRAIN_CUDA_SCRATCH_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/device_ranges.hpp>

#include <cstdint>

namespace qgrain {

namespace detail {

enum class group_kind : std::uint8_t {
  tensor,
  column,
  row,
  run,    ///< a fixed number of elements of a row
  tile,   ///< a fixed number of rows and columns
  other,  ///< what kernels do not take
};

template <granularity_policy Granularity>
inline constexpr group_kind kind_of_group = [] {
  constexpr shape2d probe{index_t{1} << 20, index_t{1} << 20};
  constexpr shape2d group = Granularity::group_shape(probe);
  if (group == probe) return group_kind::tensor;
  if (group == shape2d{probe.rows, 1}) return group_kind::column;
  if (group == shape2d{1, probe.cols}) return group_kind::row;
  if (Granularity::group_shape({1, 1}) != group) return group_kind::other;
  return group.rows == 1 ? group_kind::run : group_kind::tile;
}();

/// Whether several blocks see a group, which find its range in memory then.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr bool spans_blocks(group_kind kind) noexcept {
  return kind == group_kind::tensor || kind == group_kind::column || kind == group_kind::tile;
}

/// Where the parts of a call's scratch begin and how long it is, in bytes.
struct scratch_plan {
  index_t tensor_range = 0;
  index_t group_ranges = 0;
  index_t bytes = 0;
};

template <quantizer_type Q>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr scratch_plan plan_scratch(shape2d shape) noexcept {
  constexpr group_kind kind = kind_of_group<typename Q::granularity_type>;
  scratch_plan plan;
  if (Q::scale_type::tensor_bits > 0) plan.bytes += static_cast<index_t>(sizeof(float));
  plan.group_ranges = plan.bytes;
  if (spans_blocks(kind)) {
    plan.bytes += Q::scale_count(shape) * static_cast<index_t>(sizeof(typename Q::range_type));
  }
  return plan;
}

}  // namespace detail

/// Bytes of device memory, aligned to 4, that `quantize` and `fake_quantize` on a stream need for themselves: for
/// ranges per tensor, column and tile, and for the tensor's range of two-level scales. 0 where one pass is enough. What
/// they hold before and after a call has no meaning.
template <quantizer_type Q>
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t scratch_bytes(shape2d shape) noexcept {
  return detail::plan_scratch<Q>(shape).bytes;
}
/// The same for a call that is given ranges: 0 where it has none left to find.
template <quantizer_type Q>
[[nodiscard]] constexpr index_t scratch_bytes(shape2d shape, const device_ranges& given) noexcept {
  constexpr detail::group_kind kind = detail::kind_of_group<typename Q::granularity_type>;
  const bool groups = detail::spans_blocks(kind) && given.absmax.empty() && given.ends.empty();
  const bool tensor = Q::scale_type::tensor_bits > 0 && given.tensor_absmax == nullptr &&
                      given.tensor_scale == nullptr && given.tensor_scales.empty();
  return groups || tensor ? scratch_bytes<Q>(shape) : 0;
}

}  // namespace qgrain

#endif
