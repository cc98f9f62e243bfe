#include <common/file.hpp>
#include <common/number_text.hpp>
#include <common/text_table.hpp>
#include <engine/mix/mix.hpp>
#include <lm/rows.hpp>
#include <lm/tokenizer.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <export/choices/choices.hpp>
#include <export/verify/verify.hpp>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace qgrain::exports {
namespace {

lm::packed_rows rows_of(const lm::model& model, const std::filesystem::path& text) {
  const lm::tokenizer tokenizer = lm::tokenizer::of_model(model.tensors().name());
  std::istringstream lines(common::read_text_file(text));
  std::vector<lm::token_ids> sequences;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (lm::token_ids ids = tokenizer.encode(line); !ids.empty()) sequences.push_back(std::move(ids));
  }
  if (sequences.empty())
    throw error(errc::invalid_argument, text.string() + ": the file is empty: there are no tokens");
  return lm::pack(sequences, {}, model.config().vocabulary);
}

// The weights of a mix; nothing where a weight is no recipe of the sweep.
std::optional<engine::recipe_mix> weights_of(const std::filesystem::path& mix, const lm::model& model) {
  if (mix.empty() || has_foreign_names(mix)) return std::nullopt;
  engine::recipe_mix weights = engine::read_mix(mix, model);
  for (engine::linear_recipes& linear : weights.linears) linear.activation.reset();
  return weights;
}

boost::json::object json_of(const engine::mix_report& report) {
  return {{"mean_loss", report.loss},
          {"perplexity", report.perplexity},
          {"mean_kl_div", report.mean_divergence},
          {"top1_agreement", report.top1_agreement}};
}

}  // namespace

std::optional<double> verified_export::difference() const {
  if (!mix) return std::nullopt;
  return std::max(std::fabs(written.loss - mix->loss), std::fabs(written.mean_divergence - mix->mean_divergence));
}

verified_export verify_export(const lm::model& model, const std::filesystem::path& written,
                              const std::filesystem::path& mix, const std::filesystem::path& text, thread_pool& pool) {
  const lm::packed_rows rows = rows_of(model, text);
  const std::optional<engine::recipe_mix> weights = weights_of(mix, model);
  engine::mix_verifier verifier(model, rows, pool);
  verified_export found;
  found.written = verifier.verify(lm::model(written));
  if (weights) found.mix = verifier.verify(*weights);
  return found;
}

void print_verified(std::ostream& out, const verified_export& found) {
  const auto line = [&](const std::string& what, const char* format, double base, const auto& figure) {
    std::vector<std::string> cells{what, std::isnan(base) ? "" : common::formatted(format, base)};
    if (found.mix) cells.push_back(common::formatted(format, figure(*found.mix)));
    cells.push_back(common::formatted(format, figure(found.written)));
    return cells;
  };
  std::vector<std::vector<std::string>> rows{{"", "unquantized", "read back"}};
  if (found.mix) rows[0].insert(rows[0].begin() + 2, "weights of the mix");
  using report = engine::mix_report;
  rows.push_back(line("mean loss", "%.6f", found.written.base_loss, [](const report& r) { return r.loss; }));
  rows.push_back(
      line("perplexity", "%.4f", found.written.base_perplexity, [](const report& r) { return r.perplexity; }));
  rows.push_back(line("mean KL divergence", "%.6g", NAN, [](const report& r) { return r.mean_divergence; }));
  rows.push_back(line("same likeliest token", "%.4f", NAN, [](const report& r) { return r.top1_agreement; }));
  common::print_table(out, rows);
  if (const auto difference = found.difference())
    out << "largest difference of loss and divergence to the mix: " << common::formatted("%.2g", *difference) << '\n';
}

boost::json::object verified_json(const verified_export& found) {
  boost::json::object fields{{"tokens", found.written.positions},
                             {"unquantized_mean_loss", found.written.base_loss},
                             {"unquantized_perplexity", found.written.base_perplexity},
                             {"read_back", json_of(found.written)}};
  if (found.mix) {
    fields["mix"] = json_of(*found.mix);
    fields["difference"] = *found.difference();
  }
  return fields;
}

}  // namespace qgrain::exports
