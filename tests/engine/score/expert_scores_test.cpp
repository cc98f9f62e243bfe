// Models with experts: scores and ranges against ModelOpt by all three of its rule sets, and against definitions.
#include <common/json.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/engine_support.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/score_references.hpp>
#include <support/score_agreement.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using qgrain::testing::gradient_score_kind;
using qgrain::testing::score_agreement;

const lm::model& experts() {
  static const lm::model m(source_dir / "tests/data/scores/qwen3-moe-captions");
  return m;
}

lm::packed_rows rows_of_experts(std::string_view data_path, std::size_t limit = 100000) {
  const lm::packing how = data_path == "driver" ? lm::packing{lm::padding::left, 64, 8, 1021, 1021}
                                                : lm::packing{lm::padding::none, 0, 1, -1, 1021};
  return lm::pack(captions("captions_small.txt", limit), how, experts().config().vocabulary);
}

struct stored_job {
  std::string name;
  std::string data_path;
  job wanted;
  boost::json::object values;
};

std::vector<stored_job> stored_jobs() {
  const boost::json::value all = common::read_json_file(scores_dir / "moe.json");
  BOOST_TEST_REQUIRE(all.at("layer_names").as_array().size() == experts().linears().size());
  for (std::size_t l = 0; l < experts().linears().size(); ++l)
    BOOST_TEST(std::string(all.at("layer_names").at(l).as_string()) == experts().linears()[l].name);
  std::vector<stored_job> jobs;
  for (const boost::json::value& v : all.at("jobs").as_array()) {
    const auto text = [&](const char* key) { return std::string(v.at(key).as_string()); };
    jobs.push_back({text("name"), text("data_path"), {text("weight"), text("activation")}, v.as_object()});
  }
  return jobs;
}

std::vector<linear_group> expert_groups(bool single) {
  std::vector<linear_group> groups;
  for (std::size_t l = 0; l < experts().linears().size(); ++l) {
    if (!experts().is_of_expert(static_cast<index_t>(l))) continue;
    const bool goes_on =
        !single && !groups.empty() && experts().linears()[groups.back().front()].layer == experts().linears()[l].layer;
    if (!goes_on) groups.emplace_back();
    groups.back().push_back(l);
  }
  return groups;
}

// Scores under one rule set as the file has them, and those found in the same order.
struct score_lists {
  std::vector<double> found;
  std::vector<double> wanted;
};

score_lists grouped(const boost::json::value& groups, const std::vector<double>& scores) {
  score_lists lists;
  std::size_t next = 0;
  for (const boost::json::value& group : groups.as_array()) {
    const auto members = group.at("members").to_number<std::size_t>();
    const std::string first(group.at("first").as_string());
    const auto place = std::find_if(experts().linears().begin(), experts().linears().end(),
                                    [&](const lm::linear_info& l) { return l.name == first; });
    const auto begin = static_cast<std::size_t>(place - experts().linears().begin());
    double sum = 0;
    for (std::size_t l = begin; l < begin + members; ++l) sum += scores.at(l);
    lists.found.push_back(sum);
    lists.wanted.push_back(group.at("score").to_number<double>());
    next += members;
  }
  BOOST_TEST(next == scores.size());
  return lists;
}

void compare(const std::string& data_path, const std::string& rules) {
  std::vector<stored_job> stored = stored_jobs();
  std::erase_if(stored, [&](const stored_job& s) { return s.data_path != data_path; });
  BOOST_TEST_REQUIRE(stored.size() == 3U);
  std::vector<job> jobs;
  for (const stored_job& s : stored) jobs.push_back(s.wanted);
  engine_options options;
  options.shared_experts = true;
  if (rules != "own_output") options.expert_groups = expert_groups(rules == "ungrouped");
  thread_pool pool(2);
  const engine_result result = score_jobs(experts(), rows_of_experts(data_path), jobs, pool, options);
  BOOST_TEST(result.unseen_experts.empty());
  score_agreement agreement;
  std::size_t ranges = 0;
  for (std::size_t j = 0; j < stored.size(); ++j) {
    const boost::json::object& values = stored[j].values;
    const score_lists lists = rules == "default" ? grouped(values.at(rules), result.scores[j])
                                                 : score_lists{result.scores[j], doubles_of(values.at(rules))};
    agreement.add(stored[j].name, gradient_score_kind(stored[j].wanted.activation), lists.found, lists.wanted);
    if (!values.contains("input_amax")) continue;
    const std::vector<double> amax = doubles_of(values.at("input_amax"));
    for (std::size_t l = 0; l < amax.size(); ++l, ++ranges) {
      const std::vector<float>& found = result.calibrations.at(j, l).amax;
      BOOST_TEST_REQUIRE(found.size() == 1U);
      BOOST_TEST(std::abs(static_cast<double>(found[0]) - amax[l]) <=
                 static_cast<double>(qgrain::testing::range_difference) * std::max(1.0, amax[l]));
    }
  }
  BOOST_TEST(ranges == experts().linears().size());
  agreement.check(data_path + " by the rules \"" + rules + "\"");
}

}  // namespace

