#include <common/file.hpp>
#include <common/process.hpp>
#include <common/stopwatch.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/fisher.hpp>
#include <engine/score/weight_errors.hpp>
#include <lm/tokenizer.hpp>
#include <sweep/layers/groups.hpp>
#include <sweep/run/scoring_pass.hpp>
#include <sweep/run/sequences.hpp>
#include <sweep/settings/naming.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <utility>

namespace qgrain::sweep {
namespace {

// Without a token to predict there is neither loss nor gradient.
void require_targets(const pass_settings& pass, const lm::packed_rows& rows) {
  const index_t scored = num_score_steps(pass.score_size, pass.batch_size, rows.batches());
  const auto begin = rows.batch_targets.begin();
  if (std::any_of(begin, begin + scored, [](index_t targets) { return targets > 0; })) return;
  index_t longest = 0;
  for (const lm::sequence_rows& s : rows.sequences) longest = std::max(longest, s.tokens());
  throw error(errc::bad_file, pass.captions.string() + ": nothing to predict in the first " + std::to_string(scored) +
                                  " batches of captions, which are scored: the longest caption has " +
                                  std::to_string(longest) + (longest == 1 ? " token" : " tokens") +
                                  ", with dataset.calib_seq_len=" + std::to_string(pass.sequence_length) +
                                  "; a text needs at least 2");
}

// The texts of a pass as rows.
lm::packed_rows load_rows(const pass_settings& pass, const lm::model& model) {
  const std::optional<lm::tokenizer> tokenizer = tokenizer_of(pass);
  const std::vector<lm::token_ids> sequences = read_sequences(pass, tokenizer);
  const std::string token = lm::padding_token(pass.model);
  std::optional<std::int32_t> padding_id = token.empty() || !tokenizer ? std::nullopt : tokenizer->id_of(token);
  if (!padding_id) padding_id = model.config().padding_id;
  if (!padding_id && pass.padding == lm::padding::left) {
    throw error(errc::bad_file, pass.model.string() +
                                    ": no padding id: tokenizer_config.json has no pad_token, config.json neither "
                                    "pad_token_id nor eos_token_id");
  }
  const lm::packing how{pass.padding, pass.sequence_length, pass.batch_size, padding_id.value_or(-1), padding_id};
  try {
    lm::packed_rows rows = lm::pack(sequences, how, model.config().vocabulary);
    require_targets(pass, rows);
    return rows;
  } catch (const error& fault) {
    if (fault.code() != errc::out_of_range) throw;
    throw error(errc::out_of_range, pass.captions.string() + ": " + fault.what());
  }
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

namespace {

bool has(const pass_settings& pass, score_method method) {
  return std::count(pass.methods.begin(), pass.methods.end(), method) > 0;
}

// No extension of six letters: is_leftover would take the file for one in preparation.
std::filesystem::path with_extension(std::filesystem::path checkpoint, const char* extension) {
  if (!checkpoint.empty()) checkpoint += extension;
  return checkpoint;
}

// The sweeps of a pass, one after another; their shares of the whole are only for the progress.
class sweep_series {
 public:
  sweep_series(const opened_pass& pass, std::vector<engine::job> jobs, const scoring_options& options)
      : pass_(pass),
        options_(options),
        pool_(pass.settings.threads),
        batches_(num_score_steps(pass.settings.score_size, pass.settings.batch_size, pass.rows.batches())) {
    scored_.jobs = std::move(jobs);
  }

  scored_pass run() {
    const auto draws = static_cast<double>(sweeps_.fisher_draws);
    work_ = (sweeps_.gradient ? 1 : 0) + draws + (sweeps_.outputs ? group_work : 0);
    if (sweeps_.gradient) by_gradient();
    if (sweeps_.fisher_draws > 0) by_fisher(draws);
    if (sweeps_.outputs) by_output();
    if (sweeps_.weights) by_weight();
    if (options_.ranks != nullptr) {
      scored_.ranks = options_.ranks->size();
      scored_.sent_bytes = options_.ranks->sent_bytes();
    }
    return std::move(scored_);
  }

 private:
  static constexpr double group_work = 13;  // docs/benchmarks.md: kl_div against a gradient sweep

  std::function<void(double)> progress(double work) {
    const double begin = done_;
    done_ += work;
    return [this, begin, work](double share) { options_.progress((begin + work * share) / work_); };
  }

  engine::engine_options options_for(double work) {
    engine::engine_options options;
    options.limits.kept_weight_bytes = pass_.settings.kept_weight_bytes;
    options.score_batches = batches_;
    options.progress = progress(work);
    options.cross = pass_.settings.cross;
    options.shared_ranges = pass_.settings.shared_ranges;
    options.shared_experts = pass_.settings.shared_experts;
    options.expert_groups = expert_groups(pass_);
    options.checkpoint = options_.checkpoint;
    options.checkpoint_seconds = options_.checkpoint_seconds;
    options.stop_requested = options_.stop_requested;
    options.log = options_.log;
    options.ranks = options_.ranks;
    return options;
  }

  void by_gradient() {
    engine::engine_options options = options_for(1);
    options.output_errors = sweeps_.output_errors;
    scored_.result = engine::score_jobs(pass_.model, pass_.rows, scored_.jobs, pool_, options);
    scored_.scores[score_method::gradient] = scored_.result.scores;
    scored_.seconds[score_method::gradient] = scored_.result.costs.total_seconds;
    if (!options.output_errors) return;
    scored_.scores[score_method::mse] = scored_.result.mse;
    scored_.scores[score_method::sqnr_db] = scored_.result.sqnr_db;
  }

  void by_fisher(double draws) {
    engine::engine_options options = options_for(draws);
    options.checkpoint = with_extension(options_.checkpoint, ".fisher");
    const engine::fisher_options fisher{pass_.settings.fisher_seed, pass_.settings.fisher_draws};
    engine::engine_result found = engine::fisher_scores(pass_.model, pass_.rows, scored_.jobs, pool_, options, fisher);
    scored_.scores[score_method::fisher] = found.scores;
    scored_.seconds[score_method::fisher] = found.costs.total_seconds;
    if (!sweeps_.gradient) scored_.result = std::move(found);
  }

  void by_output() {
    engine::output_options options;
    options.limits.kept_weight_bytes = pass_.settings.kept_weight_bytes;
    options.score_batches = batches_;
    options.progress = progress(group_work);
    options.shared_ranges = pass_.settings.shared_ranges;
    options.shared_experts = pass_.settings.shared_experts;
    options.checkpoint = with_extension(options_.checkpoint, ".outputs");
    options.checkpoint_seconds = options_.checkpoint_seconds;
    options.stop_requested = options_.stop_requested;
    options.log = options_.log;
    options.ranks = options_.ranks;
    const std::vector<engine::linear_group> groups = linear_groups(pass_);
    const engine::output_result found =
        engine::score_outputs(pass_.model, pass_.rows, scored_.jobs, groups, pool_, options);
    scored_.seconds[score_method::kl_div] = found.total_seconds;
    if (has(pass_.settings, score_method::kl_div)) {
      scored_.token_divergence = by_linear(groups, found.token_kl_div);
      scored_.scores[score_method::kl_div] =
          pass_.settings.kl_padding ? by_linear(groups, found.kl_div) : scored_.token_divergence;
    }
    if (has(pass_.settings, score_method::loss))
      scored_.scores[score_method::loss] = by_linear(groups, found.loss_increase);
  }

  // Scores of groups at their first members.
  [[nodiscard]] score_table by_linear(const std::vector<engine::linear_group>& groups, const score_table& found) const {
    score_table scores;
    for (const std::vector<double>& of_job : found) {
      scores.emplace_back(pass_.model.linears().size(), 0.0);
      for (std::size_t g = 0; g < groups.size(); ++g) scores.back()[groups[g].front()] = of_job[g];
    }
    return scores;
  }

  void by_weight() {
    const common::stopwatch watch(scored_.seconds[score_method::weight_mse]);
    scored_.scores[score_method::weight_mse] =
        engine::weight_errors(pass_.model, scored_.jobs, pool_, {}, pass_.settings.shared_ranges);
  }

  const opened_pass& pass_;
  const pass_sweeps sweeps_{pass_.settings};
  const scoring_options& options_;
  thread_pool pool_;
  index_t batches_;
  double work_ = 1;
  double done_ = 0;
  scored_pass scored_;
};

}  // namespace

std::vector<engine::linear_group> linear_groups(const opened_pass& pass) {
  std::vector<std::string> names;
  for (const lm::linear_info& l : pass.model.linears()) names.push_back(l.name);
  std::vector<engine::linear_group> groups;
  for (const layer_group& group : group_layers(names, pass.settings.groups.value_or(group_rules{})))
    groups.push_back(group.members);
  return groups;
}

std::vector<engine::linear_group> expert_groups(const opened_pass& pass) {
  std::vector<engine::linear_group> groups;
  if (pass.model.config().experts == 0) return groups;
  for (const engine::linear_group& group : linear_groups(pass)) {
    std::map<index_t, engine::linear_group> of_layer;
    for (const std::size_t l : group) {
      if (pass.model.is_of_expert(static_cast<index_t>(l))) of_layer[pass.model.linears()[l].layer].push_back(l);
    }
    for (auto& [layer, members] : of_layer) groups.push_back(std::move(members));
  }
  return groups;
}

std::vector<bool> scored_linears(const opened_pass& pass, score_method method) {
  std::vector<bool> is_scored(pass.model.linears().size(), !is_of_groups(method));
  if (is_of_groups(method)) {
    for (const engine::linear_group& group : linear_groups(pass)) is_scored[group.front()] = true;
  }
  if (method == score_method::gradient || method == score_method::fisher) {
    for (const engine::linear_group& group : expert_groups(pass)) {
      for (const std::size_t l : group) is_scored[l] = l == group.front();
    }
  }
  return is_scored;
}

pass_sweeps::pass_sweeps(const pass_settings& settings) {
  for (const score_method method : settings.methods) {
    output_errors = output_errors || is_of_outputs(method);
    outputs = outputs || is_of_groups(method);
  }
  if (has(settings, score_method::fisher)) fisher_draws = settings.fisher_draws;
  weights = has(settings, score_method::weight_mse);
  gradient = has(settings, score_method::gradient) || output_errors || fisher_draws == 0;
}

std::vector<engine::job> jobs_of(const planned_job& planned) {
  std::vector<engine::job> jobs;
  for (const planned_format& format : planned.formats) {
    const recipe_pair& recipes = format.quantization.recipes;
    jobs.push_back({recipes.weight, recipes.activation, recipes.calibration});
  }
  return jobs;
}

namespace {

std::vector<engine::job> jobs_of_first_rank(common::communicator& ranks, const std::vector<engine::job>& jobs) {
  std::string text;
  for (const engine::job& j : jobs) text += engine::job_text(j) + "\n";
  std::vector<engine::job> found;
  std::istringstream lines(ranks.gather(text).front());
  for (std::string line; std::getline(lines, line);) found.push_back(engine::parse_job(line));
  return found;
}

}  // namespace

scored_pass score(const opened_pass& pass, std::vector<engine::job> jobs, const scoring_options& options) {
  std::vector<engine::job> begun = engine::checkpoint_jobs(options.checkpoint);
  if (begun.empty()) begun = engine::checkpoint_jobs(with_extension(options.checkpoint, ".fisher.draw0"));
  const bool goes_on = !begun.empty() && std::all_of(jobs.begin(), jobs.end(), [&](const engine::job& j) {
    return std::find(begun.begin(), begun.end(), j) != begun.end();
  });
  if (goes_on) jobs = std::move(begun);
  if (common::is_divided(options.ranks)) jobs = jobs_of_first_rank(*options.ranks, jobs);
  return sweep_series(pass, std::move(jobs), options).run();
}

json::object run_stats(const scored_pass& scored, const pass_settings& settings) {
  const engine::engine_costs& costs = scored.result.costs;
  json::object sweeps;
  for (const auto& [method, seconds] : scored.seconds) sweeps[name_of(method)] = seconds;
  return {{"jobs_in_pass", scored.jobs.size()},
          {"ranks", scored.ranks},
          {"sent_bytes", scored.sent_bytes},
          {"sent_bytes_of_blocks", costs.block_bytes},
          {"threads", settings.threads},
          {"cross_term", name_of(settings.cross)},
          {"sweep_seconds", std::move(sweeps)},
          {"seconds",
           {{"total", costs.total_seconds},
            {"weight_ranges", costs.weight_range_seconds},
            {"forward_and_calibration", costs.pass.forward_seconds},
            {"further_calibration", costs.calibration.seconds},
            {"loss", costs.pass.loss_seconds},
            {"backward", costs.pass.backward_seconds},
            {"quantize_weights", costs.weight_seconds},
            {"score", costs.scoring_seconds}}},
          {"matrix_product_flops",
           {{"linears", costs.pass.linear_flops},
            {"attention", costs.pass.attention_flops},
            {"calibration", costs.calibration.linear_flops},
            {"jobs", costs.scoring_flops}}},
          {"peak_resident_bytes", common::peak_resident_bytes()}};
}

}  // namespace qgrain::sweep
