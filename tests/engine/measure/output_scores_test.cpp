// Divergence and loss of quantized groups: ModelOpt's kl_div jobs, the definition by full forward passes,
// repeatability.
#include <engine/engine_support.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/measure/verification.hpp>
#include <engine/mix/mix.hpp>
#include <engine/mix/mix_override.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/score_references.hpp>
#include <lm/pass.hpp>
#include <recipes/fake_recipes.hpp>
#include <support/score_agreement.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;
using qgrain::testing::score_agreement;
using qgrain::testing::score_kind;

std::size_t linear_called(std::string_view name) {
  const auto& linears = tiny().linears();
  const auto found = std::find_if(linears.begin(), linears.end(), [&](const auto& l) { return l.name == name; });
  BOOST_TEST_REQUIRE((found != linears.end()));
  return static_cast<std::size_t>(found - linears.begin());
}

// The groups of ModelOpt's kl_div jobs.
std::vector<linear_group> stored_groups() {
  std::vector<linear_group> groups;
  for (const boost::json::value& group : stored_runs().at("group_lists").at("groups_25").as_array()) {
    linear_group members;
    for (const boost::json::value& name : group.at("members").as_array())
      members.push_back(linear_called(name.as_string()));
    groups.push_back(members);
  }
  return groups;
}

void check(const std::string& what, const std::vector<score_reference>& stored, const std::vector<job>& jobs,
           const output_result& found) {
  score_agreement agreement;
  for (const score_reference& r : stored) {
    const auto j = static_cast<std::size_t>(std::find(jobs.begin(), jobs.end(), r.wanted) - jobs.begin());
    BOOST_TEST_REQUIRE(j < jobs.size());
    agreement.add(r.name, score_kind::output_change, found.kl_div[j], r.scores);
  }
  agreement.check(what);
}

void compare(const std::string& data_path, std::size_t jobs_wanted, std::size_t on_second) {
  const std::vector<score_reference> stored = divergence_jobs(data_path);
  BOOST_TEST_REQUIRE(stored.size() == jobs_wanted);
  const std::vector<score_reference> second = on_second_machine(stored);
  BOOST_TEST_REQUIRE(second.size() == on_second);
  const std::vector<job> jobs = distinct_jobs(stored);
  thread_pool pool(2);
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), data_path);
  const output_result found = score_outputs(tiny(), rows, jobs, stored_groups(), pool);
  check(data_path + " kl_div against the first machine", stored, jobs, found);
  check(data_path + " kl_div against the second machine", second, jobs, found);
  score_agreement truth;
  for (const score_reference& other : second) {
    const auto same = std::find_if(stored.begin(), stored.end(),
                                   [&](const score_reference& r) { return other.name.starts_with(r.name + " ("); });
    BOOST_TEST_REQUIRE((same != stored.end()));
    truth.add(other.name, score_kind::output_change, other.scores, same->scores);
  }
  truth.check(data_path + " kl_div, ModelOpt on two machines");
}

}  // namespace

BOOST_AUTO_TEST_CASE(modelopt_left_padded) { compare("driver", 3, 3); }
BOOST_AUTO_TEST_CASE(modelopt_plain) { compare("plain", 7, 5); }

