// Whether the chosen mix can be trusted: it loses less than uniform quantization of the same size, and less than what
// the reversed ranking chooses.
#include <engine/engine_support.hpp>
#include <engine/mix/mix_study.hpp>
#include <engine/score/fisher.hpp>
#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/layers/groups.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using sweep::group_layers;
using sweep::layer_group;
using namespace qgrain::engine::testing;

struct pair_format {
  std::string name;
  job recipes;
  double nominal_bits;
};

// The recipes that conf/quant_dtype.json gives to these pairs.
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

enum class cost { nominal, stored };

// One format against no quantization, with the costs of ModelOpt or those of what is stored.
std::vector<study_group> groups_for(std::size_t format, cost how) {
  std::vector<std::string> names;
  for (const lm::linear_info& l : tiny().linears()) names.push_back(l.name);
  const fake_recipe recipe = recipes::find_fake_recipe(pairs[format].recipes.weight);
  std::vector<study_group> groups;
  for (const layer_group& group : group_layers(names, sweep::layer_fusion::fused)) {
    double weights = 0;
    double quantized = 0;
    for (const std::size_t l : group.members) {
      const lm::linear_info& linear = tiny().linears()[l];
      const double bits =
          how == cost::stored ? recipe.bits_per_element({linear.out, linear.in}) : pairs[format].nominal_bits;
      weights += static_cast<double>(linear.elements());
      quantized += static_cast<double>(linear.elements()) * bits / 16;
    }
    groups.push_back({group.members, {format, no_format}, {quantized, weights}});
  }
  return groups;
}

// Both scoring methods that take one sweep, at three budgets.
void check(mix_verifier& verifier, std::size_t format, cost how, const std::vector<job>& jobs,
           const engine_result& gradient, const engine_result& fisher) {
  study_request request;
  request.groups = groups_for(format, how);
  BOOST_TEST(request.groups.size() == 25U);
  request.methods = {{"gradient", scores_of_groups(request.groups, gradient.scores)},
                     {"fisher", scores_of_groups(request.groups, fisher.scores)}};
  request.effective_bits = {5, 6, 8};
  request.make_mix = mixes_of(tiny(), jobs, gradient.calibrations);
  const study_result found = mix_study(verifier, request);
  BOOST_TEST_REQUIRE(found.points.size() == 6U);
  BOOST_TEST_REQUIRE(found.uniform.size() == 1U);
  const uniform_point& uniform = found.uniform.front();
  for (const study_point& point : found.points) {
    const double divergence = point.measured.mean_divergence;
    // From uniform quantization at its own size to nothing lost at 16 bits.
    const double same_size =
        uniform.measured.mean_divergence * (16 - point.effective_bits) / (16 - uniform.effective_bits);
    const std::string what = pairs[format].name + (how == cost::stored ? ", stored, " : ", nominal, ") + point.method +
                             " at " + std::to_string(point.effective_bits_asked) + ": divergence " +
                             std::to_string(divergence) + ", uniform " + std::to_string(same_size) + ", reversed " +
                             std::to_string(point.reversed_divergence);
    BOOST_TEST(point.effective_bits <= point.effective_bits_asked, what);
    BOOST_TEST(divergence <= 1.05 * same_size, what);
    BOOST_TEST(divergence < point.reversed_divergence, what);
    BOOST_TEST_MESSAGE(what);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(chosen_mixes_beat_uniform_quantization_and_the_reversed_ranking) {
  thread_pool pool(2);
  const lm::packed_rows rows = rows_of(captions("captions_medium.txt"), "driver");
  BOOST_TEST(rows.batches() == 16);
  std::vector<job> jobs;
  for (const pair_format& p : pairs) jobs.push_back(p.recipes);
  const engine_result gradient = score_jobs(tiny(), rows, jobs, pool);
  const engine_result fisher = fisher_scores(tiny(), rows, jobs, pool, {}, {0, 1});
  mix_verifier verifier(tiny(), rows, pool);
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    check(verifier, p, cost::stored, jobs, gradient, fisher);
    if (pairs[p].recipes.activation == qgrain::recipes::unquantized)
      check(verifier, p, cost::nominal, jobs, gradient, fisher);
  }
}
