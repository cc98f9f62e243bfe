// What the user sees: progress while it runs, tables when it is done.
#ifndef QGRAIN_SWEEP_RUN_TERMINAL_HPP
#define QGRAIN_SWEEP_RUN_TERMINAL_HPP

#include <sweep/run/plan.hpp>
#include <sweep/run/run.hpp>

#include <chrono>
#include <iosfwd>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// On a terminal one line that is written over, with the time left; elsewhere a plain line each tenth.
class progress_line {
 public:
  progress_line(std::ostream& out, bool is_terminal) : out_(out), is_terminal_(is_terminal) {}
  void operator()(double share, const std::string& what);
  /// Ends the line.
  void finish();

 private:
  std::ostream& out_;
  bool is_terminal_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_{};
  int tenth_ = -1;
};

/// "5 s", "3 min 2 s", "1 h 7 min".
[[nodiscard]] std::string duration_text(double seconds);

/// The jobs of a dry run: quantizers, recipes, folder.
void print_plan(std::ostream& out, const sweep_plan& plan);

/// The most sensitive groups of each job, then a picture of groups by jobs.
void print_summary(std::ostream& out, const std::vector<finished_job>& jobs);

}  // namespace qgrain::sweep

#endif
