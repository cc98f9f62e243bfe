// What a run found, as rows and as the table that it prints.
#ifndef QGRAIN_BENCH_KERNELS_TABLE_HPP
#define QGRAIN_BENCH_KERNELS_TABLE_HPP

#include <kernels/kernel.hpp>
#include <kernels/result.hpp>

#include <benchmark/benchmark.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace qgrain::bench {

/// "date, processor, cores, instruction set, compiler" and the head of the table, in Markdown.
[[nodiscard]] std::string table_head(const bench_run& run);
[[nodiscard]] std::string table_line(const row_result& row);

/// Collects what Google Benchmark reports, over any number of passes, and prints nothing. `run` must outlive it.
class row_collector final : public benchmark::BenchmarkReporter {
 public:
  row_collector(bench_run& run, const std::vector<kernel_row>& rows);

  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;

 private:
  bench_run& run_;
  std::map<std::string, std::size_t> places_;
};

}  // namespace qgrain::bench

#endif
