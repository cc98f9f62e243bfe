// Histograms of a tensor, its rows or its columns over batches.
#ifndef QGRAIN_CALIBRATION_HISTOGRAM_OBSERVER_HPP
#define QGRAIN_CALIBRATION_HISTOGRAM_OBSERVER_HPP

#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/range_axis.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/scale/range.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace qgrain::calibration {

/// One histogram per range, each as if its elements were a tensor of their own: percentile_amax, entropy_amax and
/// mse_amax then choose a range for each. Takes at least 24 KB per range.
class histogram_observer {
 public:
  /// @throws error errc::invalid_argument where the settings make no histogram
  explicit histogram_observer(range_axis axis, histogram::options settings = {}) : axis_(axis), like_(settings) {}

  /// batch: [rows, cols]; times: [rows] how many equal rows a row stands for; none: one each.
  /// @throws error errc::invalid_shape where the number of ranges differs from that of earlier batches, or that of
  /// times from the rows; errc::non_finite for NaN or infinity (place and value are named). Nothing has been counted
  /// then.
  template <storage_element T>
  void observe(matrix_view<const T> batch, std::span<const std::int32_t> times = {}) {
    const std::size_t count = detail::range_count(batch.shape, axis_);
    if (!histograms_.empty()) detail::require_ranges(histograms_.size(), count);
    detail::require_multiplicities(batch.shape.rows, times);
    const std::vector<float> tops = largest_magnitudes(batch, count);
    if (histograms_.empty()) histograms_.assign(count, like_);
    for (std::size_t i = 0; i < count; ++i) histograms_[i].prepare(tops[i]);
    for (index_t r = 0; r < batch.shape.rows; ++r) {
      const std::int64_t n = detail::multiplicity(times, r);
      if constexpr (std::is_same_v<T, float>) {
        if (axis_ != range_axis::columns) {
          histograms_[detail::range_index(r, 0, axis_)].add(
              std::span<const float>(batch.row(r), static_cast<std::size_t>(batch.shape.cols)), n);
          continue;
        }
      }
      for (index_t c = 0; c < batch.shape.cols; ++c)
        histograms_[detail::range_index(r, c, axis_)].add(to_float(batch(r, c)), n);
    }
  }

  /// @throws error errc::invalid_shape where the number of ranges differs, errc::invalid_argument where bin widths do
  void merge(const histogram_observer& other) {
    if (other.histograms_.empty()) return;
    if (histograms_.empty()) {
      histograms_ = other.histograms_;
      return;
    }
    detail::require_ranges(histograms_.size(), other.histograms_.size());
    std::vector<histogram> merged = histograms_;  // nothing is merged where one pair cannot be
    for (std::size_t i = 0; i < merged.size(); ++i) merged[i].merge(other.histograms_[i]);
    histograms_ = std::move(merged);
  }

  /// [ranges]; empty before the first batch.
  [[nodiscard]] const std::vector<histogram>& histograms() const noexcept { return histograms_; }

 private:
  template <class T>
  [[nodiscard]] std::vector<float> largest_magnitudes(matrix_view<const T> batch, std::size_t count) const {
    std::vector<float> tops(count, 0.0F);
    for (index_t r = 0; r < batch.shape.rows; ++r) {
      std::int32_t largest = 0;
      for (index_t c = 0; c < batch.shape.cols; ++c) {
        largest = larger_of(largest, magnitude_bits(to_float(batch(r, c))));
      }
      const float top_of_row = float_from_magnitude(largest);
      if (!is_finite(top_of_row)) raise_for_row(batch, r);
      if (axis_ != range_axis::columns) {
        float& top = tops[detail::range_index(r, 0, axis_)];
        top = widened(top, top_of_row);
      } else {
        for (index_t c = 0; c < batch.shape.cols; ++c) {
          float& top = tops[static_cast<std::size_t>(c)];
          top = widened(top, to_float(batch(r, c)));
        }
      }
    }
    return tops;
  }
  template <class T>
  [[noreturn]] static void raise_for_row(matrix_view<const T> batch, index_t r) {
    index_t c = 0;
    while (is_finite(to_float(batch(r, c)))) ++c;
    qgrain::detail::raise(errc::non_finite, "element (" + std::to_string(r) + ", " + std::to_string(c) +
                                                ") of a batch to calibrate on is " +
                                                std::to_string(to_float(batch(r, c))));
  }

  range_axis axis_;
  histogram like_;
  std::vector<histogram> histograms_;
};

}  // namespace qgrain::calibration

#endif
