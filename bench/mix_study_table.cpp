// What each scoring method's mixes are worth, as Markdown. For sets of formats against no quantization, with the bits
// that are stored: the rank correlation of the scores of all (group, format) with the true divergence of quantizing
// that group alone, and the divergence of the mix chosen at 5, 6 and 8 bits over that of uniform quantization of the
// same size and over that of the reversed ranking's choice.
//   mix_study_table MODEL TEXT_FILE THREADS
#include <engine/measure/output_scores.hpp>
#include <engine/mix/mix_study.hpp>
#include <engine/score/additive_scores.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/fisher.hpp>
#include <engine/score/weight_errors.hpp>
#include <recipes/fake_recipes.hpp>
#include <support/program.hpp>
#include <sweep/layers/groups.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::sweep;

struct pair_format {
  const char* name;
  job recipes;
};

const std::vector<pair_format> pairs{
    {"wint4_afp16", {"int4/group128", "fp16"}},
    {"wint4_afp8", {"int4/group128", "fp8/per_tensor_static"}},
    {"wint4_aint8", {"int4/group128", "int8/per_tensor_static"}},
    {"wint4_aint4", {"int4/group128", "int4/per_tensor_static"}},
    {"wfp4_afp16", {"mxfp4_rceil", "fp16"}},
    {"wfp4_afp8", {"mxfp4_rceil", "fp8/per_tensor_static"}},
    {"wfp4_aint8", {"mxfp4_rceil", "int8/per_tensor_static"}},
    {"wfp4_afp4", {"mxfp4_rceil", "mxfp4_rceil"}},
    {"wnvfp4_afp16", {"nvfp4_modelopt", "fp16"}},
    {"wnvfp4_afp8", {"nvfp4_modelopt", "fp8/per_tensor_static"}},
    {"wnvfp4_anvfp4", {"nvfp4_modelopt", "nvfp4_modelopt"}},
    {"wint8_afp16", {"int8/per_out_channel", "fp16"}},
    {"wint8_aint8", {"int8/per_out_channel", "int8/per_tensor_static"}},
    {"wfp8_afp8", {"fp8/per_tensor", "fp8/per_tensor_static"}},
};

