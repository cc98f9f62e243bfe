// The two 16-bit floating-point types as element formats. (core/half.hpp has them as storage of inputs and scales.)
#ifndef QGRAIN_FORMAT_FLOAT16_HPP
#define QGRAIN_FORMAT_FLOAT16_HPP

#include <qgrain/format/minifloat.hpp>

#include <string_view>

namespace qgrain {

/// IEEE binary16: up to 65504, subnormals down to 2^-24, infinity and NaN. Ties go to even, what exceeds 65504 by half
/// a step or more becomes infinite, NaNs encode as one pattern per sign.
struct float16_format : minifloat<5, 10, 15, special_values::ieee> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "float16"; }
};

/// The upper half of a float32, whose exponents it shares, subnormals included. Ties go to even, what exceeds its
/// largest number by half a step or more becomes infinite, NaNs encode as one pattern per sign.
struct bfloat16_format : minifloat<8, 7, 127, special_values::ieee> {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "bfloat16"; }
};

}  // namespace qgrain

#endif
