// The largest magnitude to keep, chosen from a histogram: percentile, entropy, mean squared error.
#ifndef QGRAIN_CALIBRATION_HISTOGRAM_SEARCH_HPP
#define QGRAIN_CALIBRATION_HISTOGRAM_SEARCH_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/detail/elementary.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace qgrain::calibration {

/// Which bins are tried as the last one that is kept: first, first + stride, ...
struct bin_search {
  index_t first = 128;
  index_t stride = 1;
};

namespace detail {

inline void require_histogram(std::span<const std::int64_t> counts, std::span<const float> edges) {
  if (counts.empty() || edges.size() != counts.size() + 1) {
    qgrain::detail::raise(errc::invalid_argument, "a histogram of " + std::to_string(counts.size()) + " bins has " +
                                                      std::to_string(counts.size() + 1) + " edges, found " +
                                                      std::to_string(edges.size()));
  }
}

inline void require_candidates(bin_search search, std::size_t end) {
  if (search.first < 1 || search.stride < 1 || static_cast<std::size_t>(search.first) >= end) {
    qgrain::detail::raise(errc::invalid_argument, "a search from bin " + std::to_string(search.first) +
                                                      " in steps of " + std::to_string(search.stride) +
                                                      " has no candidate among " + std::to_string(end - 1) + " bins");
  }
}

/// Divergences of entropy_amax's candidates. Bin 0 counts as bin 1 does.
class entropy_candidates {
 public:
  entropy_candidates(std::span<const std::int64_t> counts, int levels)
      : bins_(counts.begin(), counts.end()),
        levels_(static_cast<std::size_t>(levels)),
        elements_(bins_.size() + 1, 0.0),
        filled_(bins_.size() + 1, 0.0),
        logarithms_(bins_.size() + 1, 0.0) {
    if (bins_.size() > 1) bins_[0] = bins_[1];
    for (std::size_t b = 0; b < bins_.size(); ++b) {
      const double n = bins_[b];
      elements_[b + 1] = elements_[b] + n;
      filled_[b + 1] = filled_[b] + (n > 0 ? 1 : 0);
      logarithms_[b + 1] = logarithms_[b] + (n > 0 ? n * qgrain::detail::natural_logarithm(n) : 0.0);
    }
  }
  [[nodiscard]] std::size_t bins() const noexcept { return bins_.size(); }

  /// Divergence of the first i bins, added bin by bin; NaN ranks as the least.
  [[nodiscard]] double rank(std::size_t i) const {
    const double total = elements_[i];
    const double all = elements_.back();
    double divergence = 0;
    for (std::size_t s = 0; s < levels_; ++s) {
      const auto [begin, end] = span(i, s);
      const double mean = (elements_[end] - elements_[begin]) / (filled_[end] - filled_[begin]) / total;
      for (std::size_t b = begin; b < end; ++b) {
        const double p = (bins_[b] + (b + 1 == i ? all - total : 0.0)) / all;
        const double q = bins_[b] > 0 ? mean : 0.0 / total;
        if (p > 0) divergence += p * qgrain::detail::natural_logarithm(p / q);
        if (is_nan(p) || is_nan(q)) divergence = std::numeric_limits<double>::quiet_NaN();
      }
    }
    return is_nan(divergence) ? -std::numeric_limits<double>::infinity() : divergence;
  }

  /// The same to within 1e-10 or so, infinities exactly, in time that grows with the levels and not with the bins.
  [[nodiscard]] double estimate(std::size_t i) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double total = elements_[i];
    const double all = elements_.back();
    const double last = bins_[i - 1];
    const double beyond = all - total;
    if (total == 0) return -infinity;
    if (last == 0 && beyond > 0) return infinity;
    double sum = logarithms_[i] - total * qgrain::detail::natural_logarithm(all / total);
    double mean = 0;  // of the last span, where the tail goes
    for (std::size_t s = 0; s < levels_; ++s) {
      const auto [begin, end] = span(i, s);
      const double n = elements_[end] - elements_[begin];
      if (n == 0) continue;
      mean = n / (filled_[end] - filled_[begin]);
      sum -= n * qgrain::detail::natural_logarithm(mean);
    }
    if (beyond > 0) {
      const auto term = [&](double n) { return n * qgrain::detail::natural_logarithm(n / all / (mean / total)); };
      sum += term(last + beyond) - term(last);
    }
    return sum / all;
  }

 private:
  struct bin_span {
    std::size_t begin;
    std::size_t end;
  };
  /// The bins b of the first i with s * step <= b < (s + 1) * step; the last span has what is left.
  [[nodiscard]] bin_span span(std::size_t i, std::size_t s) const noexcept {
    const double step = static_cast<double>(i) / static_cast<double>(levels_);
    const auto edge = [&](std::size_t k) {
      return std::min(i, static_cast<std::size_t>(qgrain::detail::ceiling(static_cast<double>(k) * step)));
    };
    return {edge(s), s + 1 == levels_ ? i : edge(s + 1)};
  }

