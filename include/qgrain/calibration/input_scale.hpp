// Scales that move difficulty from a Linear's input to its weight: SmoothQuant and AWQ. The input is multiplied by the
// scale of its channel, the weight's column by the reciprocal, so that the product stays what it was.
#ifndef QGRAIN_CALIBRATION_INPUT_SCALE_HPP
#define QGRAIN_CALIBRATION_INPUT_SCALE_HPP

#include <qgrain/calibration/range_axis.hpp>
#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/detail/elementary.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/scale/range.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace qgrain::calibration {

namespace detail {

inline constexpr float least_input_scale = 1e-4F;
inline constexpr float largest_input_scale = 1e4F;

[[nodiscard]] inline float clamped_scale(float scale) noexcept {
  return std::max(least_input_scale, std::min(largest_input_scale, scale));
}

inline void require_channels(std::string_view what, std::size_t wanted, std::size_t found) {
  if (wanted != found) {
    qgrain::detail::raise(errc::invalid_shape, std::string(what) + ": the weight has " + std::to_string(wanted) +
                                                   " input channels, found " + std::to_string(found));
  }
}

inline void require_alpha(double alpha) {
  if (!(alpha >= 0.0 && alpha <= 1.0)) {
    qgrain::detail::raise(errc::out_of_range, "alpha lies in [0, 1], found " + std::to_string(alpha));
  }
}

}  // namespace detail

/// SmoothQuant: per input channel, (largest |w|)^(1 - alpha) / (largest |x|)^alpha, within [1e-4, 1e4].
///
/// weight_amax, input_amax: [in], the largest magnitudes of the weight's columns and of the input's channels. The input
/// is to be multiplied by the result. A channel whose input is all zeros gets 1e4, one whose input and weights are all
/// zeros 1 (neither matters). Powers and quotient in float32. Source: Xiao et al. 2022; ModelOpt 0.47, which fails on a
/// column of zero weights where alpha < 1.
/// @throws error errc::invalid_shape, errc::out_of_range (alpha outside [0, 1])
[[nodiscard]] inline std::vector<float> smoothquant_scale(std::span<const float> weight_amax,
                                                          std::span<const float> input_amax, double alpha = 1.0) {
  detail::require_channels("largest magnitudes of the input", weight_amax.size(), input_amax.size());
  detail::require_alpha(alpha);
  std::vector<float> scale(input_amax.size());
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const float quotient = div_rn(qgrain::detail::power(weight_amax[c], static_cast<float>(1.0 - alpha)),
                                  qgrain::detail::power(input_amax[c], static_cast<float>(alpha)));
    scale[c] = is_nan(quotient) ? 1.0F : detail::clamped_scale(quotient);
  }
  return scale;
}

/// The same for a weight [out, in].
[[nodiscard]] inline std::vector<float> smoothquant_scale(matrix_view<const float> weight,
                                                          std::span<const float> input_amax, double alpha = 1.0) {
  std::vector<float> weight_amax(static_cast<std::size_t>(weight.shape.cols), 0.0F);
  for (index_t r = 0; r < weight.shape.rows; ++r) {
    for (index_t c = 0; c < weight.shape.cols; ++c) {
      float& amax = weight_amax[static_cast<std::size_t>(c)];
      amax = widened(amax, weight(r, c));
    }
  }
  return smoothquant_scale(weight_amax, input_amax, alpha);
}

/// Mean |x| per input channel, as a mean over batches of the means of each batch.
class mean_magnitude_observer {
 public:
  /// batch: [tokens, in]; times: [tokens] how many equal tokens a row stands for; none: one each.
  /// @throws error errc::invalid_shape where the number of channels changes, or that of times is not that of tokens
  template <storage_element T>
  void observe(matrix_view<const T> batch, std::span<const std::int32_t> times = {}) {
    const auto channels = static_cast<std::size_t>(batch.shape.cols);
    if (sums_.empty()) sums_.assign(channels, 0.0);
    detail::require_channels("a batch", sums_.size(), channels);
    detail::require_multiplicities(batch.shape.rows, times);
    double tokens = 0;
    for (index_t r = 0; r < batch.shape.rows; ++r) tokens += detail::multiplicity(times, r);
    for (std::size_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (index_t r = 0; r < batch.shape.rows; ++r) {
        sum +=
            detail::multiplicity(times, r) * std::abs(static_cast<double>(to_float(batch(r, static_cast<index_t>(c)))));
      }
      sums_[c] += sum / tokens;
    }
    ++batches_;
  }
  /// [in], of the batches so far; empty before the first.
  [[nodiscard]] std::vector<float> mean() const {
    std::vector<float> means(sums_.size());
    for (std::size_t c = 0; c < means.size(); ++c)
      means[c] = static_cast<float>(sums_[c] / static_cast<double>(batches_));
    return means;
  }

