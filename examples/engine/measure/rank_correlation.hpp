// How well one method's scores order the layers as another's do.
#ifndef QGRAIN_ENGINE_MEASURE_RANK_CORRELATION_HPP
#define QGRAIN_ENGINE_MEASURE_RANK_CORRELATION_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// Ranks from 0 on, the smallest first; equal values share the mean of their ranks. Values must not be NaN.
[[nodiscard]] inline std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = static_cast<double>(begin + end - 1) / 2;
    begin = end;
  }
  return ranks;
}

/// Spearman's rank correlation in [-1, 1]: Pearson's of the ranks, ties at their mean. NaN where the lengths differ,
/// below two values, where a value is NaN and where all values of a list are equal.
[[nodiscard]] inline double spearman(std::span<const double> a, std::span<const double> b) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto is_nan = [](double v) { return std::isnan(v); };
  if (a.size() != b.size() || a.size() < 2 || std::any_of(a.begin(), a.end(), is_nan) ||
      std::any_of(b.begin(), b.end(), is_nan)) {
    return none;
  }
  const std::vector<double> ra = ranks_of(a);
  const std::vector<double> rb = ranks_of(b);
  const double mean = static_cast<double>(a.size() - 1) / 2;
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (ra[i] - mean) * (rb[i] - mean);
    aa += (ra[i] - mean) * (ra[i] - mean);
    bb += (rb[i] - mean) * (rb[i] - mean);
  }
  return aa == 0 || bb == 0 ? none : ab / std::sqrt(aa * bb);
}

/// Scores of one method, in the order of the truth they are compared with.
struct method_scores {
  std::string method;
  std::vector<double> scores;
};

struct method_agreement {
  std::string method;
  double correlation = 0;  ///< spearman with the truth
};

/// How well each method's scores order layers (or pairs of layer and job) as the measured truth does, best first;
/// methods without a correlation last, ties in the order given.
[[nodiscard]] inline std::vector<method_agreement> compare_methods(std::span<const method_scores> methods,
                                                                   std::span<const double> truth) {
  std::vector<method_agreement> found;
  for (const method_scores& m : methods) found.push_back({m.method, spearman(m.scores, truth)});
  std::stable_sort(found.begin(), found.end(), [](const method_agreement& a, const method_agreement& b) {
    if (std::isnan(a.correlation)) return false;
    return std::isnan(b.correlation) || a.correlation > b.correlation;
  });
  return found;
}

}  // namespace qgrain::engine

#endif
