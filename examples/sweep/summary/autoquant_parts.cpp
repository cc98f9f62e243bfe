#include <sweep/results/format_choice.hpp>
#include <sweep/results/manifest_access.hpp>
#include <sweep/summary/autoquant_parts.hpp>
#include <sweep/summary/report_numbers.hpp>

#include <algorithm>
#include <functional>

namespace qgrain::sweep {
namespace {

constexpr std::size_t most_corners = 20;  // in a table

std::string amount(double value, const std::string& unit) {
  if (unit == "effective_bits") return bits_number(value) + " bits per weight";
  if (unit == "bytes") return formatted("%.0f bytes", value);
  return formatted("%.6g ", value) + unit;
}

// What the search was asked for and what it gave.
report_part budget_part(const json::object& manifest) {
  report_part part{"budget", "Budget", "", {}, {}, {"Quantity", "Value"}, {}};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) part.rows.push_back({name, value});
  };
  const auto add_number = [&](const char* name, std::string_view key, const std::function<std::string(double)>& text) {
    if (const auto value = number_in(manifest, key)) part.rows.push_back({name, text(*value)});
  };
  const bool has_search = find_value(manifest, "autoquant_state.search") != nullptr;
  const std::string unit = optional_text_at(manifest, "autoquant_state.search.unit").value_or("effective_bits");
  const auto in_unit = [&](double value) { return amount(value, unit); };
  add("Scoring method", text_in(manifest, "autoquant_state.method"));
  add("Cost model", text_in(manifest, "autoquant_state.search.cost"));
  add_number("Asked", has_search ? "autoquant_state.search.budget" : "scheme.auto_quantize_bits", in_unit);
  add_number("Reached", "autoquant_state.search.reached", in_unit);
  add_number("Least possible", "autoquant_state.search.least", in_unit);
  if (!has_search || unit != "effective_bits") {
    add_number("Effective bits", "autoquant_state.constraints.effective_bits", bits_number);
  }
  add_number("Score", "autoquant_state.score", score_text);
  add_number("Lower bound of the score", "autoquant_state.search.lower_bound", score_text);
  add_number("Gap", "autoquant_state.search.gap",
             [](double gap) { return gap == 0 ? std::string("0 (the optimum)") : score_text(gap); });
  add("Solver", text_in(manifest, "autoquant_state.search.solver"));
  if (const json::value* met = find_value(manifest, "autoquant_state.is_satisfied"); met != nullptr && met->is_bool()) {
    add("Budget met", met->get_bool() ? "yes" : "no");
  }
  return part;
}

std::string layers_with(const std::vector<layer_choice>& choices, const std::function<bool(const std::string&)>& is) {
  return std::to_string(
      std::count_if(choices.begin(), choices.end(), [&](const layer_choice& choice) { return is(choice.label); }));
}

report_part formats_part(const std::vector<manifest_format>& formats, const std::vector<layer_choice>& choices) {
  report_part part{"formats", "Formats", "Layers: how many got the format.", {}, {}, {}, {}};
  if (formats.empty()) return part;
  part.head = {"Format", "Pair", "Granularity", "Weights", "Activations", "Calibration", "Layers"};
  for (const manifest_format& format : formats) {
    part.rows.push_back({format.label, format.pair, format.granularity, format.weight, format.activation,
                         format.calibration,
                         layers_with(choices, [&](const std::string& label) { return label == format.label; })});
  }
  part.rows.push_back({"NONE", "", "", "", "", "", layers_with(choices, is_none)});
  return part;
}

