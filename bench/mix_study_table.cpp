// What each scoring method's mixes are worth: for 4-bit pairs against no quantization, the divergence of the chosen mix
// over that of uniform quantization of the same size, and the rank correlation of the scores with the true divergence.
//   mix_study_table MODEL TEXT_FILE THREADS
#include "support/program.hpp"

#include <sweep/engine/engine.hpp>
#include <sweep/engine/fisher.hpp>
#include <sweep/engine/mix_study.hpp>
#include <sweep/engine/output_scores.hpp>
#include <sweep/groups.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::sweep;

struct pair_format {
  const char* name;
  job recipes;
  double bits;  // booked
};

const std::vector<pair_format> pairs{
    {"wint4_afp16", {"int4/group128", "fp16"}, 4},
    {"wint4_afp8", {"int4/group128", "fp8/per_tensor_static"}, 4},
    {"wint4_aint8", {"int4/group128", "int8/per_tensor_static"}, 4},
    {"wint4_aint4", {"int4/group128", "int4/per_tensor_static"}, 4},
    {"wfp4_afp16", {"mxfp4_rceil", "fp16"}, 4},
    {"wfp4_afp8", {"mxfp4_rceil", "fp8/per_tensor_static"}, 4},
    {"wfp4_aint8", {"mxfp4_rceil", "int8/per_tensor_static"}, 4},
    {"wfp4_afp4", {"mxfp4_rceil", "mxfp4_rceil"}, 4},
    {"wnvfp4_afp16", {"nvfp4_modelopt", "fp16"}, 4.5},
    {"wnvfp4_afp8", {"nvfp4_modelopt", "fp8/per_tensor_static"}, 4.5},
    {"wnvfp4_anvfp4", {"nvfp4_modelopt", "nvfp4_modelopt"}, 4.5},
};

void study(const lm::model& m, const std::vector<lm::token_ids>& texts, int threads) {
  thread_pool pool(threads);
  const std::int32_t padding = m.config().padding_id.value_or(-1);
  const lm::packed_rows rows = lm::pack(texts, {lm::padding::left, 512, 8, padding, padding}, m.config().vocabulary);
  std::vector<job> jobs;
  for (const pair_format& p : pairs) jobs.push_back(p.recipes);
  std::vector<std::string> names;
  for (const lm::linear_info& l : m.linears()) names.push_back(l.name);
  std::vector<linear_group> groups;
  for (const layer_group& group : group_layers(names, sweep::grouping::fused)) groups.push_back(group.members);
  const engine_result gradient = score_jobs(m, rows, jobs, pool);
  const engine_result fisher = fisher_scores(m, rows, jobs, pool, {}, {0, 1});
  const engine_result fisher4 = fisher_scores(m, rows, jobs, pool, {}, {0, 4});
  const output_result outputs = score_outputs(m, rows, jobs, groups, pool);
  std::fprintf(stderr, "scored: %.1f s gradient, %.1f s fisher, %.1f s kl_div\n", gradient.costs.total_seconds,
               fisher.costs.total_seconds, outputs.total_seconds);
  mix_verifier verifier(m, rows, pool);

  for (std::size_t p = 0; p < pairs.size(); ++p) {
    study_request request;
    for (const linear_group& members : groups) {
      double weights = 0;
      for (const std::size_t l : members) weights += static_cast<double>(m.linears()[l].elements());
      request.groups.push_back({members, {p, no_format}, {weights * pairs[p].bits / 16, weights}});
    }
    const auto& g = request.groups;
    request.methods = {{"gradient", scores_of_groups(g, gradient.scores)},
                       {"fisher", scores_of_groups(g, fisher.scores)},
                       {"fisher, 4 draws", scores_of_groups(g, fisher4.scores)},
                       {"kl_div", scores_by_group(g, outputs.kl_div)},
                       {"loss", scores_by_group(g, outputs.loss_increase)}};
    request.effective_bits = {5, 6, 8};
    request.make_mix = mixes_of(m, jobs, gradient.input_amax);
    const study_result found = mix_study(verifier, request);
    std::printf("\n%s: uniform %.2f bits, divergence %.5f, loss %.5f (unquantized %.5f); %zu mixes\n\n", pairs[p].name,
                found.uniform.front().effective_bits, found.uniform.front().measured.mean_divergence,
                found.uniform.front().measured.loss, found.uniform.front().measured.base_loss, found.mixes);
    std::printf("| method | bits | divergence | / uniform | / reversed | loss |\n|---|---|---|---|---|---|\n");
    for (const study_point& point : found.points) {
      std::printf("| %s | %.3f | %.5f | %.3f | %.3f | %.5f |\n", point.method.c_str(), point.effective_bits,
                  point.measured.mean_divergence, point.measured.mean_divergence / point.uniform_divergence,
                  point.measured.mean_divergence / point.reversed_divergence, point.measured.loss);
    }
    for (const method_agreement& a : found.agreement)
      std::printf("Spearman %s: %.4f\n", a.method.c_str(), a.correlation);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::run_program(argc, argv, study); }
