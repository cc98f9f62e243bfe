// Adds the time of a scope to a total.
#ifndef QGRAIN_COMMON_STOPWATCH_HPP
#define QGRAIN_COMMON_STOPWATCH_HPP

#include <chrono>

namespace qgrain::common {

class stopwatch {
 public:
  explicit stopwatch(double& total) : total_(total) {}
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() { total_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double& total_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace qgrain::common

#endif
