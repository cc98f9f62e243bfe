// Times of alternatives measured in turns, so that whatever else the machine does hits all of them alike.
#ifndef QGRAIN_BENCH_SUPPORT_TIMING_HPP
#define QGRAIN_BENCH_SUPPORT_TIMING_HPP

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace qgrain::bench {

[[nodiscard]] inline double seconds_of(const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

[[nodiscard]] inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// The median seconds of each body over `rounds` rounds, each of which runs every body once; one round before is not
/// counted.
[[nodiscard]] inline std::vector<double> median_seconds(const std::vector<std::function<void()>>& bodies, int rounds) {
  std::vector<std::vector<double>> seconds(bodies.size());
  for (int round = 0; round <= rounds; ++round) {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const double t = seconds_of(bodies[i]);
      if (round > 0) seconds[i].push_back(t);
    }
  }
  std::vector<double> medians;
  for (const std::vector<double>& s : seconds) medians.push_back(median(s));
  return medians;
}

}  // namespace qgrain::bench

#endif