BOOST_AUTO_TEST_CASE(plain_default) { compare("plain", "default"); }
BOOST_AUTO_TEST_CASE(plain_ungrouped) { compare("plain", "ungrouped"); }
BOOST_AUTO_TEST_CASE(plain_own_output) { compare("plain", "own_output"); }
BOOST_AUTO_TEST_CASE(padded_default) { compare("driver", "default"); }
BOOST_AUTO_TEST_CASE(padded_ungrouped) { compare("driver", "ungrouped"); }
BOOST_AUTO_TEST_CASE(padded_own_output) { compare("driver", "own_output"); }

namespace {

const std::vector<job> many_jobs{{"int4/group16", "fp16"},
                                 {"int8/per_tensor", "int8/per_tensor_static", "percentile"},
                                 {"int8/per_out_channel", "int8/per_tensor_static", "mse"},
                                 {"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"},
                                 {"int4/group16", "fp16", "awq_lite"},
                                 {"int8/per_out_channel", "int8/per_tensor_dynamic"}};

bool same_scores(const engine_result& a, const engine_result& b) { return a.scores == b.scores; }

}  // namespace

// Every calibration; rows of batches that chunks cut are held back for each expert.
BOOST_AUTO_TEST_CASE(threads_change_no_bit_and_chunks_no_range) {
  const lm::packed_rows rows = rows_of_experts("driver", 12);
  engine_options options;
  options.expert_groups = expert_groups(false);
  thread_pool one(1);
  const engine_result wanted = score_jobs(experts(), rows, many_jobs, one, options);
  thread_pool three(3);
  const engine_result found = score_jobs(experts(), rows, many_jobs, three, options);
  BOOST_TEST(same_scores(wanted, found));
  BOOST_TEST((wanted.calibrations == found.calibrations));
  options.limits.chunk_bytes = 1;
  const engine_result cut = score_jobs(experts(), rows, many_jobs, one, options);
  for (std::size_t j = 0; j < many_jobs.size(); ++j) {
    for (std::size_t l = 0; l < experts().linears().size(); ++l) {
      BOOST_TEST_CONTEXT(job_text(many_jobs[j]) << " " << experts().linears()[l].name) {
        const std::vector<float>& whole = wanted.calibrations.at(j, l).amax;
        const std::vector<float>& parts = cut.calibrations.at(j, l).amax;
        BOOST_TEST_REQUIRE(whole.size() == parts.size());
        for (std::size_t c = 0; c < whole.size(); ++c) BOOST_TEST(std::abs(whole[c] - parts[c]) <= 1e-4F * whole[c]);
        BOOST_TEST(std::abs(wanted.scores[j][l] - cut.scores[j][l]) <= 1e-2 * wanted.scores[j][l]);
      }
    }
  }
}

// Down projections by themselves: the weighted sum moves by what the expert's output moves by, times its weight.
BOOST_AUTO_TEST_CASE(a_down_projection_scores_the_same_at_both_outputs) {
  const lm::packed_rows rows = rows_of_experts("plain", 6);
  const std::vector<job> jobs{{"int4/group32", "fp16"}};
  thread_pool pool(2);
  engine_options options;
  const engine_result own = score_jobs(experts(), rows, jobs, pool, options);
  options.expert_groups = expert_groups(true);
  const engine_result block = score_jobs(experts(), rows, jobs, pool, options);
  for (std::size_t l = 0; l < experts().linears().size(); ++l) {
    const bool is_changed =
        experts().is_of_expert(static_cast<index_t>(l)) && !experts().linears()[l].name.ends_with("down_proj");
    if (is_changed) {
      BOOST_TEST(block.scores[0][l] != own.scores[0][l]);
    } else {
      BOOST_TEST(std::abs(block.scores[0][l] - own.scores[0][l]) <= 1e-6 * own.scores[0][l]);
    }
  }
}

