#include <sweep/results/identity.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/run/finish_job.hpp>
#include <sweep/run/linear_scores.hpp>

#include <cmath>
#include <map>
#include <utility>
#include <vector>

namespace qgrain::sweep {

json::object linear_scores_of(const recipe_list_job& list, const opened_pass& pass, const scored_pass& scored) {
  const engine::engine_result& result = scored.result;
  const std::vector<lm::linear_info>& linears = pass.model.linears();
  const std::vector<score_method>& methods = list.pass.methods;
  std::map<score_method, std::vector<bool>> shown;
  for (const score_method method : methods) shown[method] = scored_linears(pass, method);
  json::array jobs;
  for (std::size_t j = 0; j < scored.jobs.size(); ++j) {
    const auto by_linear = [&](score_method method) {
      json::object scores;
      for (std::size_t l = 0; l < linears.size(); ++l) {
        const double score = scored.scores.at(method)[j][l];
        if (shown.at(method)[l] && std::isfinite(score)) scores[linears[l].name] = score;
      }
      return scores;
    };
    json::object entry{{"weight", scored.jobs[j].weight}, {"activation", scored.jobs[j].activation}};
    if (scored.jobs[j].calibration != "max") entry["calibration"] = scored.jobs[j].calibration;
    if (!result.cross_term_errors.empty()) entry["cross_term_error"] = result.cross_term_errors[j].sum;
    entry["linear_scores"] = by_linear(methods.front());
    for (std::size_t m = 1; m < methods.size(); ++m) {
      if (m == 1) entry["method_scores"] = json::object();
      entry["method_scores"].as_object()[name_of(methods[m])] = by_linear(methods[m]);
    }
    jobs.push_back(std::move(entry));
  }
  json::array losses;
  for (const lm::loss_report::batch& batch : result.loss.batches)
    losses.push_back({{"loss", finite_or_null(batch.loss)}, {"targets", batch.targets}});
  json::object amax;
  for (std::size_t l = 0; l < linears.size(); ++l) amax[linears[l].name] = json::value_from(result.input_amax[l]);
  return {{"model", {{"id", list.model_id}, {"fingerprint", result.model_fingerprint}}},
          {identity_key, list.identity},
          {"program", program_version()},
          {"method", name_of(methods.front())},
          {"losses", std::move(losses)},
          {"jobs", std::move(jobs)},
          {"input_amax", std::move(amax)}};
}

}  // namespace qgrain::sweep
