#include "candidates.hpp"

#include <algorithm>
#include <cmath>
#include <qgrain/core/status.hpp>
#include <qgrain/search/knapsack.hpp>
#include <tuple>

#include "json_text.hpp"
#include "modelopt_attributes.hpp"

namespace qgrain::sweep {
namespace {

constexpr std::string_view none_name = "NONE";

bool is_nvfp4(const json::object& attributes) {
  const auto* bits = attributes.if_contains("num_bits");
  const auto* blocks = attributes.if_contains("block_sizes");
  if (bits == nullptr || blocks == nullptr || !blocks->is_object()) return false;
  const auto* scale_bits = blocks->get_object().if_contains("scale_bits");
  return *bits == json::value{2, 1} && scale_bits != nullptr && *scale_bits == json::value{4, 3};
}

double compression_of_attributes(const json::object& attributes) {
  const auto* enable = attributes.if_contains("enable");
  if (enable != nullptr && *enable == json::value(false)) return 1;
  const auto* bits = attributes.if_contains("num_bits");
  if (is_nvfp4(attributes)) return 4.5 / 16;
  if (bits == nullptr) return 8.0 / 16;  // the default of num_bits
  if (bits->is_array()) {
    const auto& pair = bits->get_array();
    return (pair.at(0).to_number<double>() + pair.at(1).to_number<double>() + 1) / 16;
  }
  return bits->to_number<double>() / 16;
}

double compression_of_entry(std::string_view pattern, const json::value& entry) {
  if (pattern == "*output_quantizer" || entry.is_null()) return 1;
  double least = 1;
  if (entry.is_array()) {
    for (const auto& element : entry.get_array()) least = std::min(least, compression_of_entry(pattern, element));
    return least;
  }
  if (!entry.is_object()) throw error(errc::invalid_argument, "quant_cfg[" + std::string(pattern) + "] is no mapping");
  const auto& attributes = entry.get_object();
  // the entry of a class holds patterns of its own
  const bool nested = !attributes.empty() && std::all_of(attributes.begin(), attributes.end(), [](const auto& item) {
    return item.value().is_object() && item.key() != "block_sizes" && item.key() != "bias";
  });
  if (!nested) {
    if (const auto objection = modelopt_objection(attributes); !objection.empty()) {
      throw error(errc::invalid_argument, "quant_cfg[" + std::string(pattern) + "]: " + objection);
    }
    return compression_of_attributes(attributes);
  }
  for (const auto& item : attributes) least = std::min(least, compression_of_entry(item.key(), item.value()));
  return least;
}

void check_scores(const candidate_format& format, const layer_list& layers) {
  if (format.layer_scores.size() != layers.names.size()) {
    throw error(errc::invalid_shape, "format " + format.name + " has " + std::to_string(format.layer_scores.size()) +
                                         " scores for " + std::to_string(layers.names.size()) + " layers");
  }
  for (std::size_t i = 0; i < layers.names.size(); ++i) {
    if (!std::isfinite(format.layer_scores[i])) {
      throw error(errc::non_finite, "the score of " + layers.names[i] + " under " + format.name + " is not finite");
    }
  }
}

candidate_row row_of(const layer_group& group, const layer_list& layers, std::span<const candidate_format> formats) {
  candidate_row row{group, {}, {}, {}, {}};
  double size = 0;
  for (const std::size_t member : group.members) size += layers.sizes[member];
  for (const auto& format : formats) {
    double score = 0;
    for (const std::size_t member : group.members) score += format.layer_scores[member];
    row.formats.push_back(format_label(format.name, format.compression));
    row.raw_scores.push_back(score);
    row.scores.push_back(row.scores.empty() ? score : std::min(score, row.scores.back()));
    row.costs.push_back(size * format.compression);
  }
  row.formats.push_back(format_label(none_name, 1));
  row.raw_scores.push_back(0);
  row.scores.push_back(0);
  row.costs.push_back(size);
  return row;
}

}  // namespace

double compression_of(const json::object& config) {
  double least = 1;
  for (const auto& entry : config.at("quant_cfg").as_object()) {
    least = std::min(least, compression_of_entry(entry.key(), entry.value()));
  }
  return least;
}

std::string format_label(std::string_view name, double compression) {
  return std::string(name) + "(effective-bits: " + number_text(16 * compression) + ")";
}

std::vector<candidate_row> candidate_table(const layer_list& layers, grouping how,
                                           std::vector<candidate_format> formats,
                                           std::span<const std::string> disabled) {
  for (const auto& format : formats) check_scores(format, layers);
  std::stable_sort(formats.begin(), formats.end(), [](const candidate_format& a, const candidate_format& b) {
    return std::tie(a.compression, a.tie_text) < std::tie(b.compression, b.tie_text);
  });
  std::vector<candidate_row> rows;
  for (const auto& group : group_layers(layers.names, how)) {
    const bool off = std::any_of(group.members.begin(), group.members.end(),
                                 [&](std::size_t member) { return matches_any(layers.names[member], disabled); });
    rows.push_back(row_of(group, layers, off ? std::span<const candidate_format>() : formats));
  }
  return rows;
}

search_outcome search_bits(std::span<const candidate_row> rows, double effective_bits) {
  if (!(effective_bits > 0 && effective_bits <= 16)) {
    throw error(errc::out_of_range, "effective_bits is " + number_text(effective_bits) + "; it must lie in (0, 16]");
  }
  std::vector<std::vector<search::choice>> choices;
  double total = 0;
  for (const auto& row : rows) {
    auto& group = choices.emplace_back();
    for (std::size_t i = 0; i < row.costs.size(); ++i) group.push_back({row.scores[i], row.costs[i]});
    total += row.costs.back();  // NONE costs the number of weights
  }
  const search::multiple_choice_knapsack problem(choices);
  const double budget = total * effective_bits / 16;
  if (budget < problem.least_cost()) {
    throw error(errc::out_of_range, "effective_bits " + number_text(effective_bits) + " cannot be met; the least is " +
                                        number_text(16 * problem.least_cost() / total));
  }
  const auto best = problem.solve(budget);
  return {best.picks, total > 0 ? 16 * best.cost / total : 16, best.score, true};
}

}  // namespace qgrain::sweep
