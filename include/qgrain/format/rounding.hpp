// How a magnitude between two codes chooses one. Rounding acts on magnitudes, so every rule here is symmetric about
// zero.
#ifndef QGRAIN_FORMAT_ROUNDING_HPP
#define QGRAIN_FORMAT_ROUNDING_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>

#include <cstdint>
#include <string_view>

namespace qgrain {

namespace detail {

/// Nearest integer, ties to even, of a value in [0, 2^22]: adding 2^23 leaves no digits below one.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float nearest_even_integer(float x) noexcept {
  constexpr float two_to_23 = 8388608.0F;
  return sub_rn(add_rn(x, two_to_23), two_to_23);
}

/// 1.0F where the condition holds, else 0.0F, without a branch.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float one_if(bool condition) noexcept {
  return float_from_bits(condition ? 0x3F80'0000U : 0U);
}

/// The largest integer not above x in [0, 2^22].
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float floor_integer(float x) noexcept {
  const float near = nearest_even_integer(x);
  return near - one_if(magnitude_bits(near) > magnitude_bits(x));
}

}  // namespace detail

/// Nearest, ties to the even code: the default, and what IEEE conversions do.
struct nearest_even {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nearest_even"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr nearest_even at(std::uint64_t) const noexcept { return *this; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float operator()(float x) const noexcept {
    return detail::nearest_even_integer(x);
  }
};

/// Nearest, ties to the larger magnitude.
struct nearest_away {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nearest_away"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr nearest_away at(std::uint64_t) const noexcept { return *this; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float operator()(float x) const noexcept {
    const float whole = detail::floor_integer(x);
    return whole + detail::one_if(magnitude_bits(x - whole) >= magnitude_bits(0.5F));
  }
};

/// Nearest, ties to the smaller magnitude: ModelOpt's packed MXFP4 and gguf's.
struct ties_to_zero {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ties_to_zero"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr ties_to_zero at(std::uint64_t) const noexcept { return *this; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float operator()(float x) const noexcept {
    const float whole = detail::floor_integer(x);
    return whole + detail::one_if(magnitude_bits(x - whole) > magnitude_bits(0.5F));
  }
};

/// The code next to zero.
struct toward_zero {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "toward_zero"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr toward_zero at(std::uint64_t) const noexcept { return *this; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float operator()(float x) const noexcept {
    return detail::floor_integer(x);
  }
};

}  // namespace qgrain

#endif
