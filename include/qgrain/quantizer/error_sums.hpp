// What quantization did to a tensor, in numbers: sums over elements, and the figures that follow from them.
#ifndef QGRAIN_QUANTIZER_ERROR_SUMS_HPP
#define QGRAIN_QUANTIZER_ERROR_SUMS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/detail/elementary.hpp>
#include <qgrain/core/lane_sum.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace qgrain {

/// Sums over pairs of an element x and what it became, y, in double. A value, host only: `add` elements, `merge` the
/// sums of parts, ask for figures at any time. Sums are rounded, so their last bits depend on the order of calls, and
/// on nothing else.
///
/// NaN is not skipped: where x, y or their difference (two infinities of one sign) is NaN, so are the sums that it
/// enters and the figures made of them. `elements` and `clipped` count on.
struct error_sums {
  index_t elements = 0;
  index_t clipped = 0;         ///< elements that the caller called clipped
  double squared_error = 0.0;  ///< sum of (x - y)^2
  double x_squared = 0.0;      ///< sum of x^2
  double y_squared = 0.0;      ///< sum of y^2
  double product = 0.0;        ///< sum of x * y
  double largest_error = 0.0;  ///< largest |x - y|

  void add(float x, float y, bool was_clipped = false) noexcept {
    const double wide_x = x;
    const double wide_y = y;
    const double error = wide_x - wide_y;
    elements += 1;
    clipped += was_clipped ? 1 : 0;
    squared_error += unfused_square(error);
    x_squared += wide_x * wide_x;  // exact, as all products of two float32
    y_squared += wide_y * wide_y;
    product += wide_x * wide_y;
    largest_error = larger_error(largest_error, std::abs(error));
  }

  /// Adds `count` pairs, eight at a time: pair i goes to sum i mod 8, the eight are then added pairwise, and what is
  /// left of the run follows one by one. Faster than `add`, with other last bits. was_clipped: 0 or 1 for each pair.
  QGRAIN_ALWAYS_INLINE void add_run(const float* x, const float* y, const std::uint8_t* was_clipped,
                                    index_t count) noexcept {
    constexpr index_t lanes = 8;
    const index_t whole = count / lanes * lanes;
    if (whole > 0) {
      double errors[lanes] = {}, xs[lanes] = {}, ys[lanes] = {}, products[lanes] = {}, largest[lanes] = {};
      for (index_t first = 0; first < whole; first += lanes) {
        QGRAIN_INDEPENDENT_ITERATIONS
        for (index_t lane = 0; lane < lanes; ++lane) {
          const double wide_x = x[first + lane];
          const double wide_y = y[first + lane];
          const double error = wide_x - wide_y;
          errors[lane] += unfused_square(error);
          xs[lane] += wide_x * wide_x;
          ys[lane] += wide_y * wide_y;
          products[lane] += wide_x * wide_y;
          largest[lane] = larger_error(largest[lane], std::abs(error));
        }
      }
      constexpr index_t at_once = 128;  // whose count fits a byte, so that a vector counts as many as it has bytes
      for (index_t first = 0; first < whole; first += at_once) {
        std::uint8_t some = 0;
        const index_t end = smaller_of(first + at_once, whole);
        for (index_t i = first; i < end; ++i) some = static_cast<std::uint8_t>(some + was_clipped[i]);
        clipped += some;
      }
      elements += whole;
      squared_error += fold_lanes(errors);
      x_squared += fold_lanes(xs);
      y_squared += fold_lanes(ys);
      product += fold_lanes(products);
      largest_error = larger_error(largest_error, fold_lanes(largest, larger_error));
    }
    for (index_t i = whole; i < count; ++i) add(x[i], y[i], was_clipped[i] != 0);
  }

  /// Adds the sums of another part of the tensor.
  void merge(const error_sums& other) noexcept {
    elements += other.elements;
    clipped += other.clipped;
    squared_error += other.squared_error;
    x_squared += other.x_squared;
    y_squared += other.y_squared;
    product += other.product;
    largest_error = larger_error(largest_error, other.largest_error);
  }

  /// Mean squared error, in squared units of x; 0 where there are no elements.
  [[nodiscard]] double mse() const noexcept {
    return elements == 0 ? 0.0 : squared_error / static_cast<double>(elements);
  }
  /// Signal to quantization noise, 10 log10(sum of x^2 / sum of (x - y)^2), in dB. Without any error it is +infinity,
  /// for zeros and for no elements too; where all x are zero and some y is not, -infinity.
  [[nodiscard]] double sqnr_db() const noexcept {
    if (squared_error == 0.0 && !is_nan(x_squared)) return std::numeric_limits<double>::infinity();
    return 10.0 * detail::decimal_logarithm(x_squared / squared_error);
  }
  /// Largest |x - y|; 0 where there are no elements.
  [[nodiscard]] double max_error() const noexcept { return largest_error; }
  /// Cosine of the angle between x and y, in [-1, 1]. Two zero vectors (or no elements) have 1; a zero vector and
  /// another have 0.
  [[nodiscard]] double cosine() const noexcept {
    if (x_squared == 0.0 && y_squared == 0.0) return 1.0;
    if (x_squared == 0.0 || y_squared == 0.0) return is_nan(product) ? product : 0.0;
    const double ratio =
        product / detail::square_root(x_squared * y_squared);  // at most 1e154 and at least 1e-180: no overflow
    return ratio > 1.0 ? 1.0 : ratio < -1.0 ? -1.0 : ratio;
  }

 private:
  /// Of two magnitudes, as integers: NaN is larger than infinity.
  [[nodiscard]] static double larger_error(double a, double b) noexcept {
    const auto a_bits = std::bit_cast<std::int64_t>(a);
    const auto b_bits = std::bit_cast<std::int64_t>(b);
    return std::bit_cast<double>(b_bits > a_bits ? b_bits : a_bits);
  }

  /// error^2, rounded, and not fused into the sum by compilers that contract: the integer minimum changes one pattern
  /// of NaN only, but they do not know.
  [[nodiscard]] static double unfused_square(double error) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(error * error);
    return std::bit_cast<double>(bits == ~std::uint64_t{0} ? bits - 1 : bits);
  }
};

}  // namespace qgrain

#endif
