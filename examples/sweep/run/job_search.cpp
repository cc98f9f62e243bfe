#include <engine/score/additive_scores.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/run/job_search.hpp>
#include <sweep/search/costs.hpp>
#include <sweep/search/latency_table.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::sweep {
namespace {

json::object use_text(const budget_use& use) {
  return {{"unit", name_of(use.unit)}, {"budget", use.budget}, {"reached", use.reached}, {"least", use.least}};
}

}  // namespace

format_scores scores_of(const planned_job& job, const opened_pass& pass, const scored_pass& scored,
                        const score_table& of_jobs) {
  format_scores formats;
  for (const engine::job& wanted : jobs_of(job)) {
    const auto place = std::find(scored.jobs.begin(), scored.jobs.end(), wanted) - scored.jobs.begin();
    formats.emplace_back(pass.unreached, 0.0);
    const std::vector<double>& linears = of_jobs[static_cast<std::size_t>(place)];
    formats.back().insert(formats.back().end(), linears.begin(), linears.end());
  }
  return formats;
}

// Routers that stay as they are.
std::vector<std::string> closed_routers(const planned_job& job, const opened_pass& pass) {
  std::vector<std::string> names;
  const std::vector<lm::linear_info>& linears = pass.model.linears();
  for (std::size_t l = 0; l < linears.size() && !job.settings.autoquant.routers; ++l) {
    if (pass.model.is_router(static_cast<index_t>(l))) names.push_back(linears[l].name);
  }
  return names;
}

score_table additive_scores(const opened_pass& pass, const scored_pass& scored, score_method method) {
  const score_table& scores = scored.scores.at(method);
  const std::span<const double> sizes = std::span(pass.layers.sizes).subspan(pass.unreached);
  switch (method) {
    case score_method::mse:
      return engine::squared_errors(scores, scored.result.scored_outputs);
    case score_method::weight_mse:
      return engine::squared_errors(scores, sizes);
    case score_method::sqnr_db:
      return engine::noise_to_signal(scores);
    default:
      return scores;
  }
}

job_search::job_search(const planned_job& job, const opened_pass& pass)
    : job_(job),
      selection_(select_layers(pass.layers, {job.settings.scheme.coverage_mode, job.settings.autoquant.effective_bits,
                                             job.settings.autoquant.disabled_layers, job.settings.autoquant.exclude,
                                             job.settings.autoquant.groups, closed_routers(job, pass)})) {
  const autoquant_settings& settings = job.settings.autoquant;
  std::vector<recipe_pair> pairs;
  for (const planned_format& format : job.formats) {
    const quantization_job& q = format.quantization;
    if (const auto same = std::find(pairs.begin(), pairs.end(), q.recipes); same != pairs.end()) {
      throw error(errc::invalid_argument,
                  "autoquant.formats: " + job.formats[static_cast<std::size_t>(same - pairs.begin())].pair + " and " +
                      format.pair + " come to the same recipes; leave one of them out");
    }
    pairs.push_back(q.recipes);
    formats_.push_back({.name = q.format_name,
                        .compression = q.compression,
                        .tie_text = json::serialize(q.config),
                        .layer_scores = {},
                        .layer_costs = layer_costs(selection_.layers, settings.cost, q.compression, q.recipes.weight)});
  }
  if (settings.weight_bytes) {
    budgets_.push_back({budget_unit::bytes, *settings.weight_bytes});
  } else {
    budgets_.push_back({budget_unit::effective_bits, selection_.effective_bits});
  }
  if (!settings.latency_table.empty()) {
    pairs.push_back({std::string(recipes::unquantized), std::string(recipes::unquantized)});
    std::vector<std::vector<double>> latencies = latency_table::read(settings.latency_table, compiled_recipes())
                                                     .latencies_of(pairs, selection_.layers, selection_.is_open);
    none_latencies_ = std::move(latencies.back());
    for (std::size_t f = 0; f < formats_.size(); ++f) formats_[f].layer_latencies = std::move(latencies[f]);
  }
  if (!settings.latency_table.empty() && !settings.latency_ms) {
    selection_.warnings.push_back("autoquant.latency_table: " + settings.latency_table.string() +
                                  " is not used, as autoquant.latency_ms gives no budget");
  }
  if (settings.latency_ms) budgets_.push_back({budget_unit::latency_ms, *settings.latency_ms});
}

std::vector<candidate_row> job_search::table(const format_scores& scores, score_method method) const {
  std::vector<candidate_format> formats = formats_;
  for (std::size_t f = 0; f < formats.size(); ++f) {
    for (const std::size_t place : selection_.places) formats[f].layer_scores.push_back(scores[f][place]);
  }
  return candidate_table(selection_.layers, std::move(formats),
                         {.groups = job_.settings.autoquant.groups,
                          .disabled = selection_.disabled,
                          .rules = job_.settings.rules,
                          .method = std::string(name_of(method)),
                          .none_latencies = none_latencies_});
}

search_outcome job_search::solve(std::span<const candidate_row> rows, score_method method) const {
  if (job_.settings.rules == compat::modelopt && method == score_method::kl_div && budgets_.size() == 1 &&
      budgets_.front().unit == budget_unit::effective_bits)
    return search_threshold(rows, budgets_.front().amount);
  return search_table(rows, budgets_);
}

searched_table job_search::search(const format_scores& scores, score_method method) const {
  searched_table found{table(scores, method), {}};
  found.outcome = solve(found.rows, method);
  return found;
}

std::vector<std::size_t> job_search::members(const candidate_row& row) const {
  std::vector<std::size_t> places;
  for (const std::size_t member : row.group.members) places.push_back(selection_.places[member]);
  return places;
}

void job_search::check() const {
  const std::size_t layers = selection_.places.empty() ? 0 : selection_.places.back() + 1;
  const format_scores none(formats_.size(), std::vector<double>(layers, 0.0));
  const searched_table found = search(none, score_method::gradient);
  try {
    static_cast<void>(search_table(found.rows, budget_unit::effective_bits, job_.settings.autoquant.study_bits));
  } catch (const error& fault) {
    throw error(fault.code(), std::string("autoquant.study_bits: ") + fault.what());
  }
}

json::object job_search::description(const search_outcome& outcome) const {
  json::object text{{"cost", name_of(job_.settings.autoquant.cost)}};
  for (const auto& entry : use_text(outcome.budgets.front())) text[entry.key()] = entry.value();
  if (outcome.budgets.size() > 1) text["second"] = use_text(outcome.budgets[1]);
  text["lower_bound"] = outcome.lower_bound;
  text["gap"] = outcome.gap;
  text["solver"] = outcome.solver;
  return text;
}

}  // namespace qgrain::sweep
