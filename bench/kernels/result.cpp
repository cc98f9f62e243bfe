#include <common/json.hpp>
#include <kernels/result.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace qgrain::bench {
namespace {

namespace json = boost::json;

[[nodiscard]] number_range range_over(const std::vector<repetition>& repetitions, double repetition::*member) {
  std::vector<double> values;
  for (const repetition& r : repetitions) values.push_back(r.*member);
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

/// The texts of a row by their keys, for writing and reading alike.
constexpr std::pair<const char*, std::string row_result::*> texts[] = {
    {"name", &row_result::name},     {"by", &row_result::by},           {"work", &row_result::work},
    {"recipe", &row_result::recipe}, {"element", &row_result::element}, {"footprint", &row_result::footprint},
    {"scale", &row_result::scale},   {"layout", &row_result::layout},   {"note", &row_result::note},
    {"absent", &row_result::absent},
};
constexpr std::pair<const char*, std::string bench_run::*> run_texts[] = {
    {"date", &bench_run::date},
    {"processor", &bench_run::processor},
    {"instruction_set", &bench_run::instruction_set},
    {"compiler", &bench_run::compiler},
};
constexpr std::pair<const char*, double repetition::*> numbers[] = {
    {"ns_per_element", &repetition::ns},
    {"memcpy_ns_per_element", &repetition::memcpy_ns},
    {"times_memcpy", &repetition::ratio},
};

[[nodiscard]] json::object to_json(const row_result& row) {
  json::object object;
  for (const auto& [key, member] : texts) object[key] = row.*member;
  object["threads"] = row.threads;
  object["rows"] = row.shape.rows;
  object["cols"] = row.shape.cols;
  object["bytes_in"] = row.bytes_in;
  object["bytes_out"] = row.bytes_out;
  if (row.was_measured()) {
    object["ns_per_element"] = row.ns().median;
    object["gigabytes_per_second"] = row.rate();
    object["times_memcpy"] = row.ratio().median;
    object["share_of_copy"] = row.share_of_copy();
  }
  json::array repetitions;
  for (const repetition& r : row.repetitions) {
    json::object one;
    for (const auto& [key, member] : numbers) one[key] = r.*member;
    repetitions.push_back(std::move(one));
  }
  object["repetitions"] = std::move(repetitions);
  return object;
}

[[nodiscard]] row_result read_row(const common::json_field& field) {
  row_result row;
  for (const auto& [key, member] : texts) row.*member = field.at(key).string();
  row.threads = static_cast<int>(field.at("threads").positive_integer());
  row.shape = {field.at("rows").positive_integer(), field.at("cols").positive_integer()};
  row.bytes_in = field.at("bytes_in").count();
  row.bytes_out = field.at("bytes_out").count();
  for (const common::json_field& one : field.at("repetitions").elements()) {
    repetition r;
    for (const auto& [key, member] : numbers) r.*member = one.at(key).positive_number();
    row.repetitions.push_back(r);
  }
  return row;
}

}  // namespace

number_range row_result::ns() const { return range_over(repetitions, &repetition::ns); }
number_range row_result::ratio() const { return range_over(repetitions, &repetition::ratio); }

double row_result::rate() const {
  return static_cast<double>(bytes_in + bytes_out) / (ns().median * static_cast<double>(shape.elements()));
}

double row_result::share_of_copy() const {
  const double copied = 8.0 * static_cast<double>(shape.elements());
  return static_cast<double>(bytes_in + bytes_out) / copied / ratio().median;
}

boost::json::value to_json(const bench_run& run) {
  json::object object;
  for (const auto& [key, member] : run_texts) object[key] = run.*member;
  object["all_threads"] = run.all_threads;
  json::array rows;
  for (const row_result& row : run.rows) rows.push_back(to_json(row));
  object["rows"] = std::move(rows);
  return object;
}

bench_run read_run(const std::filesystem::path& path) {
  const common::json_document document = common::read_json_document(path);
  const common::json_field root(document);
  bench_run run;
  for (const auto& [key, member] : run_texts) run.*member = root.at(key).string();
  run.all_threads = static_cast<int>(root.at("all_threads").positive_integer());
  for (const common::json_field& row : root.at("rows").elements()) run.rows.push_back(read_row(row));
  return run;
}

}  // namespace qgrain::bench
