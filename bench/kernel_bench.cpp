// How fast the host's loops are, beside memcpy and beside other libraries: one Markdown table, JSON, a picture.
#include <common/command_line.hpp>
#include <common/file.hpp>
#include <common/json_text.hpp>
#include <kernels/bar_chart.hpp>
#include <kernels/kernel.hpp>
#include <kernels/measure.hpp>
#include <kernels/result.hpp>
#include <kernels/selection.hpp>
#include <kernels/table.hpp>

#include <qgrain/host/instruction_set.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace qgrain::bench;

struct settings {
  std::string json_path;
  std::string svg_path;
  std::string peer;
  int passes = 5;
  bool lists_only = false;  ///< --benchmark_list_tests, which Google Benchmark would answer with names of its own
};

/// The exit code where the program is not to run.
std::optional<int> parse(int argc, char** argv, settings& wanted) {
  qgrain::common::command_line_parser line(
      "Times quantization on the host in times of memcpy. --benchmark_filter=REGEX chooses rows among all there are,\n"
      "--benchmark_list_tests lists them, --benchmark_min_time says how long a row takes in a pass.",
      "kernel_bench");
  line.text("--json", wanted.json_path, "a file for the results, as bench/compare reads them");
  line.text("--svg", wanted.svg_path, "a file for a picture of the ratios");
  line.text("--peer", wanted.peer, "rows of that library alone, and qgrain's of the same work");
  line.number("--passes", wanted.passes, "how often all rows are measured, one after the other (5)").between(1, 100);
  return line.parse(argc, argv);
}

void print_help() {
  char program[] = "kernel_bench";
  char help[] = "--help";
  char* arguments[] = {program, help, nullptr};
  settings ignored;
  if (parse(2, arguments, ignored)) std::fputc('\n', stdout);
  benchmark::PrintDefaultHelp();
}

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  }
  return "unknown processor";
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  char text[16] = {};
  std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
  return text;
}

bench_run this_run(int all_threads) {
  bench_run run;
  run.date = today();
  run.processor = processor_name();
  run.instruction_set = name_of(qgrain::chosen_instruction_set());
#ifdef __clang__
  run.compiler = "clang " __clang_version__;
#else
  run.compiler = "g++ " __VERSION__;
#endif
  run.all_threads = all_threads;
  return run;
}

void register_rows(const std::vector<kernel_row>& rows, tensor_store& store) {
  for (const kernel_row& row : rows) {
    auto* entry = benchmark::RegisterBenchmark(row.name().c_str(), [row, &store](benchmark::State& state) {
      if (row.what->absent.empty()) {
        measure(state, row, store);
      } else {
        state.SkipWithError(row.what->absent.c_str());
      }
    });
    entry->UseManualTime();
    if (const int rounds = rounds_of(row.size); rounds > 0) entry->Iterations(rounds);
  }
}

std::vector<kernel_row> chosen_rows(const kernel_list& kernels, int all_threads, const settings& wanted) {
  std::string filter = benchmark::GetBenchmarkFilter();
  if (filter.empty() && wanted.lists_only) filter = "all";
  return selected_rows(rows_of(kernels, all_threads), filter, wanted.peer);
}

int run_rows(const settings& wanted) {
  const int all_threads = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  bench_run run = this_run(all_threads);
  const kernel_list kernels = all_kernels();
  const std::vector<kernel_row> rows = chosen_rows(kernels, all_threads, wanted);
  if (wanted.lists_only) {
    for (const kernel_row& row : rows) std::puts(row.name().c_str());
    return 0;
  }
  tensor_store store;
  register_rows(rows, store);
  row_collector collector(run, rows);
  for (int pass = 1; pass <= wanted.passes; ++pass) {
    std::fprintf(stderr, "pass %d of %d: %zu rows\n", pass, wanted.passes, rows.size());
    store.forget();
    benchmark::RunSpecifiedBenchmarks(&collector, std::string("all"));  // the filter has done its work
  }
  std::fputs(table_head(run).c_str(), stdout);
  for (const row_result& row : run.rows) std::fputs(table_line(row).c_str(), stdout);
  if (!wanted.json_path.empty()) {
    qgrain::common::write_text_file(wanted.json_path, qgrain::common::json_text(to_json(run)) + "\n");
  }
  if (!wanted.svg_path.empty()) qgrain::common::write_text_file(wanted.svg_path, bar_chart(run));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    settings wanted;
    std::string seconds = "--benchmark_min_time=0.01";
    std::vector<char*> arguments(argv, argv + argc);
    for (const std::string_view list : {"--benchmark_list_tests", "--benchmark_list_tests=true"}) {
      wanted.lists_only |= std::erase(arguments, list) > 0;
    }
    arguments.insert(arguments.begin() + 1, seconds.data());  // in front: one that is given replaces it
    int count = static_cast<int>(arguments.size());
    arguments.push_back(nullptr);
    benchmark::Initialize(&count, arguments.data(), print_help);
    if (const auto code = parse(count, arguments.data(), wanted)) return *code;
    return run_rows(wanted);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "error: %s\n", failure.what());
    return 1;
  }
}