namespace {

const std::vector<job> some_jobs{{"int8/per_tensor", "fp16"},
                                 {"fp16", "int8/per_token_dynamic"},
                                 {"int4/group32", "int8/per_tensor_dynamic"},
                                 {"mxfp4_rceil", "fp8/per_tensor_static"},
                                 {"nvfp4_modelopt", "int4/per_hidden_channel"},
                                 {"fp8/tile128x128", "fp8/group32"},
                                 {"int8/per_in_channel", "fp8/per_token_dynamic"}};

// Some groups of every kind.
const std::vector<linear_group> some_groups{{0, 1, 2}, {1}, {10}, {18, 19}, {27}, {42}};

std::optional<fake_recipe> recipe_called(const std::string& name) {
  return name == "fp16" ? std::nullopt : std::optional(recipes::find_fake_recipe(name));
}

// All logits of a pass, [rows, vocabulary].
std::vector<float> logits_of(const lm::model& model, const lm::packed_rows& rows, thread_pool& pool,
                             lm::linear_override* instead) {
  const index_t vocabulary = model.config().vocabulary;
  std::vector<float> all(static_cast<std::size_t>(rows.rows() * vocabulary));
  lm::layer_pass pass({model, rows, pool}, 0, instead);
  pass.forward(lm::layer_pass::keep::last_state);
  pass.logits([&](index_t row, index_t output, lm::const_matrix slab) {
    lm::as_matrix(all.data(), rows.rows(), vocabulary).block(row, output, slab.rows(), slab.cols()) = slab;
  });
  return all;
}

struct row_truth {
  double divergence = 0;
  double loss_increase = 0;
};

// By the definition, in double, one row.
row_truth truth_of(const float* z, const float* q, index_t vocabulary, std::int32_t target) {
  const auto log_sum = [&](const float* v) {
    const double top = *std::max_element(v, v + vocabulary);
    double sum = 0;
    for (index_t i = 0; i < vocabulary; ++i) sum += std::exp(static_cast<double>(v[i]) - top);
    return top + std::log(sum);
  };
  const double before = log_sum(z);
  const double after = log_sum(q);
  row_truth truth;
  for (index_t i = 0; i < vocabulary; ++i) {
    const double log_p = static_cast<double>(z[i]) - before;
    truth.divergence += std::exp(log_p) * (log_p - (static_cast<double>(q[i]) - after));
  }
  if (target >= 0)
    truth.loss_increase = (after - static_cast<double>(q[target])) - (before - static_cast<double>(z[target]));
  return truth;
}

bool same_bytes(const std::vector<std::vector<double>>& a, const std::vector<std::vector<double>>& b) {
  for (std::size_t j = 0; j < a.size(); ++j) {
    if (std::memcmp(a[j].data(), b[j].data(), a[j].size() * sizeof(double)) != 0) return false;
  }
  return a.size() == b.size();
}

// Each job and group by a full forward pass of its own, with the group's Linears replaced, and the definition in
// double. Padded rows are left out of the sum's comparison by a text without padding.
void compare_with_full_passes(const lm::model& model, const lm::packed_rows& rows, const std::vector<job>& jobs,
                              const std::vector<linear_group>& groups) {
  thread_pool pool(2);
  const output_result found = score_outputs(model, rows, jobs, groups, pool);
  const std::vector<float> base = logits_of(model, rows, pool, nullptr);
  const index_t vocabulary = model.config().vocabulary;
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      recipe_mix mix;
      mix.linears.resize(model.linears().size());
      mix.input_amax = found.input_amax;
      mix.input_scale.resize(model.linears().size());
      for (const std::size_t l : groups[g])
        mix.linears[l] = {recipe_called(jobs[j].weight), recipe_called(jobs[j].activation)};
      mix_override instead(model, mix, pool);
      const std::vector<float> changed = logits_of(model, rows, pool, &instead);
      row_truth sum;
      index_t targets = 0;
      for (index_t r = 0; r < rows.rows(); ++r) {
        const std::int32_t target = rows.targets[static_cast<std::size_t>(r)];
        const row_truth one =
            truth_of(base.data() + r * vocabulary, changed.data() + r * vocabulary, vocabulary, target);
        sum.divergence += one.divergence;
        sum.loss_increase += one.loss_increase;
        targets += target >= 0 ? 1 : 0;
      }
      // f32 hidden states of other shapes of products: a last bit may move an activation across a rounding tie.
      BOOST_TEST(std::abs(found.kl_div[j][g] - sum.divergence) <= 2e-3 * sum.divergence + 1e-7,
                 jobs[j].weight << " " << jobs[j].activation << " group " << g << " " << found.kl_div[j][g] << " "
                                << sum.divergence);
      const double increase = sum.loss_increase / static_cast<double>(targets);
      BOOST_TEST(std::abs(found.loss_increase[j][g] - increase) <= 2e-3 * std::abs(increase) + 2e-6,
                 jobs[j].weight << " " << jobs[j].activation << " group " << g);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(scores_are_what_full_forward_passes_give) {
  compare_with_full_passes(tiny(),
                           lm::pack(captions("captions_small.txt", 5), {lm::padding::none, 0, 2, -1, 1021}, 1024),
                           some_jobs, some_groups);
}

// Norms behind the branches, capped logits, fused projections, windows.
BOOST_AUTO_TEST_CASE(scores_of_other_families_are_what_full_forward_passes_give) {
  std::vector<lm::token_ids> texts(3);
  for (std::int32_t i = 0; i < 60; ++i) texts[static_cast<std::size_t>(i % 3)].push_back((i * i + 7) % 48);
  const lm::packed_rows rows = lm::pack(texts, {}, 48);
  const std::filesystem::path folder = std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests/data/families";
  for (const char* family : {"gemma2", "gemma3-text", "olmo2", "phi3"}) {
    const lm::model model(folder / family);
    std::vector<linear_group> groups{{0}, {}, {model.linears().size() - 1}};
    for (std::size_t l = 1; l + 1 < model.linears().size(); ++l) groups[1].push_back(l);
    BOOST_TEST_CONTEXT(family) {
      compare_with_full_passes(model, rows, {{"int4/group16", "fp16"}, {"int8/per_tensor", "int8/per_token_dynamic"}},
                               groups);
    }
  }
}

// The router changes which experts compute; groups of experts and the router alone, and both.
BOOST_AUTO_TEST_CASE(scores_of_experts_are_what_full_forward_passes_give) {
  std::vector<lm::token_ids> texts(3);
  for (std::int32_t i = 0; i < 60; ++i) texts[static_cast<std::size_t>(i % 3)].push_back((i * i + 7) % 48);
  const lm::packed_rows rows = lm::pack(texts, {lm::padding::none, 0, 2, -1, {}}, 48);
  const std::filesystem::path folder = std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests/data/families";
  for (const char* family : {"mixtral", "qwen3-moe"}) {
    const lm::model model(folder / family);
    std::vector<linear_group> groups(4);
    for (std::size_t l = 0; l + 1 < model.linears().size(); ++l) {
      const auto linear = static_cast<index_t>(l);
      if (model.is_of_expert(linear)) groups[0].push_back(l);
      if (model.is_router(linear)) groups[1].push_back(l);
      groups[2].push_back(l);
    }
    groups[3] = {groups[0][4]};
    BOOST_TEST_CONTEXT(family) {
      compare_with_full_passes(model, rows, {{"int4/group8", "fp16"}, {"int8/per_tensor", "int8/per_token_dynamic"}},
                               groups);
    }
  }
}

BOOST_AUTO_TEST_CASE(company_and_threads_do_not_change_a_bit) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 10), "driver");
  thread_pool one(1);
  const output_result wanted = score_outputs(tiny(), rows, some_jobs, some_groups, one);
  for (const int threads : {2, 3}) {
    thread_pool pool(threads);
    const output_result found = score_outputs(tiny(), rows, some_jobs, some_groups, pool);
    BOOST_TEST(same_bytes(wanted.kl_div, found.kl_div));
    BOOST_TEST(same_bytes(wanted.loss_increase, found.loss_increase));
  }
  thread_pool pool(2);
  output_options little;
  little.state_bytes = 1;
  little.variant_bytes = 1;
  const output_result portions = score_outputs(tiny(), rows, some_jobs, some_groups, pool, little);
  BOOST_TEST(same_bytes(wanted.kl_div, portions.kl_div));
  std::vector<job> with_nothing{{"fp16", "fp16"}, some_jobs[3]};
  const output_result pair = score_outputs(tiny(), rows, with_nothing, some_groups, pool);
  for (const double score : pair.kl_div[0]) BOOST_TEST(score == 0.0);
  BOOST_TEST(same_bytes({wanted.kl_div[3]}, {pair.kl_div[1]}));
}

