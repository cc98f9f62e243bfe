#include <sweep/search/pareto.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>

namespace qgrain::sweep {

std::vector<bool> pareto_front(std::span<const size_and_score> points) {
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return points[a].size != points[b].size ? points[a].size < points[b].size : points[a].score < points[b].score;
  });
  std::vector<bool> is_on(points.size(), false);
  double best = std::numeric_limits<double>::infinity();  // of all smaller sizes
  for (std::size_t begin = 0; begin < order.size();) {
    const size_and_score& least = points[order[begin]];
    std::size_t end = begin;
    for (; end < order.size() && points[order[end]].size == least.size; ++end) {
      is_on[order[end]] = points[order[end]].score == least.score && least.score < best;
    }
    best = std::min(best, least.score);
    begin = end;
  }
  return is_on;
}

}  // namespace qgrain::sweep
