// What several ranks calibrate, score and verify together, against one process: every bit, on every rank.
#include <engine/engine_support.hpp>
#include <engine/measure/verification.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/weight_errors.hpp>
#include <engine/thread_ranks.hpp>

#include <boost/test/unit_test.hpp>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;

// A chunk has one sequence, a piece of the head a few rows.
constexpr lm::pass_limits small_pieces{1, 300 * 128 * 4, 70 * 300 * 4};
constexpr index_t scored_batches = 2;

lm::packed_rows rows_with(lm::padding padding) {
  return lm::pack(captions("captions_small.txt", 14), {padding, 40, 3, 1021, 1021}, 1024);
}

engine_result score(const lm::packed_rows& rows, const std::vector<job>& jobs, common::communicator* ranks,
                    const std::filesystem::path& folder = model_dir, engine_options options = {}) {
  const lm::model model(folder);
  thread_pool pool(1);
  options.limits = small_pieces;
  options.score_batches = scored_batches;
  options.ranks = ranks;
  return score_jobs(model, rows, jobs, pool, options);
}

void compare(const std::vector<job>& jobs, const std::vector<int>& numbers) {
  for (const lm::padding padding : {lm::padding::left, lm::padding::none}) {
    const lm::packed_rows rows = rows_with(padding);
    const engine_result alone = score(rows, jobs, nullptr);
    for (const int n : numbers) {
      const auto all = on_ranks(n, [&](common::communicator& ranks) { return score(rows, jobs, &ranks); });
      for (const engine_result& found : all) {
        BOOST_TEST((found.calibrations == alone.calibrations), n << " ranks");
        BOOST_TEST((found.input_amax == alone.input_amax), n << " ranks");
        BOOST_TEST((found.scores == alone.scores), n << " ranks");
        BOOST_TEST(found.loss.mean_of_batches == alone.loss.mean_of_batches);
      }
    }
  }
}

// Reports on two mixes of one verifier: `recipes` everywhere, and in every second Linear.
std::vector<double> verified(const std::filesystem::path& folder, const lm::packed_rows& rows,
                             const std::vector<std::string>& recipes, common::communicator* ranks) {
  const lm::model model(folder);
  thread_pool pool(1);
  mix_verifier verifier(model, rows, pool, small_pieces, ranks);
  std::vector<double> figures;
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}}) {
    boost::json::object linears;
    for (std::size_t l = model.linears().size() % step; l < model.linears().size(); l += step)
      linears[model.linears()[l].name] = boost::json::object{{"weight", recipes[0]}, {"activation", recipes[1]}};
    const mix_report report = verifier.verify(parse_mix(boost::json::object{{"linears", linears}}, "mix", model));
    for (const double figure : {report.base_loss, report.loss, report.mean_divergence, report.top1_agreement})
      figures.push_back(figure);
    BOOST_TEST(report.mean_divergence > 0);
  }
  return figures;
}

