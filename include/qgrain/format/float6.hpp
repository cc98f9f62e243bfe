// The 6-bit floating-point formats (OCP MX v1.0). No infinity, no NaN.
#ifndef QGRAIN_FORMAT_FLOAT6_HPP
#define QGRAIN_FORMAT_FLOAT6_HPP

#include <qgrain/format/minifloat.hpp>

#include <string_view>

namespace qgrain {

/// Up to 7.5, steps of 0.125 below 2.
struct float6_e2m3fn : minifloat<2, 3, 1, special_values::none> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float6_e2m3fn"; }
};

/// Up to 28, steps of 0.0625 below 0.5.
struct float6_e3m2fn : minifloat<3, 2, 3, special_values::none> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float6_e3m2fn"; }
};

}  // namespace qgrain

#endif