// Two tokens reach four experts of six at most.
BOOST_AUTO_TEST_CASE(experts_without_a_token_are_named_and_have_their_layers_range) {
  const std::vector<lm::token_ids> texts{{5, 9}};
  const lm::packed_rows rows = lm::pack(texts, {}, experts().config().vocabulary);
  thread_pool pool(1);
  engine_options options;
  options.expert_groups = expert_groups(false);
  const engine_result found = score_jobs(experts(), rows, many_jobs, pool, options);
  BOOST_TEST_REQUIRE(found.unseen_experts.size() >= 4U);
  BOOST_TEST(found.unseen_experts.size() < 12U);
  for (const std::string& name : found.unseen_experts) {
    const std::string layer = name.substr(0, name.rfind('.') + 1);
    for (const char* part : {".gate_proj", ".up_proj", ".down_proj"}) {
      std::vector<float> most;
      std::size_t own = 0;
      for (std::size_t l = 0; l < experts().linears().size(); ++l) {
        const std::string& other = experts().linears()[l].name;
        if (other == name + part) own = l;
        if (!other.starts_with(layer) || !other.ends_with(part)) continue;
        most.resize(found.input_amax[l].size(), 0.0F);
        for (std::size_t c = 0; c < most.size(); ++c) most[c] = std::max(most[c], found.input_amax[l][c]);
      }
      BOOST_TEST(found.input_amax[own] == most, boost::test_tools::per_element());
      for (std::size_t j = 0; j < many_jobs.size(); ++j) {
        for (const float range : found.calibrations.at(j, own).amax) BOOST_TEST(range > 0);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(experts_have_a_range_for_every_batch) {
  const lm::packed_rows rows = rows_of_experts("plain", 3);
  thread_pool pool(1);
  const lm::pass_context context{experts(), rows, pool};
  input_ranges ranges(context);
  lm::layer_pass(context).forward(lm::layer_pass::keep::last_state, &ranges);
  ranges.complete_experts(false);
  for (index_t l = 0; l <= experts().head_linear(); ++l) {
    for (const float batch : ranges.batches(l)) {
      BOOST_TEST(batch > 0);
      BOOST_TEST(batch <= ranges.tensor(l));
    }
  }
}

BOOST_AUTO_TEST_CASE(groups_that_are_none_are_refused) {
  const lm::packed_rows rows = rows_of_experts("plain", 2);
  const std::vector<job> jobs{{"int4/group32", "fp16"}};
  thread_pool pool(1);
  const auto refused = [&](const std::vector<linear_group>& groups, const char* part) {
    engine_options options;
    options.expert_groups = groups;
    lm::testing::expect_error(errc::invalid_argument, {part},
                              [&] { (void)score_jobs(experts(), rows, jobs, pool, options); });
  };
  const std::vector<linear_group> layers = expert_groups(false);
  refused({{}}, "is empty");
  refused({{1000}}, "does not have");
  refused({{0}}, "model.layers.0.self_attn.q_proj is not of an expert");
  refused({{layers[0][0], layers[1][0]}}, "of another layer");
  refused({{layers[0][0]}, {layers[0][0]}}, "in two groups");
}

// A stop in the midst of a layer's experts goes back to the first of them.
BOOST_AUTO_TEST_CASE(a_pass_that_is_broken_off_goes_on_to_the_same_bits) {
  const lm::packed_rows rows = rows_of_experts("driver", 10);
  const std::vector<job> jobs{{"int4/group32", "fp16"}, {"int8/per_tensor", "int8/per_token_dynamic"}};
  thread_pool pool(2);
  engine_options options;
  options.expert_groups = expert_groups(false);
  options.limits.chunk_bytes = 1;
  const engine_result wanted = score_jobs(experts(), rows, jobs, pool, options);
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "qgrain_expert_scores_test.safetensors";
  options.checkpoint = file;
  options.checkpoint_seconds = 0;
  std::atomic<int> asked = 0;  // by several threads
  std::atomic<int> last = 0;
  options.stop_requested = [&] { return ++asked > last; };
  std::filesystem::remove(file);
  int breaks = 0;
  for (int step = 12;; step += 5) {
    last = asked + step;
    try {
      const engine_result found = score_jobs(experts(), rows, jobs, pool, options);
      BOOST_TEST(same_scores(wanted, found));
      break;
    } catch (const interrupted&) {
      ++breaks;
    }
  }
  BOOST_TEST(breaks > 5);
  std::filesystem::remove(file);
}