void compare_verified(const std::filesystem::path& folder, const std::vector<std::string>& recipes,
                      const std::vector<int>& numbers) {
  for (const lm::padding padding : {lm::padding::left, lm::padding::none}) {
    const lm::packed_rows rows = rows_with(padding);
    const std::vector<double> alone = verified(folder, rows, recipes, nullptr);
    for (const int n : numbers) {
      const auto all =
          on_ranks(n, [&](common::communicator& ranks) { return verified(folder, rows, recipes, &ranks); });
      for (const std::vector<double>& found : all) BOOST_TEST(found == alone, n << " ranks, " << recipes[1]);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(histograms_are_those_of_one_process) {
  compare({{"int8/per_tensor", "int4/per_tensor_static", "percentile"},
           {"int8/per_tensor", "int4/per_tensor_static", "entropy"}},
          {2, 3, 16});
}

BOOST_AUTO_TEST_CASE(histograms_and_errors_of_channels_are_too) {
  compare({{"fp16", "int4/per_hidden_channel", "percentile"}, {"fp16", "int4/per_hidden_channel", "mse"}}, {2, 3});
}

BOOST_AUTO_TEST_CASE(least_squared_errors_are_those_of_one_process) {
  compare({{"int8/per_tensor", "int4/per_tensor_static", "mse"}, {"int8/per_tensor", "fp8/per_tensor_static", "mse"}},
          {2, 5});
}

BOOST_AUTO_TEST_CASE(searched_scales_are_those_of_one_process) {
  compare({{"int4/group128", "fp16", "awq_lite"}, {"int4/group32", "fp8/per_tensor_static", "awq_lite"}}, {2, 3, 16});
}

BOOST_AUTO_TEST_CASE(all_calibrations_at_once_are_those_of_one_process) {
  compare({{"int4/group128", "int8/per_tensor_static", "awq_lite"},
           {"int8/per_tensor", "int4/per_tensor_static", "mse"},
           {"int8/per_tensor", "int4/per_tensor_static", "entropy"},
           {"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"},
           {"int8/per_tensor", "int8/per_tensor_static"}},
          {4});
}

BOOST_AUTO_TEST_CASE(errors_of_weights_are_those_of_one_process) {
  const std::vector<job> jobs{{"int8/per_tensor", "fp16"}, {"int4/group32", "fp16"}, {"fp16", "fp16"}};
  const auto errors = [&](common::communicator* ranks) {
    const lm::model model(model_dir);
    thread_pool pool(1);
    return weight_errors(model, jobs, pool, small_pieces, true, ranks);
  };
  const auto alone = errors(nullptr);
  for (const int n : {2, 3, 7}) {
    for (const auto& found : on_ranks(n, [&](common::communicator& ranks) { return errors(&ranks); }))
      BOOST_TEST((found == alone), n << " ranks");
  }
}

// More ranks than bundles of rows, jobs that they do not divide evenly, and ranks that are left without any.
BOOST_AUTO_TEST_CASE(jobs_of_ranks_with_the_same_rows_are_those_of_one_process) {
  const std::vector<job> jobs{{"int8/per_tensor", "int8/per_tensor_static"},
                              {"int4/group32", "fp8/per_tensor_static", "smoothquant"},
                              {"fp16", "int8/per_token_dynamic"},
                              {"int8/per_tensor", "int4/per_tensor_static", "percentile"},
                              {"int4/group32", "fp16"},
                              {"fp16", "fp16"},
                              {"int8/per_tensor", "fp16"}};
  const lm::packed_rows rows = rows_with(lm::padding::left);
  engine_options options;
  options.output_errors = true;
  const engine_result alone = score(rows, jobs, nullptr, model_dir, options);
  const lm::job_load load = load_of(plan_jobs(jobs), options.cross);
  BOOST_TEST((load.jobs == 6 && load.weights == 3));  // a recipe behind an input scale is another one
  thread_pool pool(1);
  const lm::layer_pass pass({tiny(), rows, pool, small_pieces, nullptr, load}, scored_batches);
  BOOST_TEST_REQUIRE(pass.scored_bundles() < 7);
  for (const int n : {3, 7, 16, 20, 40}) {
    const lm::rank_grid grid = pass.grid(n);
    BOOST_TEST((n < 7 || grid.job_shares > 1), n << " ranks");
    const auto all =
        on_ranks(n, [&](common::communicator& ranks) { return score(rows, jobs, &ranks, model_dir, options); });
    for (const engine_result& found : all) {
      BOOST_TEST((found.calibrations == alone.calibrations), n << " ranks");
      BOOST_TEST((found.scores == alone.scores), n << " ranks");
      BOOST_TEST((found.mse == alone.mse), n << " ranks");
      BOOST_TEST((found.sqnr_db == alone.sqnr_db), n << " ranks");
      BOOST_TEST((found.scored_outputs == alone.scored_outputs), n << " ranks");
      BOOST_TEST(found.loss.mean_of_batches == alone.loss.mean_of_batches);
    }
  }
}

// From what many ranks have saved, with fewer of them and by one process.
BOOST_AUTO_TEST_CASE(divided_jobs_go_on_with_another_number_of_ranks) {
  const std::vector<job> jobs{{"int8/per_tensor", "int8/per_tensor_static"},
                              {"int4/group32", "int8/per_tensor_static"},
                              {"int4/group32", "fp16"}};
  const lm::packed_rows rows = rows_with(lm::padding::none);
  const lm::testing::temporary_folder folder;
  const engine_result alone = score(rows, jobs, nullptr);
  int blocks = 0;
  engine_options first;
  first.checkpoint = folder.path() / "state";
  first.checkpoint_seconds = 1e9;
  first.stop_requested = [&] { return ++blocks == 3; };
  BOOST_CHECK_THROW(static_cast<void>(on_ranks(16,
                                               [&](common::communicator& ranks) {
                                                 const bool is_first = ranks.rank() == 0;
                                                 return score(rows, jobs, &ranks, model_dir,
                                                              is_first ? first : engine_options());
                                               })),
                    interrupted);
  BOOST_TEST_REQUIRE(std::filesystem::exists(first.checkpoint));
  const std::filesystem::path saved = folder.path() / "saved";
  std::filesystem::copy_file(first.checkpoint, saved);
  bool is_resumed = false;
  engine_options again;
  again.checkpoint = first.checkpoint;
  again.log = [&](const std::string& line) { is_resumed = is_resumed || line.starts_with("resume layer "); };
  for (const int n : {1, 4, 9}) {
    std::filesystem::copy_file(saved, again.checkpoint, std::filesystem::copy_options::overwrite_existing);
    is_resumed = false;
    const auto all = on_ranks(n, [&](common::communicator& ranks) {
      return score(rows, jobs, &ranks, model_dir, ranks.rank() == 0 ? again : engine_options());
    });
    BOOST_TEST(is_resumed, n << " ranks");
    for (const engine_result& found : all) BOOST_TEST((found.scores == alone.scores), n << " ranks");
  }
}

// Scored one by one, by layer and with a sampled cross term; calibrated by what is divided and what is not.
BOOST_AUTO_TEST_CASE(experts_are_scored_as_by_one_process) {
  const std::filesystem::path folder = source_dir / "tests/data/scores/qwen3-moe-captions";
  const std::vector<job> jobs{{"int4/group32", "int8/per_tensor_static"},
                              {"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"},
                              {"int8/per_tensor", "int8/per_tensor_static", "percentile"},
                              {"int8/per_tensor", "int8/per_hidden_channel", "entropy"},
                              {"int8/per_tensor", "int8/per_tensor_static", "mse"}};
  const lm::model model(folder);
  linear_group of_layer;
  for (std::size_t l = 0; l < model.linears().size(); ++l) {
    const bool is_of_same = of_layer.empty() || model.linears()[of_layer.front()].layer == model.linears()[l].layer;
    if (is_of_same && model.is_of_expert(static_cast<index_t>(l))) of_layer.push_back(l);
  }
  engine_options by_one, by_layer, sampled;
  by_layer.expert_groups = {of_layer};
  by_layer.shared_experts = true;
  by_layer.output_errors = true;
  sampled.cross = cross_term::sampled;
  const lm::packed_rows rows = rows_with(lm::padding::left);
  for (const engine_options& options : {by_one, by_layer, sampled}) {
    const engine_result alone = score(rows, jobs, nullptr, folder, options);
    for (const int n : {2, 5, 13}) {
      const auto all =
          on_ranks(n, [&](common::communicator& ranks) { return score(rows, jobs, &ranks, folder, options); });
      for (const engine_result& found : all) {
        BOOST_TEST((found.calibrations == alone.calibrations), n << " ranks");
        BOOST_TEST((found.scores == alone.scores), n << " ranks");
        BOOST_TEST((found.mse == alone.mse), n << " ranks");
        BOOST_TEST((found.unseen_experts == alone.unseen_experts), n << " ranks");
      }
    }
  }
}

// With ranges of a token, and of a batch, which ranks that share it must not part; int2 leaves rows whose logarithms
// are taken again.
BOOST_AUTO_TEST_CASE(mixes_are_verified_as_by_one_process) {
  compare_verified(model_dir, {"int4/group32", "int8/per_token_dynamic"}, {2, 3, 16});
  compare_verified(model_dir, {"int8/per_tensor", "int4/per_tensor_dynamic"}, {2, 4});
  compare_verified(model_dir, {"int2/per_tensor", "int2/per_tensor_dynamic"}, {2, 3});
  compare_verified(source_dir / "tests/data/scores/qwen3-moe-captions", {"int4/group32", "int8/per_tensor_dynamic"},
                   {2, 5});
}
