// What was measured of a mix: verification, study, agreement of methods.
#include <sweep/results/manifest_access.hpp>
#include <sweep/summary/autoquant_parts.hpp>
#include <sweep/summary/report_numbers.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::sweep {

report_part prediction_part(const json::object& manifest) {
  report_part part{"prediction", "Predicted and measured", "", {}, {}, {}, {}};
  const auto in = [&](std::string_view key) { return number_in(manifest, "verification." + std::string(key)); };
  const auto base = in("base_loss"), loss = in("loss"), increase = in("predicted.loss_increase");
  const auto sum = [](std::optional<double> a, std::optional<double> b, double sign) {
    return a && b ? std::optional(*a + sign * *b) : std::nullopt;
  };
  part.head = {"Quantity", "Unquantized", "Mix", "Predicted for the mix"};
  const auto add = [&](const char* name, std::optional<double> first, std::optional<double> mix,
                       std::optional<double> predicted, std::string (*text)(double)) {
    if (mix || predicted) part.rows.push_back({name, shown(first, text), shown(mix, text), shown(predicted, text)});
  };
  add("Loss", base, loss, sum(base, increase, 1), loss_number);
  add("Increase of the loss", {}, sum(loss, base, -1), increase, score_text);
  add("Perplexity", in("base_perplexity"), in("perplexity"), {}, loss_number);
  add("Mean divergence", {}, in("mean_divergence"), in("predicted.mean_divergence"), score_text);
  add("Top-1 agreement", {}, in("top1_agreement"), {}, percent_number);
  add("Score", {}, {}, in("predicted.score"), score_text);
  part.text =
      "The chosen mix in the whole model. Divergence: Kullback-Leibler, to the unquantized model's "
      "predictions, mean over positions.";
  const auto positions = in("positions"), targets = in("targets");
  if (positions && targets) part.text += formatted(" %.0f positions, %.0f targets.", *positions, *targets);
  return part;
}

// Mixes and uniform formats by size, as they were measured.
report_part measured_part(const json::object& manifest) {
  report_part part{"measured", "Measured divergence against size", "", {}, {}, {}, {}};
  part.head = {"What", "Effective bits", "Mean divergence", "Loss"};
  chart curve{"measured-chart", part.title, "", "effective bits per weight", "mean divergence", {}, {}, {}};
  const auto add = [&](chart_series& series, const std::string& name, std::optional<double> bits,
                       std::optional<double> divergence, std::optional<double> loss, bool in_table) {
    if (!bits || !divergence) return;
    series.points.push_back({*bits, std::max(*divergence, 0.0), name});
    if (in_table) part.rows.push_back({name, bits_number(*bits), score_text(*divergence), shown(loss, loss_number)});
  };
  chart_series chosen{"chosen mix", {}, false, true};
  add(chosen, "chosen mix", number_in(manifest, "autoquant_state.constraints.effective_bits"),
      number_in(manifest, "verification.mean_divergence"), number_in(manifest, "verification.loss"), true);
  chart_series uniform{"one format for all layers", {}, false, true};
  for_each_in(manifest, "verification.uniform", [&](const json::object& entry) {
    add(uniform, text_in(entry, "format"), number_in(entry, "effective_bits"), number_in(entry, "mean_divergence"),
        number_in(entry, "loss"), true);
  });
  std::vector<chart_series> methods;
  for_each_in(manifest, "study", [&](const json::object& entry) {
    const std::string name = "mixes by " + text_at(entry, "method");
    auto found = std::find_if(methods.begin(), methods.end(), [&](const auto& known) { return known.name == name; });
    if (found == methods.end()) found = methods.insert(methods.end(), {name, {}, true, false});
    const auto bits = number_in(entry, "effective_bits");
    const std::string text = name + ": " + shown(bits, bits_number) + " bits";
    add(*found, text, bits, number_in(entry, "mean_divergence"), {}, false);
  });
  for (chart_series& method : methods) {
    std::stable_sort(method.points.begin(), method.points.end(),
                     [](const chart_point& a, const chart_point& b) { return a.x < b.x; });
  }
  curve.series = std::move(methods);
  curve.series.push_back(std::move(uniform));
  curve.series.push_back(std::move(chosen));
  const bool is_empty = std::all_of(curve.series.begin(), curve.series.end(),
                                    [](const chart_series& series) { return series.points.empty(); });
  if (is_empty) return part;
  part.text = "Mean divergence from the unquantized model, of mixes and of each format for all layers.";
  curve.description = part.text;
  part.curve = std::move(curve);
  return part;
}

report_part study_part(const json::object& manifest) {
  report_part part{"study", "Study of the scoring methods", "", {}, {}, {"Method"}, {}};
  std::vector<double> budgets;
  for_each_in(manifest, "study", [&](const json::object& entry) {
    const double asked = number_at(entry, "effective_bits_asked");
    if (std::find(budgets.begin(), budgets.end(), asked) == budgets.end()) budgets.push_back(asked);
  });
  std::sort(budgets.begin(), budgets.end());
  for (const double budget : budgets) part.head.push_back(bits_text(budget) + " bits");
  for_each_in(manifest, "study", [&](const json::object& entry) {
    const std::string method = text_at(entry, "method");
    auto row = std::find_if(part.rows.begin(), part.rows.end(), [&](const auto& known) { return known[0] == method; });
    if (row == part.rows.end()) {
      row = part.rows.insert(part.rows.end(), table_cells(budgets.size() + 1, unknown_number));
      row->front() = method;
    }
    const auto at = std::find(budgets.begin(), budgets.end(), number_at(entry, "effective_bits_asked"));
    (*row)[static_cast<std::size_t>(at - budgets.begin()) + 1] =
        shown(number_in(entry, "mean_divergence"), score_text) + " (" +
        shown(number_in(entry, "effective_bits"), bits_number) + ")";
  });
  part.text = "Mean divergence of the mix that each method picks for a budget, in brackets its effective bits.";
  return part;
}

report_part agreement_part(const json::object& manifest) {
  report_part part{"agreement", "Agreement of the scoring methods", "", {}, {}, {"Method", "Spearman"}, {}};
  for_each_in(manifest, "method_agreement", [&](const json::object& entry) {
    part.rows.push_back({text_at(entry, "method"), shown(number_in(entry, "spearman"), loss_number)});
  });
  part.text =
      "Rank correlation with the measured divergence of the tokens, over all groups and formats; 1: the same order.";
  return part;
}

}  // namespace qgrain::sweep
