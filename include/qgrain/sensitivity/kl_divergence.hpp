// The Kullback-Leibler divergence of two rows of logits, which may come in slabs of the vocabulary.
#ifndef QGRAIN_SENSITIVITY_KL_DIVERGENCE_HPP
#define QGRAIN_SENSITIVITY_KL_DIVERGENCE_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/detail/elementary.hpp>
#include <qgrain/core/exponential.hpp>
#include <qgrain/core/lane_sum.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/run_fused.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace qgrain::sensitivity {

namespace detail {

/// Running sums of these kernels; unlike those of lane_sum they are added one after another at the end.
inline constexpr index_t divergence_lanes = 16;
/// Largest change of a logit that is taken as it is; e^d stays far from overflow.
inline constexpr float largest_change = 80.0F;

/// e^d - 1 - d in single precision for |d| <= largest_change: exp_accurate with the parts that cancel near 0 left out.
[[nodiscard]] QGRAIN_ELEMENTWISE float exp_beyond_first_order(float d) {
  const exp_parts e = parts_of_exp(d);
  const float power = power_of_two(static_cast<std::int32_t>(e.power));
  // 2^n (1 + r + r^2 p) - 1 - d; where n is 0, r is d.
  return add_rn(fma_rn(power, mul_rn(mul_rn(e.rest, e.rest), e.tail), fma_rn(power, e.rest, -d)), sub_rn(power, 1.0F));
}

/// Raises *top to the largest logit; *unordered counts NaN.
struct largest_logit_run {
  QGRAIN_ALWAYS_INLINE static void run(const float* z, index_t n, float* top, std::int32_t* unordered) {
    float tops[divergence_lanes];
    std::int32_t nans[divergence_lanes] = {};
    for (float& t : tops) t = *top;
    const auto look = [&](index_t j, index_t i) {
      tops[i] = z[j] > tops[i] ? z[j] : tops[i];
      nans[i] += z[j] != z[j] ? 1 : 0;
    };
    const index_t whole = n - n % divergence_lanes;
    for (index_t j = 0; j < whole; j += divergence_lanes) {
      for (index_t i = 0; i < divergence_lanes; ++i) look(j + i, i);
    }
    for (index_t j = whole; j < n; ++j) look(j, j - whole);
    for (index_t i = 0; i < divergence_lanes; ++i) {
      *top = std::max(*top, tops[i]);
      *unordered += nans[i];
    }
  }
};

/// exp(z - top), rounded to float32 each.
struct exponential_term {
  const float* z;
  float top;
  [[nodiscard]] QGRAIN_ALWAYS_INLINE double operator()(index_t i) const noexcept {
    return static_cast<double>(exp_accurate(sub_rn(z[i], top)));
  }
};
struct exponential_sum_run {
  QGRAIN_ALWAYS_INLINE static void run(const float* z, index_t n, float top, double* sum) {
    *sum = qgrain::lane_sum<16>(n, exponential_term{z, top});
  }
};

/// p[i] := exp(z[i] - log_sum); adds their sum to *total.
struct probabilities_run {
  QGRAIN_ALWAYS_INLINE static void run(const float* z, index_t n, float log_sum, float* p, double* total) {
    double sums[divergence_lanes] = {};
    const index_t whole = n - n % divergence_lanes;
    for (index_t j = 0; j < whole; j += divergence_lanes) {
      for (index_t i = 0; i < divergence_lanes; ++i) {
        p[j + i] = exp_accurate(sub_rn(z[j + i], log_sum));
        sums[i] += static_cast<double>(p[j + i]);
      }
    }
    for (index_t j = whole; j < n; ++j) {
      p[j] = exp_accurate(sub_rn(z[j], log_sum));
      sums[j - whole] += static_cast<double>(p[j]);
    }
    for (const double s : sums) *total += s;
  }
};

/// Adds sum p (e^d - 1 - d) and sum p d of d = q - z, and raises *top to the largest d.
struct divergence_run {
  QGRAIN_ALWAYS_INLINE static void run(const float* p, const float* z, const float* q, index_t n, double* beyond,
                                       double* shift, float* top) {
    double beyonds[divergence_lanes] = {};
    double shifts[divergence_lanes] = {};
    float tops[divergence_lanes];
    for (index_t i = 0; i < divergence_lanes; ++i) tops[i] = *top;
    const auto add = [&](index_t j, index_t i) {
      const float d = sub_rn(q[j], z[j]);
      // Below -87 e^d is nothing beside 1.
      const float bounded = at_least(-87.0F, at_most(largest_change, d));
      const float rest = exp_beyond_first_order(bounded);
      beyonds[i] += static_cast<double>(mul_rn(p[j], add_rn(rest, sub_rn(bounded, d))));
      shifts[i] += static_cast<double>(mul_rn(p[j], d));
      tops[i] = d > tops[i] ? d : tops[i];
    };
    const index_t whole = n - n % divergence_lanes;
    for (index_t j = 0; j < whole; j += divergence_lanes) {
      for (index_t i = 0; i < divergence_lanes; ++i) add(j + i, i);
    }
    for (index_t j = whole; j < n; ++j) add(j, j - whole);
    for (index_t i = 0; i < divergence_lanes; ++i) {
      *beyond += beyonds[i];
      *shift += shifts[i];
      *top = std::max(*top, tops[i]);
    }
  }
};

}  // namespace detail

