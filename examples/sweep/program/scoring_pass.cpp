#include "scoring_pass.hpp"

#include <captions.hpp>
#include <engine/checkpoint.hpp>
#include <lm/file.hpp>
#include <lm/process.hpp>
#include <lm/tokenizer.hpp>
#include <naming.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace qgrain::sweep {
namespace {

// The texts of a pass as rows.
lm::packed_rows load_rows(const pass_settings& pass, const lm::model& model) {
  const lm::tokenizer tokenizer = lm::tokenizer::load(pass.model / "tokenizer.json");
  const std::vector<std::string> texts =
      pass.samples ? read_captions(pass.captions, *pass.samples) : caption_lines(lm::read_text_file(pass.captions));
  if (texts.empty()) throw error(errc::bad_file, pass.captions.string() + ": the file holds no caption");
  std::vector<lm::token_ids> sequences;
  for (const std::string& text : texts) {
    sequences.push_back(tokenizer.encode(text));
    if (sequences.back().empty())
      throw error(errc::bad_file,
                  pass.captions.string() + ": caption " + std::to_string(sequences.size()) + " has no tokens");
  }
  const std::string token = lm::padding_token(pass.model);
  std::optional<std::int32_t> padding_id = token.empty() ? std::nullopt : tokenizer.id_of(token);
  if (!padding_id) padding_id = model.config().padding_id;
  if (!padding_id && pass.padding == lm::padding::left) {
    throw error(errc::bad_file, pass.model.string() +
                                    ": no padding id: tokenizer_config.json has no pad_token, config.json neither "
                                    "pad_token_id nor eos_token_id");
  }
  return lm::pack(sequences, {pass.padding, pass.sequence_length, pass.batch_size, padding_id.value_or(-1), padding_id},
                  model.config().vocabulary);
}

}  // namespace

opened_pass::opened_pass(const pass_settings& pass) : settings(pass), model(pass.model), rows(load_rows(pass, model)) {
  // Layers that text does not reach come first, as in a model's own order.
  const std::vector<lm::linear_info> others = model.other_layers();
  unreached = others.size();
  for (const std::vector<lm::linear_info>* part : {&others, &model.linears()}) {
    for (const lm::linear_info& l : *part) {
      layers.names.push_back(l.name);
      layers.sizes.push_back(static_cast<double>(l.elements()));
      layers.shapes.push_back({l.out, l.in});
    }
  }
}

scored_pass score(const opened_pass& pass, std::vector<job> jobs, const scoring_options& options) {
  const std::vector<job> begun = checkpoint_jobs(options.checkpoint);
  const bool goes_on = !begun.empty() && std::all_of(jobs.begin(), jobs.end(), [&](const job& j) {
    return std::find(begun.begin(), begun.end(), j) != begun.end();
  });
  if (goes_on) jobs = begun;
  thread_pool pool(pass.settings.threads);
  engine_options engine;
  engine.score_batches = num_score_steps(pass.settings.score_size, pass.settings.batch_size, pass.rows.batches());
  engine.progress = options.progress;
  engine.cross = pass.settings.cross;
  engine.checkpoint = options.checkpoint;
  engine.checkpoint_seconds = options.checkpoint_seconds;
  engine.stop_requested = options.stop_requested;
  engine.log = options.log;
  engine_result result = score_jobs(pass.model, pass.rows, jobs, pool, engine);
  return {std::move(jobs), std::move(result)};
}

json::object run_stats(const scored_pass& scored, const pass_settings& settings) {
  const engine_costs& costs = scored.result.costs;
  return {{"jobs_in_pass", scored.jobs.size()},
          {"threads", settings.threads},
          {"cross_term", name_of(settings.cross)},
          {"seconds",
           {{"total", costs.total_seconds},
            {"weight_ranges", costs.weight_range_seconds},
            {"forward_and_calibration", costs.pass.forward_seconds},
            {"loss", costs.pass.loss_seconds},
            {"backward", costs.pass.backward_seconds},
            {"quantize_weights", costs.weight_seconds},
            {"score", costs.scoring_seconds}}},
          {"matrix_product_flops",
           {{"linears", costs.pass.linear_flops},
            {"attention", costs.pass.attention_flops},
            {"jobs", costs.scoring_flops}}},
          {"peak_resident_bytes", lm::peak_resident_bytes()}};
}

std::string_view name_of(cross_term mode) noexcept {
  constexpr std::array<std::string_view, 3> names{"exact", "sampled", "neglect"};
  return names[static_cast<std::size_t>(mode)];
}

}  // namespace qgrain::sweep
