// What the summary of a sweep is made of.
#include <sweep/search/pareto.hpp>
#include <sweep/summary/layer_place.hpp>
#include <sweep/summary/sweep_summary.hpp>
#include <sweep/summary/synthetic_sweep.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <random>

using namespace qgrain::sweep;
using qgrain::test::manifest_of;
using qgrain::test::source_of;

namespace {

const std::vector<layer_shape> two_layers{{"model.layers.0.mlp.up_proj", 256, 128}, {"lm_head", 128, 128}};

template <class Call>
std::string sentence_of(qgrain::errc code, const Call& call) {
  try {
    call();
  } catch (const qgrain::error& fault) {
    BOOST_TEST((fault.code() == code));
    return fault.what();
  }
  BOOST_ERROR("nothing was thrown");
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(places_of_layers) {
  BOOST_TEST((place_of("model.layers.12.self_attn.q_proj") == layer_place{"self_attn.q_proj", 12}));
  BOOST_TEST((place_of("m.layers.3.mlp.experts.17.up_proj") == layer_place{"mlp.experts.*.up_proj", 3}));
  BOOST_TEST((place_of("lm_head") == layer_place{"lm_head", std::nullopt}));
  BOOST_TEST((place_of("a.b") == layer_place{"a.b", std::nullopt}));
  BOOST_TEST((place_of("blocks.4") == layer_place{"blocks.4", std::nullopt}));
  BOOST_TEST((place_of("layers.1x.q") == layer_place{"layers.1x.q", std::nullopt}));
  BOOST_TEST((place_of("layers.99999999999999999999.q") == layer_place{"layers.99999999999999999999.q", std::nullopt}));
  BOOST_TEST((place_of("") == layer_place{"", std::nullopt}));
}

BOOST_AUTO_TEST_CASE(the_front_is_what_no_other_point_beats) {
  std::mt19937 random(7);
  int on_fronts = 0;
  for (int round = 0; round < 400; ++round) {
    // Few distinct numbers, so that equal sizes, equal scores and equal points are common.
    std::uniform_int_distribution<int> number(0, 1 + round % 9);
    std::vector<size_and_score> points(static_cast<std::size_t>(round % 23));
    for (size_and_score& p : points) p = {static_cast<double>(number(random)), static_cast<double>(number(random))};
    const std::vector<bool> front = pareto_front(points);
    BOOST_REQUIRE(front.size() == points.size());
    for (std::size_t i = 0; i < points.size(); ++i) {
      bool is_beaten = false;
      for (const size_and_score& other : points) {
        is_beaten = is_beaten || (other.size <= points[i].size && other.score <= points[i].score &&
                                  (other.size < points[i].size || other.score < points[i].score));
      }
      BOOST_TEST(front[i] == !is_beaten);
      on_fronts += front[i] ? 1 : 0;
    }
  }
  BOOST_TEST_MESSAGE("pareto front: 400 sets against brute force, " << on_fronts << " points on fronts");
}

BOOST_AUTO_TEST_CASE(sums_sizes_and_ratios) {
  const std::vector<summary_source> sources{
      // the reference need not come first
      source_of("p", "w_group32", two_layers, manifest_of("int4/group32", "fp16", two_layers, {1.0, 2.0})),
      source_of("p", "default", two_layers, manifest_of("int8/per_out_channel", "fp16", two_layers, {0.5, 0.25})),
      // without a default the first one is the reference
      source_of("q", "w_group64", two_layers, manifest_of("fp16", "fp16", two_layers, {0.0, 0.0})),
      source_of("q", "w_group32", two_layers, manifest_of("int8/group64", "fp8/per_token_dynamic", two_layers, {4, 4})),
  };
  const std::vector<skipped_job> skipped{{"r default", "r", "default", "no such recipe"}};
  const sweep_summary summary = summarize(sources, skipped);
  BOOST_TEST(summary.program == "qgrain test");
  BOOST_TEST(summary.models.size() == 1U);
  BOOST_TEST(summary.layers.size() == 2U);
  BOOST_TEST(summary.skipped.size() == 1U);
  const std::vector<summary_job>& jobs = summary.jobs;
  BOOST_REQUIRE(jobs.size() == 4U);
  BOOST_TEST(jobs[0].score == 3.0);
  BOOST_TEST(jobs[0].reference == 1U);
  BOOST_TEST(jobs[0].ratio.value() == 4.0);
  BOOST_TEST(jobs[1].ratio.value() == 1.0);
  BOOST_TEST(jobs[3].reference == 2U);
  BOOST_TEST(!jobs[3].ratio.has_value());
  // 4 bits and a 32-bit scale for 32 elements
  BOOST_TEST(jobs[0].layers[0]->bits == 5.0);
  BOOST_TEST(jobs[0].bits_per_weight() == 5.0);
  BOOST_TEST(jobs[0].bytes() == (256 * 128 + 128 * 128) * 5.0 / 8);
  // 8 bits and a 32-bit scale for a row of 128
  BOOST_TEST(jobs[1].bits_per_weight() == 8.25);
  BOOST_TEST(jobs[2].bits_per_weight() == 16.0);
  BOOST_TEST(jobs[0].is_on_front);
  BOOST_TEST(jobs[1].is_on_front);
  BOOST_TEST(jobs[2].is_on_front);   // larger than all, but exact
  BOOST_TEST(!jobs[3].is_on_front);  // as scores of one model and data set, jobs of all pairs compare
  BOOST_TEST(summary.formats[jobs[0].layers[0]->chosen] == "NONE(effective-bits: 16.0)");
  BOOST_TEST(summary.formats[jobs[0].layers[1]->chosen] == "SOME_CFG(effective-bits: 8.0)");
  BOOST_TEST(jobs[0].loss.value() == 2.5);
  BOOST_TEST(jobs[0].effective_bits == 7.9);
}

BOOST_AUTO_TEST_CASE(members_of_a_fused_group_have_its_choice) {
  const std::vector<layer_shape> layers{{"l.0.q_proj", 64, 64}, {"l.0.k_proj", 64, 64}, {"l.0.o_proj", 64, 64}};
  json::object manifest = manifest_of("int8/per_tensor", "fp16", layers, {1, 1, 1});
  manifest["autoquant_state"].as_object()["recipe"] = {{"l.0.q_proj.quant_recipe", "A"},
                                                       {"l.0.o_proj.quant_recipe", "B"}};
  manifest["autoquant_state"].as_object()["candidate_stats"] = {
      {"l.0.q_proj.quant_recipe", {{"module_names", {"l.0.q_proj", "l.0.k_proj"}}}},
      {"l.0.o_proj.quant_recipe", {{"module_names", json::array{"l.0.o_proj"}}}}};
  const summary_source source = source_of("p", "default", layers, manifest);
  const sweep_summary summary = summarize(std::vector<summary_source>{source});
  std::string chosen;
  for (const auto& layer : summary.jobs[0].layers) chosen += summary.formats[layer->chosen];
  BOOST_TEST(chosen == "AAB");
}

BOOST_AUTO_TEST_CASE(other_models_and_variants_do_not_compare) {
  const std::vector<layer_shape> other{{"lm_head", 64, 64}};
  json::object of_other = manifest_of("int4/per_tensor", "fp16", other, {9.0});
  of_other["model"] = {{"id", "models/other"}};
  summary_source variant =
      source_of("p", "w_group32", two_layers, manifest_of("int4/group32", "fp16", two_layers, {8, 8}));
  variant.variant = "seed=2";
  variant.label += " seed=2";
  summary_source elsewhere = source_of("p", "default", other, of_other);
  elsewhere.label += " other";
  const std::vector<summary_source> sources{
      source_of("p", "default", two_layers, manifest_of("int8/group32", "fp16", two_layers, {1, 1})), variant,
      elsewhere};
  const sweep_summary summary = summarize(sources);
  BOOST_TEST(summary.models.size() == 2U);
  BOOST_TEST(summary.layers.size() == 3U);
  for (std::size_t j = 0; j < 3; ++j) {
    BOOST_TEST(summary.jobs[j].reference == j);
    BOOST_TEST(summary.jobs[j].is_on_front);
    BOOST_TEST(summary.jobs[j].family == j);
    BOOST_REQUIRE(summary.jobs[j].layers.size() == 3U);
    for (std::size_t l = 0; l < 3; ++l) BOOST_TEST(summary.jobs[j].layers[l].has_value() == ((l == 2) == (j == 2)));
  }
  BOOST_TEST(summary.jobs[2].elements == 64.0 * 64);
}

BOOST_AUTO_TEST_CASE(faults_name_the_job) {
  const auto good = source_of("p", "default", two_layers, manifest_of("int8/group32", "fp16", two_layers, {1, 1}));
  BOOST_TEST(sentence_of(qgrain::errc::invalid_argument, [&] {
               (void)summarize(std::vector<summary_source>{good, good});
             }) == "two jobs of the sweep are called p default");
  summary_source bad = good;
  bad.manifest.erase("linear_scores");
  const std::string missing =
      sentence_of(qgrain::errc::bad_file, [&] { (void)summarize(std::vector<summary_source>{bad}); });
  BOOST_TEST((missing.find("p default: ") == 0 && missing.find("linear_scores") != std::string::npos), missing);
  bad = good;
  bad.manifest["recipes"].as_object()["weight"] = {{"name", "int9/group32"}};
  BOOST_TEST((sentence_of(qgrain::errc::unknown_name, [&] {
                (void)summarize(std::vector<summary_source>{bad});
              }).find("int9/group32") != std::string::npos));
}