// Slabs of the head change no more than rounding; a chunk smaller than a copy works.
BOOST_AUTO_TEST_CASE(slabs_and_chunks_do_not_change_the_scores) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 6), "plain");
  thread_pool pool(2);
  const output_result wanted = score_outputs(tiny(), rows, some_jobs, some_groups, pool);
  output_options pieces;
  pieces.limits = {1, 256 * 128 * 4, 16 * 256 * 4};
  const output_result found = score_outputs(tiny(), rows, some_jobs, some_groups, pool, pieces);
  for (std::size_t j = 0; j < some_jobs.size(); ++j) {
    for (std::size_t g = 0; g < some_groups.size(); ++g)
      BOOST_TEST(std::abs(found.kl_div[j][g] - wanted.kl_div[j][g]) <= 2e-3 * wanted.kl_div[j][g] + 1e-7);
  }
}

BOOST_AUTO_TEST_CASE(faulty_groups_are_refused) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 2), "plain");
  thread_pool pool(1);
  const auto refused = [&](const std::vector<linear_group>& groups, const std::vector<std::string>& words) {
    expect_error(errc::invalid_argument, words,
                 [&] { static_cast<void>(score_outputs(tiny(), rows, some_jobs, groups, pool)); });
  };
  refused({{0}, {7, 0, 7}}, {"layers.1.self_attn.q_proj", "twice"});
  refused({{}}, {"empty"});
  refused({{43}}, {"does not have"});
}

