// How well scoring methods order the layers as the measured truth does.
#ifndef QGRAIN_ENGINE_MEASURE_METHOD_AGREEMENT_HPP
#define QGRAIN_ENGINE_MEASURE_METHOD_AGREEMENT_HPP

#include <qgrain/sensitivity/rank_correlation.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// Scores of one method, in the order of the truth they are compared with.
struct method_scores {
  std::string method;
  std::vector<double> scores;
};

struct method_agreement {
  std::string method;
  double correlation = 0;  ///< sensitivity::spearman with the truth
};

/// How well each method's scores order layers (or pairs of layer and job) as the measured truth does, best first;
/// methods without a correlation last, ties in the order given.
[[nodiscard]] inline std::vector<method_agreement> compare_methods(std::span<const method_scores> methods,
                                                                   std::span<const double> truth) {
  std::vector<method_agreement> found;
  for (const method_scores& m : methods) found.push_back({m.method, sensitivity::spearman(m.scores, truth)});
  std::stable_sort(found.begin(), found.end(), [](const method_agreement& a, const method_agreement& b) {
    if (std::isnan(a.correlation)) return false;
    return std::isnan(b.correlation) || a.correlation > b.correlation;
  });
  return found;
}

}  // namespace qgrain::engine

#endif
