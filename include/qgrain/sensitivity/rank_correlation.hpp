// How well one list of scores orders its items as another does.
#ifndef QGRAIN_SENSITIVITY_RANK_CORRELATION_HPP
#define QGRAIN_SENSITIVITY_RANK_CORRELATION_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/detail/elementary.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace qgrain::sensitivity {

/// Ranks from 0 on, the smallest first; equal values share the mean of their ranks. Values must not be NaN.
[[nodiscard]] inline std::vector<double> ranks_of(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
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

namespace detail {

[[nodiscard]] inline bool any_nan(std::span<const double> values) noexcept {
  bool found = false;
  for (const double value : values) found = found || is_nan(value);
  return found;
}

}  // namespace detail

/// Spearman's rank correlation in [-1, 1]: Pearson's of the ranks, ties at their mean. NaN where the lengths differ,
/// below two values, where a value is NaN and where all values of a list are equal. Allocates four lists of the length.
[[nodiscard]] inline double spearman(std::span<const double> a, std::span<const double> b) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  if (a.size() != b.size() || a.size() < 2 || detail::any_nan(a) || detail::any_nan(b)) return none;
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
  return aa == 0 || bb == 0 ? none : ab / qgrain::detail::square_root(aa * bb);
}

}  // namespace qgrain::sensitivity

#endif