// Members at several inputs, in several blocks, with and without the head, in any order: as the whole model with these
// Linears quantized. Ranges of tokens and calibrated ones, so that a member behind another one has the same.
BOOST_AUTO_TEST_CASE(groups_of_several_inputs_are_mixes) {
  const std::vector<linear_group> groups{{0, 3}, {41, 2, 17, 18}, {9, 42}, {30, 4, 5, 6, 31}};
  const std::vector<job> jobs{{"int4/group32", "int8/per_token_dynamic"},
                              {"mxfp4_rceil", "fp8/group32"},
                              {"fp16", "int4/per_token_dynamic"},
                              {"int8/per_in_channel", "int8/per_tensor_static"},
                              {"fp8/tile128x128", "fp16"},
                              {"int4/group128", "int8/per_token_dynamic", "smoothquant"}};
  thread_pool pool(2);
  for (const std::string path : {"plain", "driver"}) {
    const lm::packed_rows rows = rows_of(captions("captions_small.txt", 7), path);
    const output_result found = score_outputs(tiny(), rows, jobs, groups, pool);
    mix_verifier verifier(tiny(), rows, pool);
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      for (std::size_t g = 0; g < groups.size(); ++g) {
        std::vector<std::optional<std::size_t>> choice(tiny().linears().size());
        for (const std::size_t l : groups[g]) choice[l] = j;
        const mix_report report = verifier.verify(chosen_mix(tiny(), jobs, found.calibrations, choice));
        const double wanted = report.mean_divergence * static_cast<double>(report.positions);
        const std::string what = path + " " + jobs[j].weight + " " + jobs[j].activation + " group " + std::to_string(g);
        // A last bit of a product may move an activation across a rounding tie.
        BOOST_TEST(std::abs(found.token_kl_div[j][g] - wanted) <= 2e-3 * wanted,
                   what << " " << found.token_kl_div[j][g] << " " << wanted);
        BOOST_TEST(std::abs(found.loss_increase[j][g] - (report.loss - report.base_loss)) <= 1e-5, what);
        // Padding attends to nothing: q and o of the first group change nothing there.
        const bool padding_changes = path == "driver" && g > 0;
        BOOST_TEST((found.kl_div[j][g] > found.token_kl_div[j][g]) == padding_changes, what);
      }
    }
  }
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 4), "plain");
  const output_result found = score_outputs(tiny(), rows, jobs, groups, pool);
  // More chunks than copies, little memory, more threads.
  output_options pieces;
  pieces.limits = {1, 256 * 128 * 4, 16 * 256 * 4};
  pieces.state_bytes = 1;
  pieces.variant_bytes = 1;
  thread_pool three(3);
  const output_result other = score_outputs(tiny(), rows, jobs, groups, three, pieces);
  for (std::size_t j = 0; j < jobs.size(); ++j) {
    for (std::size_t g = 0; g < groups.size(); ++g)
      BOOST_TEST(std::abs(found.kl_div[j][g] - other.kl_div[j][g]) <= 2e-3 * found.kl_div[j][g]);
  }
}