  std::vector<double> bins_;
  std::size_t levels_;
  std::vector<double> elements_;    // sums over the bins in front
  std::vector<double> filled_;      // how many of them are not empty
  std::vector<double> logarithms_;  // sums of n log n
};

}  // namespace detail

/// The left edge of the first bin up to which (inclusive) `percent` of all elements lie; 0 gives 0. With 100 the last
/// edge or the one before it, as the rounded running sum decides.
/// counts: elements per bin; edges: one more. Source: ModelOpt 0.47; shares are added in double, bin by bin.
/// @throws error errc::out_of_range outside [0, 100], errc::invalid_argument for a histogram of nothing
[[nodiscard]] inline float percentile_amax(std::span<const std::int64_t> counts, std::span<const float> edges,
                                           double percent) {
  detail::require_histogram(counts, edges);
  if (!(percent >= 0.0 && percent <= 100.0)) {
    qgrain::detail::raise(errc::out_of_range, "a percentile lies in [0, 100], found " + std::to_string(percent));
  }
  std::int64_t elements = 0;
  for (const std::int64_t count : counts) elements += count;
  const auto total = static_cast<double>(elements);
  if (total <= 0)
    qgrain::detail::raise(errc::invalid_argument, "the percentile of a histogram without elements is undefined");
  double share = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    share += static_cast<double>(counts[i]) / total;
    if (share >= percent / 100.0) return edges[i];
  }
  return edges.back();
}

/// The edge at which cutting off and rounding to `levels` values loses least information: for each candidate i, the
/// Kullback-Leibler divergence between the first i bins (what lies beyond joins the last one) and the same bins with
/// each of `levels` spans replaced by the mean of its filled bins. Natural logarithm, in double. Equal divergences: the
/// largest i. levels: 2^(bits - 1), or 2^bits where the codes have no sign.
///
/// Bin 0 counts as bin 1 does. A bin that is empty but receives the tail makes the divergence infinite. Where all kept
/// bins are empty it is NaN, which ModelOpt (through numpy) takes as the least: so does this; look for data far from
/// zero where the answer is far too small. Source: ModelOpt 0.47, after TensorRT's entropy calibration (Migacz 2017).
/// @throws error errc::invalid_argument where no candidate exists
[[nodiscard]] inline float entropy_amax(std::span<const std::int64_t> counts, std::span<const float> edges, int levels,
                                        bin_search search = {}) {
  detail::require_histogram(counts, edges);
  detail::require_candidates(search, counts.size() + 1);
  const detail::entropy_candidates candidates(counts, levels);
  const auto first = static_cast<std::size_t>(search.first);
  const auto stride = static_cast<std::size_t>(search.stride);
  std::vector<double> estimates;
  for (std::size_t i = first; i <= candidates.bins(); i += stride) estimates.push_back(candidates.estimate(i));
  const double lowest = *std::min_element(estimates.begin(), estimates.end());
  constexpr double margin = 1e-8;  // far more than estimates are off
  double least = std::numeric_limits<double>::infinity();
  std::size_t pick = first;
  for (std::size_t k = 0; k < estimates.size(); ++k) {
    if (!(estimates[k] <= lowest + margin)) continue;
    const std::size_t i = first + k * stride;
    const double rank = is_finite(estimates[k]) ? candidates.rank(i) : estimates[k];
    if (rank > least) continue;
    least = rank;
    pick = i;
  }
  return edges[pick];
}

/// The bin centre with the least mean of count * (quantized centre - centre)^2 when it is taken as the largest
/// magnitude; the first of equal ones. float32, the mean in double. Element: the element stage of a quantizer, such as
/// quantizer<...>::element_type, whose range is one magnitude.
/// Source: ModelOpt 0.47's histogram mse with its arguments lined up (as shipped it returns the first candidate).
/// @throws error errc::invalid_argument where no candidate exists
template <class Element>
[[nodiscard]] float mse_amax(std::span<const std::int64_t> counts, std::span<const float> edges,
                             bin_search search = {}) {
  detail::require_histogram(counts, edges);
  detail::require_candidates(search, counts.size());
  std::vector<float> centres(counts.size());
  for (std::size_t i = 0; i < centres.size(); ++i) centres[i] = div_rn(add_rn(edges[i + 1], edges[i]), 2.0F);
  double least = std::numeric_limits<double>::infinity();
  float best = centres[static_cast<std::size_t>(search.first)];
  for (auto i = static_cast<std::size_t>(search.first); i < centres.size();
       i += static_cast<std::size_t>(search.stride)) {
    const auto factors = Element::factors(Element::scale(centres[i]));
    double sum = 0;
    for (std::size_t b = 0; b < centres.size(); ++b) {
      const float error = sub_rn(Element::fake(centres[b], factors), centres[b]);
      sum += static_cast<double>(mul_rn(mul_rn(error, error), static_cast<float>(counts[b])));
    }
    if (sum < least) {
      least = sum;
      best = centres[i];
    }
  }
  return best;
}

}  // namespace qgrain::calibration

#endif
