// The 4-bit floating-point format.
#ifndef QGRAIN_FORMAT_FLOAT4_HPP
#define QGRAIN_FORMAT_FLOAT4_HPP

#include <qgrain/format/minifloat.hpp>

#include <string_view>

namespace qgrain {

/// 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives (OCP MX v1.0). No infinity, no NaN.
struct float4_e2m1fn : minifloat<2, 1, 1, special_values::none> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float4_e2m1fn"; }
};

}  // namespace qgrain

#endif