// Each 4-bit pair alone, then with others.
const std::vector<std::vector<std::size_t>> format_sets{
    {0},          {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {0, 11}, {2, 12}, {5, 13}, {9, 13}, {0, 2, 11, 12},
    {4, 8, 9, 13}};

// What all sets share.
struct scored_pairs {
  std::vector<job> jobs;
  std::vector<linear_group> groups;
  engine_result gradient;
  engine_result fisher;
  output_result outputs;
  std::vector<std::vector<double>> weight_mse;
};

scored_pairs score_all(const lm::model& m, const lm::packed_rows& rows, thread_pool& pool) {
  scored_pairs all;
  for (const pair_format& p : pairs) all.jobs.push_back(p.recipes);
  std::vector<std::string> names;
  std::vector<double> weights;
  for (const lm::linear_info& l : m.linears()) {
    names.push_back(l.name);
    weights.push_back(static_cast<double>(l.elements()));
  }
  for (const layer_group& group : group_layers(names, sweep::layer_fusion::fused)) all.groups.push_back(group.members);
  engine_options options;
  options.output_errors = true;
  all.gradient = score_jobs(m, rows, all.jobs, pool, options);
  all.fisher = fisher_scores(m, rows, all.jobs, pool, {}, {0, 1});
  all.outputs = score_outputs(m, rows, all.jobs, all.groups, pool);
  all.weight_mse = squared_errors(weight_errors(m, all.jobs, pool), weights);
  return all;
}

study_request request_for(const lm::model& m, const scored_pairs& scored, std::vector<std::size_t> formats) {
  study_request request;
  formats.push_back(no_format);
  for (const linear_group& members : scored.groups) {
    std::vector<double> costs;
    for (const std::size_t f : formats) {
      double cost = 0;
      for (const std::size_t l : members) {
        const lm::linear_info& linear = m.linears()[l];
        const double bits =
            f == no_format
                ? 16
                : recipes::find_fake_recipe(pairs[f].recipes.weight).bits_per_element({linear.out, linear.in});
        cost += static_cast<double>(linear.elements()) * bits / 16;
      }
      costs.push_back(cost);
    }
    request.groups.push_back({members, formats, costs});
  }
  const auto& g = request.groups;
  request.methods = {{"gradient", scores_of_groups(g, scored.gradient.scores)},
                     {"fisher", scores_of_groups(g, scored.fisher.scores)},
                     {"kl_div", scores_by_group(g, scored.outputs.kl_div)},
                     {"kl_div of tokens", scores_by_group(g, scored.outputs.token_kl_div)},
                     {"loss", scores_by_group(g, scored.outputs.loss_increase)},
                     {"mse", scores_of_groups(g, squared_errors(scored.gradient.mse, scored.gradient.scored_outputs))},
                     {"sqnr_db", scores_of_groups(g, noise_to_signal(scored.gradient.sqnr_db))},
                     {"weight_mse", scores_of_groups(g, scored.weight_mse)}};
  request.effective_bits = {5, 6, 8};
  request.make_mix = mixes_of(m, scored.jobs, scored.gradient.calibrations);
  return request;
}

std::string name_of(const std::vector<std::size_t>& formats) {
  std::string name;
  for (const std::size_t f : formats) name += (name.empty() ? "" : ", ") + std::string(pairs[f].name);
  return name;
}

void print_header(const char* first, const study_request& request) {
  std::printf("\n| %s |", first);
  for (const method_table& t : request.methods) std::printf(" %s |", t.method.c_str());
  std::printf("\n|---|");
  for (std::size_t i = 0; i < request.methods.size(); ++i) std::printf("---|");
  std::printf("\n");
}

void study(const lm::model& m, const std::vector<lm::token_ids>& texts, int threads) {
  thread_pool pool(threads);
  const std::int32_t padding = m.config().padding_id.value_or(-1);
  const lm::packed_rows rows = lm::pack(texts, {lm::padding::left, 512, 8, padding, padding}, m.config().vocabulary);
  const scored_pairs scored = score_all(m, rows, pool);
  std::fprintf(stderr, "scored: gradient %.1f s, fisher %.1f s, kl_div and loss %.1f s\n",
               scored.gradient.costs.total_seconds, scored.fisher.costs.total_seconds, scored.outputs.total_seconds);
  mix_verifier verifier(m, rows, pool);
  std::vector<study_result> results;
  std::vector<study_result> by_tokens;  // compared with the divergence of tokens
  for (const std::vector<std::size_t>& formats : format_sets) {
    study_request request = request_for(m, scored, formats);
    results.push_back(mix_study(verifier, request));
    request.effective_bits.clear();
    request.truth = "kl_div of tokens";
    by_tokens.push_back(mix_study(verifier, request));
  }

  const study_request methods = request_for(m, scored, {0});
  for (const bool tokens : {false, true}) {
    std::printf("\nSpearman's correlation with %s\n", tokens ? "kl_div of tokens" : "kl_div");
    print_header("formats", methods);
    for (std::size_t s = 0; s < format_sets.size(); ++s) {
      std::printf("| %s |", name_of(format_sets[s]).c_str());
      for (const method_table& t : methods.methods) {
        const auto& list = tokens ? by_tokens[s].agreement : results[s].agreement;
        const auto found = std::find_if(list.begin(), list.end(), [&](const auto& a) { return a.method == t.method; });
        if (found == list.end()) {
          std::printf(" 1 |");
        } else {
          std::printf(" %.3f |", found->correlation);
        }
      }
      std::printf("\n");
    }
  }
  for (const bool reversed : {false, true}) {
    std::printf("\nDivergence at 5, 6 and 8 bits over that of %s\n",
                reversed ? "the reversed ranking" : "uniform quantization of the same size");
    print_header("formats", methods);
    for (std::size_t s = 0; s < format_sets.size(); ++s) {
      std::printf("| %s |", name_of(format_sets[s]).c_str());
      for (std::size_t p = 0; p < results[s].points.size(); ++p) {
        const study_point& point = results[s].points[p];
        std::printf("%s%.2f%s", p % 3 == 0 ? " " : " / ",
                    point.measured.mean_divergence / (reversed ? point.reversed_divergence : point.uniform_divergence),
                    p % 3 == 2 ? " |" : "");
      }
      std::printf("\n");
    }
  }
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::run_program(argc, argv, study); }
