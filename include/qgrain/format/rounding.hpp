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
  return selected(condition, 1.0F, 0.0F);
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

/// A permutation of 64-bit words in which every bit of the input reaches every bit of the output: the finalizer of
/// SplitMix64 (Steele, Lea, Flood 2014, with Stafford's thirteenth set of constants).
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr std::uint64_t mix_bits(std::uint64_t word) noexcept {
  word = (word ^ (word >> 30U)) * 0xBF58'476D'1CE4'E5B9ULL;
  word = (word ^ (word >> 27U)) * 0x94D0'49BB'1331'11EBULL;
  return word ^ (word >> 31U);
}

/// Up with a probability of the fractional part, else down, so that the expected value is the value itself.
///
/// Nothing is drawn from a stream: the choice is a function of the seed and of the element's index alone, so it is the
/// same for any number of threads, any order and any backend. With golden = 0x9E3779B97F4A7C15 and mix_bits() as above,
/// all modulo 2^64,
///   word = mix_bits(mix_bits(seed + golden) + (element + 1) * golden),   u = (2 * (word >> 41) + 1) * 2^-24,
/// and a magnitude goes up where its fractional part is larger than u. Codes are exact (a part of 0 never goes up), and
/// probabilities are off by 2^-24 at most.
struct stochastic {
  std::uint64_t seed = 0;

  /// The rounding of one element: u is fixed.
  struct at_element {
    float u;
    [[nodiscard]] QGRAIN_ELEMENTWISE constexpr float operator()(float x) const noexcept {
      const float whole = detail::floor_integer(x);
      return whole + detail::one_if(magnitude_bits(x - whole) > magnitude_bits(u));
    }
  };

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "stochastic"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE constexpr at_element at(std::uint64_t element) const noexcept {
    constexpr std::uint64_t golden = 0x9E37'79B9'7F4A'7C15ULL;
    const std::uint64_t word = mix_bits(mix_bits(seed + golden) + (element + 1) * golden);
    const auto odd = static_cast<std::int32_t>(word >> 41U) * 2 + 1;
    return {static_cast<float>(odd) * power_of_two(-24)};
  }
};

}  // namespace qgrain

#endif
