// Two runs of kernel_bench side by side: arguments OLD.json NEW.json. A change counts where the ranges over the passes
// of both runs do not meet.
#include <common/command_line.hpp>
#include <common/number_text.hpp>
#include <kernels/result.hpp>

#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace qgrain::bench;
using qgrain::common::formatted;

enum class verdict : unsigned char { within_noise, faster, slower, unknown };

verdict judged(const row_result& before, const row_result& after) {
  if (before.repetitions.size() < 2 || after.repetitions.size() < 2) return verdict::unknown;
  const number_range a = before.ratio();
  const number_range b = after.ratio();
  if (b.most < a.least) return verdict::faster;
  return b.least > a.most ? verdict::slower : verdict::within_noise;
}

const char* name_of(verdict v) {
  switch (v) {
    case verdict::within_noise:
      return "within the noise";
    case verdict::faster:
      return "**faster**";
    case verdict::slower:
      return "**slower**";
    case verdict::unknown:
      return "noise unknown: one pass";
  }
  return "";
}

std::string text_of(const number_range& r) { return formatted("%.2f (%.2f, %.2f)", r.median, r.least, r.most); }

std::map<std::string, const row_result*> by_name(const bench_run& run) {
  std::map<std::string, const row_result*> rows;
  for (const row_result& row : run.rows) {
    if (row.was_measured()) rows.emplace(row.name, &row);
  }
  return rows;
}

void print_missing(const char* text, const bench_run& run, const std::map<std::string, const row_result*>& other) {
  for (const row_result& row : run.rows) {
    if (row.was_measured() && !other.contains(row.name)) std::printf("%s: %s\n", text, row.name.c_str());
  }
}

void print_comparison(const bench_run& before, const bench_run& after) {
  for (const bench_run* run : {&before, &after}) {
    std::printf("%s: %s, %s, %s, %s\n\n", run == &before ? "old" : "new", run->date.c_str(), run->processor.c_str(),
                run->instruction_set.c_str(), run->compiler.c_str());
  }
  if (before.processor != after.processor || before.instruction_set != after.instruction_set) {
    std::printf("The runs are of different processors or instruction sets: the changes below are theirs too.\n\n");
  }
  std::printf("| row | old: times memcpy (least, most) | new | change | |\n|---|---|---|---:|---|\n");
  const auto old_rows = by_name(before);
  std::map<verdict, int> counts;
  for (const row_result& row : after.rows) {
    const auto found = old_rows.find(row.name);
    if (!row.was_measured() || found == old_rows.end()) continue;
    const verdict v = judged(*found->second, row);
    counts[v] += 1;
    std::printf("| %s | %s | %s | %+.1f %% | %s |\n", row.name.c_str(), text_of(found->second->ratio()).c_str(),
                text_of(row.ratio()).c_str(), 100 * (row.ratio().median / found->second->ratio().median - 1),
                name_of(v));
  }
  std::printf("\n%d faster, %d slower, %d within the noise, %d of unknown noise\n", counts[verdict::faster],
              counts[verdict::slower], counts[verdict::within_noise], counts[verdict::unknown]);
  print_missing("only in the old run", before, by_name(after));
  print_missing("only in the new run", after, old_rows);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string before;
    std::string after;
    qgrain::common::command_line_parser line("Compares two JSON files of kernel_bench.", "bench/compare");
    line.text("OLD", before, "the earlier run").required();
    line.text("NEW", after, "the later run").required();
    if (const auto code = line.parse(argc, argv)) return *code;
    print_comparison(read_run(before), read_run(after));
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "error: %s\n", failure.what());
    return 1;
  }
}
