// One scale for the whole tensor.
#ifndef QGRAIN_GRANULARITY_PER_TENSOR_HPP
#define QGRAIN_GRANULARITY_PER_TENSOR_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <string_view>

namespace qgrain {

/// ModelOpt's `axis: null`.
struct per_tensor {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "per_tensor"; }
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr shape2d group_shape(shape2d shape) noexcept { return shape; }
};

}  // namespace qgrain

#endif
