#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <common/number_text.hpp>
#include <common/python_text.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/reports.hpp>
#include <sweep/results/sensitivity_rows.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::sweep {
namespace {

using common::find_member;

using cells = std::vector<std::string>;

std::string fixed(double value, int precision) {
  return common::number_text(value, std::chars_format::fixed, precision);
}

std::string scientific(double value, int precision) {
  return common::number_text(value, std::chars_format::scientific, precision);
}

std::string quoted(const std::string& text) { return "`" + text + "`"; }

// As `find_member`, but empty text, lists and mappings count as missing too.
const json::value* filled(const json::object& object, std::string_view key) {
  const auto* value = find_member(object, key);
  if (value == nullptr) return nullptr;
  const bool empty = (value->is_string() && value->get_string().empty()) ||
                     (value->is_object() && value->get_object().empty()) ||
                     (value->is_array() && value->get_array().empty());
  return empty ? nullptr : value;
}

const json::object* filled_mapping(const json::object& object, std::string_view key) {
  const auto* value = filled(object, key);
  return value != nullptr && value->is_object() ? &value->get_object() : nullptr;
}

void add_heading(std::string& out, std::string_view title) {
  out += "\n## ";
  out += title;
  out += '\n';
}

void add_row(std::string& out, const cells& row) {
  out += '|';
  for (const auto& cell : row) {
    for (const char c : cell) {
      if (c == '|') out += '\\';
      out += c;
    }
    out += '|';
  }
  out += '\n';
}

void add_table(std::string& out, const cells& header, const std::vector<cells>& rows) {
  out += '\n';
  add_row(out, header);
  out += '|';
  for (std::size_t i = 0; i < header.size(); ++i) out += " :--- |";
  out += '\n';
  for (const auto& row : rows) add_row(out, row);
}

void add_facts(std::string& out, std::string_view title, const std::vector<cells>& rows) {
  add_heading(out, title);
  out += '\n';
  add_table(out, {"Key", "Value"}, rows);
}

void add_code(std::string& out, std::string_view language, std::string_view text) {
  out += "\n\n```";
  out += language;
  out += '\n';
  out += text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  out += "\n```";
}

std::string formatted_number(const json::value* value, std::string (*format)(double, int), int precision) {
  if (value == nullptr) return "None";
  return value->is_number() ? format(value->to_number<double>(), precision) : common::python_text(*value);
}

std::vector<cells> summary_rows(const json::object& manifest) {
  const auto& scheme = mapping_in(manifest, "scheme");
  const auto& state = mapping_in(manifest, "autoquant_state");
  const auto* name = find_member(scheme, "name");
  std::vector<cells> rows{{"Scheme", quoted(name != nullptr ? common::python_text(*name) : "")}};
  if (const auto* model = filled_mapping(manifest, "model")) {
    if (const auto* id = find_member(*model, "id")) rows.push_back({"Model", quoted(common::python_text(*id))});
  }
  const auto* constraints = filled_mapping(state, "constraints");
  const auto* bits = constraints != nullptr ? find_member(*constraints, "effective_bits") : nullptr;
  const auto* satisfied = find_member(state, "is_satisfied");
  rows.push_back({"Effective bits (from search)", quoted(formatted_number(bits, fixed, 4))});
  rows.push_back({"Total AutoQuant score", quoted(formatted_number(find_member(state, "score"), scientific, 6))});
  rows.push_back({"Constraint satisfied", quoted(satisfied != nullptr ? common::python_text(*satisfied) : "None")});
  if (const auto* cross = filled_mapping(manifest, "cross_term")) {
    const auto& error = mapping_in(*cross, "measured_error");
    const auto percent = [&](std::string_view key) {
      const auto* value = find_member(error, key);
      return value != nullptr && value->is_number() ? fixed(100 * value->to_number<double>(), 2) + " %" : "unknown";
    };
    const auto* mode = find_member(*cross, "mode");
    rows.push_back({"Cross term", quoted(mode != nullptr ? common::python_text(*mode) : "") +
                                      ", measured error of the sum " + percent("sum") + ", of a Linear at most " +
                                      percent("largest_of_a_linear")});
  }
  return rows;
}

std::vector<cells> dataset_rows(const json::object& dataset) {
  constexpr std::array<std::pair<std::string_view, const char*>, 10> labels{
      {{"name", "Name"},
       {"size", "Size"},
       {"root", "Root"},
       {"captions_path", "Captions path"},
       {"format", "Format"},
       {"image_list", "Image list"},
       {"imgsz", "Image size"},
       {"calib_seq_len", "Calibration seq len"},
       {"batch_size", "Batch size"},
       {"num_calib_batches", "Calibration batches"}}};
  std::vector<cells> rows;
  for (const auto& [key, label] : labels) {
    if (const auto* value = find_member(dataset, key)) rows.push_back({label, quoted(common::python_text(*value))});
  }
  const auto* used = find_member(dataset, "num_calib_samples");
  const auto* most = find_member(dataset, "max_calib_samples");
  if (used != nullptr || most != nullptr) {
    const auto half = [](const json::value* value) { return quoted(value ? common::python_text(*value) : "unknown"); };
    rows.push_back({"Calibration samples (used / max)", half(used) + " / " + half(most)});
  }
  return rows;
}

// The same facts stand in several places in manifests of different age.
struct quantization_facts {
  const json::value* base_format = nullptr;
  const json::value* weight = nullptr;
  const json::value* activation = nullptr;
  const json::value* granularity = nullptr;
  const json::value* overrides = nullptr;
};

quantization_facts facts_of(const json::object& quantization) {
  quantization_facts facts;
  facts.base_format = filled(quantization, "base_format_name");
  if (facts.base_format == nullptr) facts.base_format = find_member(quantization, "format_name");
  facts.weight = find_member(quantization, "weight_dtype");
  facts.activation = find_member(quantization, "act_dtype");
  const auto* pair = find_member(quantization, "quant_pair");
  if (pair != nullptr && pair->is_object()) {
    if (pair->get_object().contains("weight")) facts.weight = find_member(pair->get_object(), "weight");
    if (pair->get_object().contains("activation")) facts.activation = find_member(pair->get_object(), "activation");
  }
  const auto* granularity = find_member(quantization, "quant_granularity");
  if (granularity != nullptr && granularity->is_object()) {
    facts.granularity = find_member(granularity->get_object(), "name");
    facts.overrides = find_member(granularity->get_object(), "quant_cfg_overrides");
    return facts;
  }
  facts.overrides = find_member(quantization, "quant_cfg_overrides");
  for (const std::string_view key : {"granularity", "granularity_name", "variant_name"}) {
    if (facts.granularity == nullptr) facts.granularity = filled(quantization, key);
  }
  return facts;
}

void add_quantization(std::string& out, const json::object& quantization) {
  const auto facts = facts_of(quantization);
  std::vector<cells> rows;
  const auto text_of = [](const json::value* value) { return value != nullptr ? common::python_text(*value) : "None"; };
  if (facts.base_format != nullptr) rows.push_back({"Base format", quoted(text_of(facts.base_format))});
  if (facts.weight != nullptr || facts.activation != nullptr) {
    rows.push_back({"Dtypes", quoted("W=" + text_of(facts.weight)) + " / " + quoted("A=" + text_of(facts.activation))});
  }
  if (facts.granularity != nullptr) rows.push_back({"Granularity", quoted(text_of(facts.granularity))});
  if (facts.overrides != nullptr) rows.push_back({"Quant cfg overrides", quoted("see below")});
  if (rows.empty()) return;
  add_facts(out, "Quantization", rows);
  if (facts.overrides != nullptr && facts.overrides->is_object() && !facts.overrides->get_object().empty()) {
    add_code(out, "json", common::json_text(common::with_sorted_keys(*facts.overrides)));
  }
}

template <class Format>
std::string joined_values(const std::vector<double>& values, const Format& format) {
  std::string text;
  for (const double value : values) {
    if (!text.empty()) text += ", ";
    text += format(value);
  }
  return text;
}

void add_layers(std::string& out, const json::object& manifest) {
  auto rows = sensitivity_rows(mapping_in(manifest, "layer_sensitivity"));
  const auto largest = [](const sensitivity_row& row) {
    return *std::max_element(row.scores.begin(), row.scores.end());
  };
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const sensitivity_row& a, const sensitivity_row& b) { return largest(a) > largest(b); });
  std::vector<cells> table;
  const auto short_number = [](double value) { return scientific(value, 3); };
  for (const auto& row : rows) {
    table.push_back({row.layer, joined_values(row.num_bits, [](double bits) { return fixed(bits, 1); }),
                     joined_values(row.scores, short_number), joined_values(row.costs, short_number)});
  }
  add_heading(out, "Layer Sensitivity Table");
  out +=
      "\n\nSorted by sensitivity (descending). Layer names are AutoQuant recipe handles; a trailing `.quant_recipe` "
      "suffix "
      "(if present) is stripped for readability.\n";
  add_table(out, {"Layer", "Num Bits", "Sensitivity", "Size Cost"}, table);
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::optional<composed_config> find_composed_config(const json::object& manifest, const std::filesystem::path& folder) {
  const auto* run_config = filled_mapping(manifest, "run_config");
  const auto* name = run_config != nullptr ? filled(*run_config, "composed_yaml_path") : nullptr;
  if (name == nullptr || !name->is_string()) return std::nullopt;
  const auto path = folder / std::string_view(name->get_string());
  try {
    return composed_config{path.filename().string(), common::read_text_file(path)};
  } catch (const error&) {
    return std::nullopt;  // the report is complete without it
  }
}

std::string markdown_report(const json::object& manifest, const std::optional<composed_config>& config) {
  const auto summary = summary_rows(manifest);
  const auto* name = find_member(mapping_in(manifest, "scheme"), "name");
  const std::string title = "AutoQuant Layer Sensitivity (" + (name != nullptr ? common::python_text(*name) : "") + ")";
  std::string out = "\n" + title + "\n" + std::string(code_points(title), '=') + "\n";
  add_facts(out, "Summary", summary);
  if (const auto* dataset = filled_mapping(manifest, "dataset")) {
    if (const auto rows = dataset_rows(*dataset); !rows.empty()) add_facts(out, "Dataset", rows);
  }
  if (const auto* quantization = filled_mapping(manifest, "quantization")) add_quantization(out, *quantization);
  add_layers(out, manifest);
  if (config) {
    add_heading(out, "Composed Config (" + quoted(config->file_name) + ")");
    add_code(out, config->file_name.ends_with(".json") ? "json" : "yaml", config->text);
  }
  return out;
}

}  // namespace qgrain::sweep
