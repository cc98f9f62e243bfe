#include <common/number_text.hpp>
#include <kernels/measure.hpp>
#include <kernels/table.hpp>

#include <utility>

namespace qgrain::bench {
namespace {

using common::formatted;

[[nodiscard]] row_result described(const kernel_row& row) {
  const kernel& k = *row.what;
  row_result result;
  result.name = row.name();
  result.by = k.by;
  result.work = k.work;
  result.recipe = k.recipe;
  result.element = k.element;
  result.footprint = name_of(row.size);
  result.scale = k.scale;
  result.layout = k.layout;
  result.note = k.note;
  result.absent = k.absent;
  result.threads = row.threads;
  result.shape = shape_of(row.size);
  const traffic bytes = k.bytes(result.shape);
  result.bytes_in = bytes.in;
  result.bytes_out = bytes.out;
  return result;
}

}  // namespace

std::string table_head(const bench_run& run) {
  return run.date + ", " + run.processor + ", " + std::to_string(run.all_threads) + " threads, " + run.instruction_set +
         ", " + run.compiler +
         "\n\n| by | work | recipe | element | footprint | threads | bytes per element in, out | scale | layout | "
         "ns per element | GB/s | times memcpy | least, most | of the copy's bytes | note |\n"
         "|---|---|---|---|---|---|---|---|---|---:|---:|---:|---|---:|---|\n";
}

std::string table_line(const row_result& row) {
  std::string line = "|";
  const auto cell = [&](const std::string& text) { line.append(" ").append(text).append(" |"); };
  const auto elements = static_cast<double>(row.shape.elements());
  for (const std::string& text : {row.by, row.work, row.recipe, row.element, row.footprint}) cell(text);
  cell(std::to_string(row.threads));
  cell(formatted("%.4g, %.4g", static_cast<double>(row.bytes_in) / elements,
                 static_cast<double>(row.bytes_out) / elements));
  cell(row.scale);
  cell(row.layout);
  if (row.was_measured()) {
    const number_range ratio = row.ratio();
    cell(formatted("%.3f", row.ns().median));
    cell(formatted("%.1f", row.rate()));
    cell(formatted("%.2f", ratio.median));
    cell(formatted("%.2f, %.2f", ratio.least, ratio.most));
    cell(row.footprint == name_of(footprint::dram) ? formatted("%.0f %%", 100 * row.share_of_copy()) : "");
    cell(row.note);
  } else {
    for (int i = 0; i < 5; ++i) cell("");
    cell(row.absent);
  }
  return line + "\n";
}

row_collector::row_collector(bench_run& run, const std::vector<kernel_row>& rows) : run_(run) {
  for (const kernel_row& row : rows) {
    places_.emplace(row.name(), run_.rows.size());
    run_.rows.push_back(described(row));
  }
}

bool row_collector::ReportContext(const Context&) { return true; }

void row_collector::ReportRuns(const std::vector<Run>& runs) {
  for (const Run& run : runs) {
    row_result& row = run_.rows[places_.at(run.run_name.function_name)];
    if (run.run_type == Run::RT_Iteration && row.absent.empty()) row.repetitions.push_back(repetition_of(run.counters));
  }
}

}  // namespace qgrain::bench
