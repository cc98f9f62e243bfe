#include <sweep/formats/compression.hpp>
#include <sweep/search/candidates.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

namespace qgrain::sweep {
namespace {

constexpr std::string_view none_name = "NONE";

void check_numbers(const std::vector<double>& numbers, const std::string& what, const std::string& format,
                   const layer_list& layers) {
  if (numbers.size() != layers.names.size()) {
    const std::string plural = what == "latency" ? "latencies" : what + "s";
    throw error(errc::invalid_shape, "format " + format + " has " + std::to_string(numbers.size()) + " " + plural +
                                         " for " + std::to_string(layers.names.size()) + " layers");
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (std::isfinite(numbers[i])) continue;
    throw error(errc::non_finite, "the " + what + " of " + layers.names[i] + " under " + format + " is not finite");
  }
}

// Nominal costs where the format has no others.
void check_formats(std::vector<candidate_format>& formats, const layer_list& layers, const table_options& options) {
  if (formats.empty()) throw error(errc::invalid_argument, "there is no format to choose from");
  const std::string score = options.method.empty() ? "score" : options.method + " score";
  const bool has_latencies = !options.none_latencies.empty();
  if (has_latencies) check_numbers(options.none_latencies, "latency", std::string(none_name), layers);
  std::set<std::string> names{std::string(none_name)};
  for (candidate_format& format : formats) {
    if (!names.insert(format.name).second) {
      throw error(errc::invalid_argument, "the format " + format.name + " is among the choices twice");
    }
    check_numbers(format.layer_scores, score, format.name, layers);
    if (format.layer_costs.empty()) {
      for (const double size : layers.sizes) format.layer_costs.push_back(size * format.compression);
    }
    check_numbers(format.layer_costs, "cost", format.name, layers);
    if (has_latencies || !format.layer_latencies.empty()) {
      check_numbers(format.layer_latencies, "latency", format.name, layers);
    }
  }
}

double sum_over(const layer_group& group, const std::vector<double>& numbers) {
  double sum = 0;
  for (const std::size_t member : group.members) sum += numbers[member];
  return sum;
}

// The formats of a group, as indices, in the order of its choices.
std::vector<std::size_t> order_of(const layer_group& group, const std::vector<candidate_format>& formats,
                                  compat rules) {
  std::vector<std::size_t> order(formats.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    const candidate_format &a = formats[i], &b = formats[j];
    if (rules == compat::modelopt) return std::tie(a.compression, a.tie_text) < std::tie(b.compression, b.tie_text);
    const double cost_a = sum_over(group, a.layer_costs), cost_b = sum_over(group, b.layer_costs);
    return std::tie(cost_a, a.name) < std::tie(cost_b, b.name);
  });
  return order;
}

candidate_row row_of(const layer_group& group, const layer_list& layers, const std::vector<candidate_format>& formats,
                     const table_options& options) {
  candidate_row row;
  row.group = group;
  for (const std::size_t member : group.members) row.module_names.push_back(layers.names[member]);
  const bool has_latencies = !options.none_latencies.empty();
  if (!is_disabled(group, layers.names, options.disabled)) row.format_indices = order_of(group, formats, options.rules);
  for (const std::size_t index : row.format_indices) {
    const candidate_format& format = formats[index];
    const double score = sum_over(group, format.layer_scores);
    const bool is_capped = options.rules == compat::modelopt && !row.scores.empty();
    row.formats.push_back(format_label(format.name, format.compression));
    row.raw_scores.push_back(score);
    row.scores.push_back(is_capped ? std::min(score, row.scores.back()) : score);
    row.costs.push_back(sum_over(group, format.layer_costs));
    if (has_latencies) row.latencies.push_back(sum_over(group, format.layer_latencies));
  }
  row.formats.push_back(format_label(none_name, 1));
  row.raw_scores.push_back(0);
  row.scores.push_back(0);
  row.costs.push_back(sum_over(group, layers.sizes));
  if (has_latencies) row.latencies.push_back(sum_over(group, options.none_latencies));
  row.format_indices.push_back(formats.size());
  return row;
}

}  // namespace

std::vector<candidate_row> candidate_table(const layer_list& layers, std::vector<candidate_format> formats,
                                           const table_options& options) {
  check_formats(formats, layers, options);
  std::vector<candidate_row> rows;
  for (const layer_group& group : group_layers(layers.names, options.groups)) {
    rows.push_back(row_of(group, layers, formats, options));
  }
  const auto is_closed = [](const candidate_row& row) { return row.formats.size() == 1; };
  if (!rows.empty() && std::all_of(rows.begin(), rows.end(), is_closed)) {
    throw error(errc::invalid_argument, "every layer is disabled (" + join_names(options.disabled) + ")");
  }
  return rows;
}

}  // namespace qgrain::sweep
