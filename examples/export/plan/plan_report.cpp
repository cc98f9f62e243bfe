#include <common/number_text.hpp>
#include <common/text_table.hpp>
#include <lm/safetensors.hpp>
#include <recipes/unquantized.hpp>

#include <export/plan/plan_report.hpp>
#include <ostream>

namespace qgrain::exports {
namespace {

std::string chosen_text(const layer_choice& choice) {
  const std::string weight = choice.weight.empty() ? std::string(recipes::unquantized) : choice.weight;
  return choice.activation.empty() ? weight : weight + "; " + choice.activation;
}

double bits_of(const planned_layer& layer) {
  return 8.0 * static_cast<double>(layer.stored_bytes()) / static_cast<double>(layer.linear.elements());
}

std::vector<std::string> row_of(const planned_layer& layer) {
  const bool is_stored = !layer.tensors.empty();
  return {layer.linear.name,
          std::to_string(layer.linear.rows) + "x" + std::to_string(layer.linear.cols),
          chosen_text(layer.choice),
          layer.scheme,
          is_stored ? std::to_string(layer.stored_bytes()) : "",
          is_stored ? common::formatted("%.4g", bits_of(layer)) : "tied"};
}

}  // namespace

void print_remarks(std::ostream& out, const export_plan& plan) {
  for (const std::string& note : plan.notes) out << "- note: " << note << '\n';
  for (const std::string& refusal : plan.refusals.sentences) out << "- refused: " << refusal << '\n';
}

void print_plan(std::ostream& out, const export_plan& plan) {
  std::vector<std::vector<std::string>> rows{{"layer", "shape", "chosen", "scheme", "bytes", "bits"}};
  for (const planned_layer& layer : plan.layers) rows.push_back(row_of(layer));
  common::print_table(out, rows);
  out << plan.stored_bytes() << " bytes for " << plan.elements()
      << " weights: " << common::formatted("%.4f", plan.effective_bits()) << " bits each\n";
  print_remarks(out, plan);
}

boost::json::object plan_json(const export_plan& plan) {
  boost::json::array layers;
  for (const planned_layer& layer : plan.layers) {
    boost::json::array tensors;
    for (const planned_tensor& tensor : layer.tensors) {
      tensors.push_back(
          {{"name", tensor.name}, {"shape", boost::json::value_from(tensor.shape)}, {"bytes", tensor.bytes}});
    }
    layers.push_back({{"name", layer.linear.name},
                      {"shape", {layer.linear.rows, layer.linear.cols}},
                      {"weight", layer.choice.weight.empty() ? recipes::unquantized : layer.choice.weight},
                      {"activation", layer.choice.activation.empty() ? recipes::unquantized : layer.choice.activation},
                      {"scheme", layer.scheme},
                      {"bytes", layer.stored_bytes()},
                      {"tensors", std::move(tensors)}});
  }
  return {{"to", name_of(plan.to)},
          {"layers", std::move(layers)},
          {"bytes", plan.stored_bytes()},
          {"weights", plan.elements()},
          {"bits_per_weight", plan.effective_bits()},
          {"notes", boost::json::value_from(plan.notes)},
          {"refusals", boost::json::value_from(plan.refusals.sentences)}};
}

}  // namespace qgrain::exports
