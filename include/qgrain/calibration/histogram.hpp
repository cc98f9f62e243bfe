// Magnitudes of a tensor, counted in bins of one width while its batches go by.
#ifndef QGRAIN_CALIBRATION_HISTOGRAM_HPP
#define QGRAIN_CALIBRATION_HISTOGRAM_HPP

#include <qgrain/calibration/detail/even_steps.hpp>
#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/detail/elementary.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/scale/range.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::calibration {

/// Counts |x| in bins that start at 0. The first batch that is not all zeros sets the width, largest magnitude / bins;
/// a later batch that reaches further adds bins of the same width. The counts do not depend on the order of elements
/// within a batch; they do depend on which batch comes first.
///
/// Source: the histogram calibrator of ModelOpt 0.47, whose counts these are. Bin of a magnitude: trunc(x * bins / top)
/// in float32, multiplied first; x = top belongs to the last bin. An all-zero histogram keeps its zeros in the middle
/// bin, all edges 0. Better than there: zeros in front of data are not an error (they move to bin 0), a grown
/// histogram always has one edge more than bins, and one that would outgrow most_bins joins neighbouring bins (its
/// width doubles, as often as needed) instead of filling the memory.
class histogram {
 public:
  struct options {
    index_t bins = 2048;
    bool skip_zeros = false;
    index_t most_bins = index_t{1} << 20;  ///< at least bins: 12 bytes each
  };

  /// @throws error errc::invalid_argument for less than one bin, or fewer at the most than at first
  explicit histogram(options settings) : settings_(settings) {
    if (settings.bins < 1) {
      qgrain::detail::raise(errc::invalid_argument,
                            "a histogram has at least 1 bin, found " + std::to_string(settings.bins));
    }
    if (settings.most_bins < settings.bins) {
      qgrain::detail::raise(errc::invalid_argument, "a histogram of " + std::to_string(settings.bins) +
                                                        " bins cannot have " + std::to_string(settings.most_bins) +
                                                        " at the most");
    }
  }
  histogram() : histogram(options{}) {}

  /// Adds one batch.
  /// @throws error errc::non_finite for NaN or infinity (index and value are named); nothing has been counted then
  void observe(std::span<const float> batch) {
    prepare(largest_magnitude(batch));
    add(count(batch));
  }

  // The same in parts, for batches that several threads share: prepare(the largest magnitude of the whole batch) once,
  // count(part) anywhere, add(counts) in any order.

  /// Makes room for magnitudes up to `top` (finite, at least 0).
  void prepare(float top) {
    if (counts_.empty()) {
      counts_.assign(static_cast<std::size_t>(settings_.bins), 0);
      set_first_edges(top);
    } else if (top > edges_.back()) {
      if (edges_[1] == 0.0F) {  // nothing but zeros so far, or what is too small for a width
        std::int64_t elements = 0;
        for (const std::int64_t count : counts_) elements += count;
        std::fill(counts_.begin(), counts_.end(), 0);
        counts_[0] = elements;
        set_first_edges(top);
      } else {
        grow(top);
      }
    }
  }
  /// Counts of a part, one per bin.
  [[nodiscard]] std::vector<std::int64_t> count(std::span<const float> part) const {
    std::vector<std::int64_t> counts(counts_.size(), 0);
    add_to(counts, part, 1);
    return counts;
  }
  /// Counts one element, as often as `times` says.
  void add(float x, std::int64_t times) {
    if (is_counted(x)) counts_[bin_of(x)] += times;
  }
  /// The same of neighbours.
  void add(std::span<const float> part, std::int64_t times) { add_to(counts_, part, times); }
  void add(const std::vector<std::int64_t>& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts_[i] += counts[i];
  }

  /// Adds the counts of a histogram of the same bin width, such as that of another process whose first batch was the
  /// same, and that has joined no bins.
  /// @throws error errc::invalid_argument where the widths differ
  void merge(const histogram& other) {
    if (other.counts_.empty()) return;
    if (counts_.empty()) {
      *this = other;
      return;
    }
    if (edges_[1] != other.edges_[1]) {
      qgrain::detail::raise(errc::invalid_argument, "histograms of bin widths " + std::to_string(edges_[1]) + " and " +
                                                        std::to_string(other.edges_[1]) + " cannot be merged");
    }
    if (other.counts_.size() > counts_.size()) {
      counts_.resize(other.counts_.size(), 0);
      edges_ = other.edges_;
    }
    add(other.counts_);
  }

