// The table that a run prints, one row at a time.
#ifndef QGRAIN_BENCH_KERNELS_TABLE_HPP
#define QGRAIN_BENCH_KERNELS_TABLE_HPP

#include <kernels/kernel.hpp>
#include <kernels/result.hpp>

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace qgrain::bench {

/// "date, processor, cores, instruction set, compiler" and the head of the table, in Markdown.
[[nodiscard]] std::string table_head(const bench_run& run);
[[nodiscard]] std::string table_line(const row_result& row);

/// Prints each row as it is finished and collects all of them. `run` must outlive it.
class table_reporter final : public benchmark::BenchmarkReporter {
 public:
  table_reporter(bench_run& run, const std::vector<kernel_row>& rows);

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;

 private:
  bench_run& run_;
  std::map<std::string, kernel_row> rows_;
};

}  // namespace qgrain::bench

#endif