report_part front_part(const json::object& manifest) {
  report_part part{"front", "Pareto front", "", {}, {}, {}, {}};
  chart_series corners{"corners of the front", {}, true, false};
  for_each_in(manifest, "autoquant_state.pareto", [&](const json::object& corner) {
    const double bits = number_at(corner, "effective_bits");
    const double score = number_at(corner, "score");
    corners.points.push_back({bits, score, bits_number(bits) + " bits, score " + score_text(score)});
  });
  const std::size_t count = corners.points.size();
  if (count == 0) return part;
  part.text = std::to_string(count) + (count == 1 ? " corner" : " corners") +
              " of the convex front: no mix of the formats lies below it. The score is what the search adds up: the "
              "expected harm.";
  const std::size_t rows = std::min(count, most_corners);
  if (rows < count) part.text += " The table shows " + std::to_string(rows) + " of them.";
  part.head = {"Effective bits", "Score"};
  for (std::size_t r = 0; r < rows; ++r) {
    const chart_point& corner = corners.points[rows == 1 ? 0 : r * (count - 1) / (rows - 1)];
    part.rows.push_back({bits_number(corner.x), score_text(corner.y)});
  }
  chart curve{
      "front-chart", "Score against effective bits", part.text, "effective bits per weight", "score", {}, {}, {}};
  curve.series.push_back(std::move(corners));
  const auto bits = number_in(manifest, "autoquant_state.constraints.effective_bits");
  const auto score = number_in(manifest, "autoquant_state.score");
  if (bits && score) {
    const std::string text = "chosen: " + bits_number(*bits) + " bits, score " + score_text(*score);
    curve.description += " " + text + ".";
    curve.series.push_back({"chosen mix", {{*bits, *score, text}}, false, true});
  }
  const std::string unit = text_in(manifest, "autoquant_state.search.unit");
  if (const auto budget = number_in(manifest, "autoquant_state.search.budget"); budget && unit == "effective_bits") {
    curve.limit = *budget;
    curve.limit_text = "budget";
  }
  part.curve = std::move(curve);
  return part;
}

report_part bits_part(const std::vector<layer_choice>& choices) {
  report_part part{"bits", "Bits per layer", "", {}, {}, {}, {}};
  if (choices.empty()) return part;
  part.text = "Bits per weight of the chosen format as the search books them; 16: not quantized (" +
              layers_with(choices, is_none) + " of " + std::to_string(choices.size()) + " layers).";
  part.picture = bits_picture_of(choices);
  part.head = {"Block"};
  part.head.insert(part.head.end(), part.picture->columns.begin(), part.picture->columns.end());
  for (std::size_t r = 0; r < part.picture->rows.size(); ++r) {
    table_cells row{part.picture->rows[r]};
    for (const bits_cell& cell : part.picture->cells[r]) row.push_back(cell.text);
    part.rows.push_back(std::move(row));
  }
  return part;
}

std::string shown_number(const json::object& entry, std::string_view key, const char* pattern) {
  const json::value* value = entry.if_contains(key);
  return value != nullptr && value->is_number() ? formatted(pattern, value->to_number<double>()) : std::string("-");
}

report_part exports_part(const json::array& exports) {
  report_part part{"exports",
                   "Checkpoints",
                   "The chosen mix as qgrain-export wrote it; bits with scales, of the file.",
                   {},
                   {},
                   {"Target", "Path", "Bytes", "Bits per weight"},
                   {}};
  for (const json::value& value : exports) {
    const json::object& entry = value.as_object();
    part.rows.push_back({text_in(entry, "target"), text_in(entry, "path"), shown_number(entry, "bytes", "%.0f"),
                         shown_number(entry, "effective_bits", "%.4f")});
  }
  return part;
}

}  // namespace

autoquant_content autoquant_content_of(const json::object& manifest, const json::array& exports) {
  const std::vector<layer_choice> choices = layer_choices(manifest);
  autoquant_content content;
  content.title = "AutoQuant: " + optional_text_at(manifest, "scheme.name").value_or("unnamed");
  for (const char* key : {"model.id", "model_fingerprint", "program.version"}) {
    const std::string text = text_in(manifest, key);
    if (!text.empty()) content.facts += (content.facts.empty() ? "" : ", ") + text;
  }
  for (report_part& part :
       std::vector{budget_part(manifest), formats_part(formats_of(manifest), choices), front_part(manifest),
                   bits_part(choices), prediction_part(manifest), measured_part(manifest), study_part(manifest),
                   agreement_part(manifest), exports_part(exports)}) {
    if (!part.rows.empty() || part.curve || part.picture) content.parts.push_back(std::move(part));
  }
  return content;
}

}  // namespace qgrain::sweep