/// log(sum e^z) of a row of logits, in nats, slab after slab: the denominator of its softmax.
///
/// Logits of -infinity have probability 0; NaN or +infinity makes the value NaN. Exponentials are rounded to float32
/// and summed in double, in an order that does not depend on the processor; it does on the slabs.
class running_log_sum {
 public:
  void add(const float* z, index_t count) {
    float top = largest_;
    std::int32_t unordered = 0;
    run_fused<detail::largest_logit_run>(z, count, &top, &unordered);
    if (unordered > 0 || top == std::numeric_limits<float>::infinity()) top = std::numeric_limits<float>::quiet_NaN();
    if (top == -std::numeric_limits<float>::infinity()) return;
    double sum = 0;
    run_fused<detail::exponential_sum_run>(z, count, top, &sum);
    exponentials_ =
        exponentials_ * qgrain::detail::exponential(static_cast<double>(largest_) - static_cast<double>(top)) + sum;
    largest_ = top;
  }
  [[nodiscard]] double value() const {
    return static_cast<double>(largest_) + qgrain::detail::natural_logarithm(exponentials_);
  }

 private:
  float largest_ = -std::numeric_limits<float>::infinity();
  double exponentials_ = 0;  // of z - largest_
};

/// p[i] = exp(z[i] - log_sum) for `count` logits of a row whose running_log_sum has the value log_sum. Returns their
/// sum in double: over all slabs it is 1 but for rounding, and divergence_sums wants to know.
inline double probabilities(const float* z, index_t count, float log_sum, float* p) {
  double sum = 0;
  run_fused<detail::probabilities_run>(z, count, log_sum, p, &sum);
  return sum;
}

/// What the divergence of one row is made of, slab after slab, p being the probabilities of the row of reference and d
/// the change of its logits. Differences of nearly equal logarithms are never taken, so that a small divergence keeps
/// its digits: with all = sum p it is log(1 + (sum p (e^d - 1)) / all) - (sum p d) / all.
///
/// Logits are finite. Allocates nothing; safe to call from any thread; the same bits on every processor.
class divergence_sums {
 public:
  /// p and z: probabilities and logits of the reference; q: the other logits of the same part of the row.
  void add(const float* p, const float* z, const float* q, index_t count) {
    run_fused<detail::divergence_run>(p, z, q, count, &beyond_, &shift_, &rise_);
  }
  /// Mean change of a logit under p.
  [[nodiscard]] double mean_change(double all) const { return shift_ / all; }
  /// log(sum q's e^q) - log(sum e^z): what the change adds to the denominator's logarithm.
  [[nodiscard]] double growth(double all) const { return qgrain::detail::logarithm_beyond_one(excess(all)); }
  /// Whether `growth` has digits enough; if not, take the difference of two running_log_sum in its place.
  [[nodiscard]] bool carries(double all) const {
    return excess(all) >= least_excess && rise_ <= detail::largest_change;
  }
  /// KL(softmax(z) || softmax(q)) in nats.
  [[nodiscard]] double divergence(double all, double growth) const { return growth - mean_change(all); }

 private:
  // Below it the sum of p e^d over 1 loses digits.
  static constexpr double least_excess = -0.9;
  [[nodiscard]] double excess(double all) const { return beyond_ / all + mean_change(all); }

  double beyond_ = 0;                                     // sum p (e^d - 1 - d)
  double shift_ = 0;                                      // sum p d
  float rise_ = -std::numeric_limits<float>::infinity();  // largest d
};

/// KL(softmax(z) || softmax(q)) in nats of two rows of `count` finite logits. Allocates nothing.
/// Error below 3e-6 of the divergence and 3e-7 of the mean square of q - z under softmax(z), as products are rounded to
/// float32: with nearly all probability in one place the divergence is a small part of that square.
[[nodiscard]] inline double kl_divergence(const float* z, const float* q, index_t count) {
  constexpr index_t slab = 1024;
  running_log_sum of_z;
  of_z.add(z, count);
  std::array<float, static_cast<std::size_t>(slab)> p;
  divergence_sums sums;
  double all = 0;
  for (index_t first = 0; first < count; first += slab) {
    const index_t part = std::min(slab, count - first);
    all += probabilities(z + first, part, static_cast<float>(of_z.value()), p.data());
    sums.add(p.data(), z + first, q + first, part);
  }
  if (sums.carries(all)) return sums.divergence(all, sums.growth(all));
  running_log_sum of_q;
  of_q.add(q, count);
  return sums.divergence(all, of_q.value() - of_z.value());
}

}  // namespace qgrain::sensitivity

#endif