 private:
  std::vector<double> sums_;
  index_t batches_ = 0;
};

/// AWQ: how much of its group's largest magnitude a weight has, averaged over the outputs, per input channel.
class weight_share_observer {
 public:
  /// group: elements along the input that share a scale (the last one may be short).
  /// @throws error errc::invalid_argument for a group of nothing
  explicit weight_share_observer(index_t group) : group_(group) {
    if (group < 1) {
      qgrain::detail::raise(errc::invalid_argument, "a group has at least 1 element, found " + std::to_string(group));
    }
  }

  /// rows: [some outputs, in], in any portions.
  /// @throws error errc::invalid_shape where the number of channels changes
  void observe(matrix_view<const float> rows) {
    const index_t cols = rows.shape.cols;
    if (sums_.empty()) sums_.assign(static_cast<std::size_t>(cols), 0.0);
    detail::require_channels("rows of a weight", sums_.size(), static_cast<std::size_t>(cols));
    for (index_t r = 0; r < rows.shape.rows; ++r) {
      for (index_t first = 0; first < cols; first += group_) {
        const index_t end = std::min(first + group_, cols);
        float absmax = 0.0F;
        for (index_t c = first; c < end; ++c) absmax = widened(absmax, rows(r, c));
        const float divisor = add_rn(absmax, std::numeric_limits<float>::min());
        for (index_t c = first; c < end; ++c) {
          sums_[static_cast<std::size_t>(c)] += static_cast<double>(div_rn(std::abs(rows(r, c)), divisor));
        }
      }
    }
    outputs_ += rows.shape.rows;
  }
  /// [in], empty before anything was observed.
  [[nodiscard]] std::vector<float> share() const {
    std::vector<float> share(sums_.size());
    for (std::size_t c = 0; c < share.size(); ++c) {
      share[c] = static_cast<float>(sums_[c] / static_cast<double>(outputs_));
    }
    return share;
  }

 private:
  index_t group_;
  std::vector<double> sums_;
  index_t outputs_ = 0;
};

/// weight_share_observer over a whole weight [out, in]: the mean, over outputs, of each element's part of the largest
/// magnitude in its group, one per input. NaN for a weight without rows.
/// @throws error errc::invalid_argument for a group of nothing
[[nodiscard]] inline std::vector<float> awq_weight_share(matrix_view<const float> weight, index_t group) {
  weight_share_observer observer(group);
  observer.observe(weight);
  return observer.share();
}

/// The alphas that AWQ tries: 0, step, 2 step, ... up to 1, as float32.
/// @throws error errc::out_of_range for a step outside (0, 1]
[[nodiscard]] inline std::vector<float> awq_alphas(double step = 0.1) {
  if (!(step > 0.0 && step <= 1.0)) {
    qgrain::detail::raise(errc::out_of_range, "the step of alpha lies in (0, 1], found " + std::to_string(step));
  }
  std::vector<float> alphas;
  for (int i = 0; static_cast<double>(i) * step < 1.0 + step * 0.5; ++i) {
    alphas.push_back(static_cast<float>(static_cast<double>(i) * step));
  }
  return alphas;
}

/// AWQ-lite's scale of the weight: act^alpha / (share^(1 - alpha) + tiny), within [1e-4, 1e4], divided by the geometric
/// mean of its largest and least entry. The weight's columns are multiplied by it, the input's channels by its
/// reciprocal. float32. Source: Lin et al. 2023; ModelOpt 0.47.
/// @throws error errc::invalid_shape, errc::out_of_range
[[nodiscard]] inline std::vector<float> awq_scale(std::span<const float> activation_mean,
                                                  std::span<const float> weight_share, float alpha) {
  detail::require_channels("means of the activation", weight_share.size(), activation_mean.size());
  detail::require_alpha(static_cast<double>(alpha));
  std::vector<float> scale(weight_share.size());
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const float divisor =
        add_rn(qgrain::detail::power(weight_share[c], sub_rn(1.0F, alpha)), std::numeric_limits<float>::min());
    scale[c] = detail::clamped_scale(div_rn(qgrain::detail::power(activation_mean[c], alpha), divisor));
  }
  if (scale.empty()) return scale;
  const auto [least, largest] = std::minmax_element(scale.begin(), scale.end());
  const float middle = sqrt_rn(mul_rn(*largest, *least));
  for (float& s : scale) s = div_rn(s, middle);
  return scale;
}

}  // namespace qgrain::calibration

#endif
