// Which range a group gets: that of its data, a percentile of it, or the one with the least error.
#ifndef QGRAIN_SCALE_RANGE_CHOICE_HPP
#define QGRAIN_SCALE_RANGE_CHOICE_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace qgrain {

// A choice is a value that kernels can take as well. What it chooses has the range type of the scale, so each works
// with every scale unless it says otherwise.

/// One of the policies below.
template <class C>
concept range_choice = requires {
  { C::name() } -> std::convertible_to<std::string_view>;
};

/// The range of the data, nothing clipped: the largest magnitude, both ends, or the signed largest element, as the
/// scale asks. What `quantize` takes where no ranges are given.
struct data_range {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "data"; }
};

/// A percentile of the group, interpolated linearly between neighbours (numpy's default). For scales of the largest
/// magnitude: P(|x|). For affine scales each side of zero has its own, and zero stays inside: above = max(0, P(x)),
/// below = max(0, P(-x)).
///
/// P of n sorted values v: h = percent * (n - 1) / 100 in double, k = floor(h), t = fl(h - k);
/// P = min(v[k + 1], fl(v[k] + fl(fl(v[k + 1] - v[k]) * t))), or v[k] where t = 0 or both are equal, or v[k + 1] where
/// the difference is not finite.
///
/// NaN in the group: the range of the data, which is NaN. Infinity: one value among the others, clipped unless the
/// percentile reaches it. Mostly zero: the range may be 0 though not all elements are; then what the scale does with an
/// all-zero group happens to all of them.
struct percentile_range {
  double percent = 99.9;  ///< in [0, 100]; 100 is the range of the data

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "percentile"; }

  /// k and t of n values.
  struct place {
    index_t below = 0;
    float fraction = 0.0F;
  };
  [[nodiscard]] QGRAIN_HOST_DEVICE constexpr place place_among(index_t count) const noexcept {
    const double position = percent * static_cast<double>(count - 1) / 100.0;
    const auto below = static_cast<index_t>(position);
    return {below, static_cast<float>(position - static_cast<double>(below))};
  }
  /// P from the two neighbours, a <= b.
  [[nodiscard]] QGRAIN_HOST_DEVICE static constexpr float between(float a, float b, float fraction) noexcept {
    const float step = sub_rn(b, a);
    if (fraction == 0.0F || a == b) return a;
    if (magnitude_bits(step) >= static_cast<std::int32_t>(f32_infinity_bits)) return b;
    return smaller_of(b, add_rn(a, mul_rn(step, fraction)));
  }
};

/// The range of the data times the factor whose squared error is least; of equal errors the first factor's. The error
/// is the recipe's own, summed in the order that quantizer/group_error.hpp lays down. Both ends of an affine range
/// shrink by the same factor.
///
/// An error that is NaN counts as larger than all others. So a group with a NaN gets the first factor's range, which is
/// NaN, a group with an infinity the first factor's, which is infinite, and an all-zero group the first factor's, 0.
/// Errors are squared in float32: where all squares of a group are below 2^-149 or beyond 2^128, the first factor wins.
template <std::size_t Count>
struct mse_range {
  static_assert(Count >= 1, "qgrain::mse_range: there is nothing to choose from; give at least one factor");
  float factors[Count];  // NOLINT: an array that kernels can index

  static constexpr std::size_t count = Count;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "mse"; }
};
template <std::same_as<float>... Factors>
mse_range(Factors...) -> mse_range<sizeof...(Factors)>;

/// Evenly spaced factors: the i-th is fl(first + fl(fl(last - first) * fl(i / (Count - 1)))). Ties go to `first`, so
/// mse_range_between<51>(1.0F, 0.5F) shrinks a range only where that helps.
template <std::size_t Count>
[[nodiscard]] constexpr mse_range<Count> mse_range_between(float first, float last) noexcept {
  static_assert(Count >= 2, "qgrain::mse_range_between: two ends need two factors; use mse_range{factor} for one");
  mse_range<Count> range{};
  for (std::size_t i = 0; i < Count; ++i) {
    const float share = div_rn(static_cast<float>(i), static_cast<float>(Count - 1));
    range.factors[i] = add_rn(first, mul_rn(sub_rn(last, first), share));
  }
  return range;
}

/// The block scale of NVFP4 puts the largest magnitude at 6, or, 1.5 times larger, at 4; 6 where the errors are equal.
/// Made for four_over_six_scale, whose tensor scale leaves room for it.
inline constexpr mse_range<2> four_over_six{1.0F, 1.5F};

}  // namespace qgrain

#endif