  /// Elements per bin; empty before the first batch.
  [[nodiscard]] const std::vector<std::int64_t>& counts() const noexcept { return counts_; }
  /// counts().size() + 1 ascending numbers, the first of them 0.
  [[nodiscard]] const std::vector<float>& edges() const noexcept { return edges_; }

  /// The largest magnitude of a batch.
  /// @throws error errc::non_finite for NaN or infinity
  [[nodiscard]] static float largest_magnitude(std::span<const float> batch) {
    float top = 0.0F;
    for (const float x : batch) top = widened(top, x);
    if (is_finite(top)) return top;
    const auto bad = std::find_if(batch.begin(), batch.end(), [](float x) { return !is_finite(x); });
    qgrain::detail::raise(errc::non_finite, "element " + std::to_string(bad - batch.begin()) +
                                                " of a batch to calibrate on is " + std::to_string(*bad));
  }

 private:
  [[nodiscard]] std::size_t middle() const noexcept { return counts_.size() / 2; }
  [[nodiscard]] bool is_counted(float x) const noexcept { return x != 0.0F || !settings_.skip_zeros; }
  [[nodiscard]] std::size_t bin_of(float x) const noexcept {
    const float top = edges_.back();
    if (top == 0.0F) return middle();
    return static_cast<std::size_t>(find_bins::bin(x, static_cast<float>(counts_.size()), top));
  }
  /// The bins of some elements under a top that is not 0.
  struct find_bins {
    [[nodiscard]] QGRAIN_ELEMENTWISE static std::int32_t bin(float x, float bins, float top) noexcept {
      const float place = div_rn(mul_rn(float_from_magnitude(magnitude_bits(x)), bins), top);
      return static_cast<std::int32_t>(place < bins - 1.0F ? place : bins - 1.0F);
    }
    QGRAIN_ALWAYS_INLINE static void run(const float* x, index_t count, float bins, float top, std::int32_t* found) {
      QGRAIN_INDEPENDENT_ITERATIONS
      for (index_t i = 0; i < count; ++i) found[i] = bin(x[i], bins, top);
    }
  };
  void add_to(std::vector<std::int64_t>& counts, std::span<const float> part, std::int64_t times) const {
    const float top = edges_.back();
    std::array<std::int32_t, 256> found;
    if (top == 0.0F) found.fill(static_cast<std::int32_t>(middle()));
    for (std::size_t first = 0; first < part.size(); first += found.size()) {
      const std::size_t count = std::min(found.size(), part.size() - first);
      const float* const x = part.data() + first;
      if (top != 0.0F) {
        run_widest<find_bins>(x, static_cast<index_t>(count), static_cast<float>(counts_.size()), top, found.data());
      }
      for (std::size_t i = 0; i < count; ++i) {
        if (is_counted(x[i])) counts[static_cast<std::size_t>(found[i])] += times;
      }
    }
  }

  void set_first_edges(float top) { edges_ = detail::even_steps(0.0F, top, counts_.size()); }
  void grow(float top) {
    float width = sub_rn(edges_[1], edges_[0]);
    while (static_cast<double>(top) / static_cast<double>(width) > static_cast<double>(settings_.most_bins)) {
      join_neighbours();
      width = mul_rn(width, 2.0F);
    }
    const auto bins = static_cast<std::size_t>(qgrain::detail::ceiling(div_rn(top, width)));
    counts_.resize(std::max(bins, counts_.size()), 0);
    edges_.resize(counts_.size() + 1);
    constexpr double most = std::numeric_limits<float>::max();
    for (std::size_t i = 0; i < edges_.size(); ++i) {
      edges_[i] = static_cast<float>(std::min(static_cast<double>(i) * static_cast<double>(width), most));
    }
  }
  void join_neighbours() {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const std::int64_t count = std::exchange(counts_[i], 0);
      counts_[i / 2] += count;
    }
    counts_.resize((counts_.size() + 1) / 2);
  }

  options settings_;
  std::vector<std::int64_t> counts_;
  std::vector<float> edges_;
};

}  // namespace qgrain::calibration

#endif
