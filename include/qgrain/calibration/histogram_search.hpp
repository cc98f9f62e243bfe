// The largest magnitude to keep, chosen from a histogram: percentile, entropy, mean squared error.
#ifndef QGRAIN_CALIBRATION_HISTOGRAM_SEARCH_HPP
#define QGRAIN_CALIBRATION_HISTOGRAM_SEARCH_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
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
    throw error(errc::invalid_argument, "a histogram of " + std::to_string(counts.size()) + " bins has " +
                                            std::to_string(counts.size() + 1) + " edges, found " +
                                            std::to_string(edges.size()));
  }
}

inline void require_candidates(bin_search search, std::size_t end) {
  if (search.first < 1 || search.stride < 1 || static_cast<std::size_t>(search.first) >= end) {
    throw error(errc::invalid_argument, "a search from bin " + std::to_string(search.first) + " in steps of " +
                                            std::to_string(search.stride) + " has no candidate among " +
                                            std::to_string(end - 1) + " bins");
  }
}

}  // namespace detail

/// The left edge of the first bin up to which (inclusive) `percent` of all elements lie; 0 gives 0. With 100 the last
/// edge or the one before it, as the rounded running sum decides.
/// counts: elements per bin; edges: one more. Source: ModelOpt 0.47; shares are added in double, bin by bin.
/// @throws error errc::out_of_range outside [0, 100], errc::invalid_argument for a histogram of nothing
[[nodiscard]] inline float percentile_amax(std::span<const std::int64_t> counts, std::span<const float> edges,
                                           double percent) {
  detail::require_histogram(counts, edges);
  if (!(percent >= 0.0 && percent <= 100.0)) {
    throw error(errc::out_of_range, "a percentile lies in [0, 100], found " + std::to_string(percent));
  }
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  if (total <= 0) throw error(errc::invalid_argument, "the percentile of a histogram without elements is undefined");
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
  std::vector<double> bins(counts.begin(), counts.end());
  if (bins.size() > 1) bins[0] = bins[1];

  const auto spans = static_cast<std::size_t>(levels);
  std::vector<double> sums(spans);
  std::vector<double> members(spans);
  std::vector<std::size_t> span_of;
  double least = std::numeric_limits<double>::infinity();
  std::size_t pick = 0;
  for (auto i = static_cast<std::size_t>(search.first); i <= bins.size();
       i += static_cast<std::size_t>(search.stride)) {
    std::fill(sums.begin(), sums.end(), 0.0);
    std::fill(members.begin(), members.end(), 0.0);
    span_of.assign(i, 0);
    const double step = static_cast<double>(i) / static_cast<double>(spans);
    double total = 0;
    for (std::size_t b = 0, s = 0; b < i; ++b) {
      while (s + 1 < spans && static_cast<double>(s + 1) * step <= static_cast<double>(b)) ++s;
      span_of[b] = s;
      if (bins[b] > 0) {
        sums[s] += bins[b];
        members[s] += 1;
        total += bins[b];
      }
    }
    double beyond = 0;
    for (std::size_t b = i; b < bins.size(); ++b) beyond += bins[b];
    double divergence = 0;
    for (std::size_t b = 0; b < i; ++b) {
      const double p = (bins[b] + (b + 1 == i ? beyond : 0.0)) / (total + beyond);
      const double q = bins[b] > 0 ? sums[span_of[b]] / members[span_of[b]] / total : 0.0 / total;
      if (p > 0) divergence += p * std::log(p / q);
      if (std::isnan(p) || std::isnan(q)) divergence = std::numeric_limits<double>::quiet_NaN();
    }
    const double rank = std::isnan(divergence) ? -std::numeric_limits<double>::infinity() : divergence;
    if (pick == 0 || rank <= least) {
      least = rank;
      pick = i;
    }
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