// Stopped behind every few questions, in the middle of a portion as well: the same bits, no portion scored twice.
BOOST_AUTO_TEST_CASE(scores_go_on_to_the_same_bits) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 6), "driver");
  const std::vector<linear_group> groups{{0, 1, 2}, {18, 30}, {42}, {27, 42}, {41}};
  thread_pool pool(2);
  output_options options;
  options.limits.chunk_bytes = 1;
  options.state_bytes = 3 * rows.rows() * 128 * 4;
  options.variant_bytes = 1 << 18;
  const output_result wanted = score_outputs(tiny(), rows, some_jobs, groups, pool, options);

  const lm::testing::temporary_folder folder;
  options.checkpoint = folder.path() / "state";
  options.checkpoint_seconds = 0;
  std::vector<std::string> lines;
  std::size_t resumed = 0;
  options.log = [&](const std::string& line) {
    if (line.starts_with("scored")) lines.push_back(line);
    if (line.starts_with("resume")) ++resumed;
  };
  std::size_t limit = 0;
  bool is_asked_often = false;
  std::size_t asked_since = 0;
  options.stop_requested = [&] {
    asked_since = lines.size() >= limit ? asked_since + 1 : 0;
    is_asked_often = is_asked_often || asked_since == 3;
    return asked_since >= 3;  // behind the first blocks of the next portion
  };
  std::optional<output_result> found;
  int runs = 0;
  for (; !found && runs < 100; ++runs) {
    limit = lines.size() + 2;
    try {
      found = score_outputs(tiny(), rows, some_jobs, groups, pool, options);
    } catch (const interrupted&) {
    }
  }
  BOOST_TEST_REQUIRE(found.has_value());
  BOOST_TEST(runs > 3);
  BOOST_TEST(is_asked_often);
  BOOST_TEST(static_cast<int>(resumed) == runs - 1);
  BOOST_TEST((std::set<std::string>(lines.begin(), lines.end()).size() == lines.size()));
  BOOST_TEST(same_bytes(found->kl_div, wanted.kl_div));
  BOOST_TEST(same_bytes(found->token_kl_div, wanted.token_kl_div));
  BOOST_TEST(same_bytes(found->loss_increase, wanted.loss_increase));
  BOOST_TEST(found->linear_flops == wanted.linear_flops);

  // What is complete is not scored again; what is of other groups or jobs is not taken over.
  options.stop_requested = {};
  const std::size_t all = lines.size();
  BOOST_TEST(same_bytes(score_outputs(tiny(), rows, some_jobs, groups, pool, options).kl_div, wanted.kl_div));
  BOOST_TEST(lines.size() == all);
  const std::vector<linear_group> fewer(groups.begin(), groups.end() - 1);
  static_cast<void>(score_outputs(tiny(), rows, some_jobs, fewer, pool, options));
  BOOST_TEST(lines.size() > all);
}

// Already while the unquantized model runs.
BOOST_AUTO_TEST_CASE(a_stop_is_heard_at_once) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 2), "plain");
  thread_pool pool(1);
  output_options options;
  int asked = 0;
  options.stop_requested = [&] { return ++asked > 0; };
  BOOST_CHECK_THROW(static_cast<void>(score_outputs(tiny(), rows, some_jobs, some_groups, pool, options)), interrupted);
  BOOST_TEST(asked == 1);
}
