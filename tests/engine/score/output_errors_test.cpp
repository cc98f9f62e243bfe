// Errors of outputs and weights against plain definitions in double.
#include <engine/calibrate/ranges.hpp>
#include <engine/engine_support.hpp>
#include <engine/score/additive_scores.hpp>
#include <engine/score/checkpoint.hpp>
#include <engine/score/fisher.hpp>
#include <engine/score/weight_errors.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;

const std::vector<job> jobs{{"int4/group32", "fp16"},
                            {"fp16", "int8/per_token_dynamic"},
                            {"mxfp4_rceil", "fp8/group32"},
                            {"int8/per_in_channel", "int4/per_token_dynamic"},
                            {"fp16", "fp16"}};

// A whole weight through the simplest call of the library.
std::vector<float> under(const std::string& recipe, const std::vector<float>& values, index_t rows, index_t cols) {
  std::vector<float> out = values;
  if (recipe == "fp16") return out;
  const fake_recipe r = recipes::find_fake_recipe(recipe);
  const matrix_view<const float> in{values.data(), {rows, cols}, cols};
  fake_quantize(r, in, {out.data(), {rows, cols}, cols}, absmax_ranges(r, in));
  return out;
}

std::vector<float> values_of(lm::const_matrix m) {
  std::vector<float> values;
  for (index_t r = 0; r < m.rows(); ++r) values.insert(values.end(), m.row(r).begin(), m.row(r).end());
  return values;
}

// Sums of squared errors and outputs by the definition, from what the backward pass shows.
class definition final : public lm::backward_visitor {
 public:
  struct sums {
    double error = 0;
    double signal = 0;
    double outputs = 0;
  };
  std::map<std::pair<std::size_t, index_t>, sums> of;  // job, Linear

  void visit(const lm::linear_sample& sample) override {
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      const index_t in = sample.x.cols();
      const std::vector<float> x = under(jobs[j].activation, values_of(sample.x), sample.x.rows(), in);
      for (const lm::linear_output& o : sample.outputs) {
        const std::vector<float> w = under(jobs[j].weight, values_of(o.weight), o.weight.rows(), in);
        sums& sum = of[{j, o.linear}];
        for (index_t r = 0; r < sample.x.rows(); ++r) {
          bool counts = false;
          for (const lm::linear_output& any : sample.outputs) counts = counts || !any.gradient.row(r).isZero(0);
          for (index_t c = 0; c < o.weight.rows() && counts; ++c) {
            double y = 0;
            for (index_t i = 0; i < in; ++i)
              y += static_cast<double>(x[static_cast<std::size_t>(r * in + i)]) *
                   w[static_cast<std::size_t>(c * in + i)];
            const double plain = o.y(r, c);
            sum.error += (y - plain) * (y - plain);
            sum.signal += plain * plain;
            sum.outputs += 1;
          }
        }
      }
    }
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(output_errors_follow_their_definition) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 3), "driver");
  thread_pool pool(2);
  definition wanted;
  lm::layer_pass pass({tiny(), rows, pool});
  pass.forward(lm::layer_pass::keep::all_states);
  static_cast<void>(pass.loss());
  pass.backward(wanted);

  engine_options options;
  options.output_errors = true;
  const engine_result found = score_jobs(tiny(), rows, jobs, pool, options);
  options.output_errors = false;
  const engine_result without = score_jobs(tiny(), rows, jobs, pool, options);
  BOOST_TEST((found.scores == without.scores));
  BOOST_TEST(without.mse.empty());
  BOOST_TEST_REQUIRE(found.mse.size() == jobs.size());
  for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
    for (std::size_t j = 0; j + 1 < jobs.size(); ++j) {
      const definition::sums& sum = wanted.of.at({j, static_cast<index_t>(l)});
      const std::string what = jobs[j].weight + " " + jobs[j].activation + " " + tiny().linears()[l].name;
      BOOST_TEST(found.scored_outputs[l] == sum.outputs, what);
      // Outputs are sums in f32: their error is that of the products, not of the mean.
      BOOST_TEST(std::abs(found.mse[j][l] / (sum.error / sum.outputs) - 1) <= 1e-4, what << " " << found.mse[j][l]);
      BOOST_TEST(std::abs(found.sqnr_db[j][l] - 10 * std::log10(sum.signal / sum.error)) <= 1e-3, what);
    }
    BOOST_TEST(found.mse.back()[l] == 0.0);
    BOOST_TEST(found.sqnr_db.back()[l] == std::numeric_limits<double>::infinity());
  }
}

// Small pieces: slabs of the head, chunks, one weight variant at a time, stopped now and then.
BOOST_AUTO_TEST_CASE(output_errors_go_on_to_the_same_bits) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 6), "driver");
  const lm::testing::temporary_folder folder;
  engine_options options;
  options.limits = {1 << 20, 300 * 128 * 4, 100 * 300 * 4};
  options.variant_bytes = 1;
  options.output_errors = true;
  thread_pool pool(1);
  const engine_result wanted = score_jobs(tiny(), rows, jobs, pool, options);
  for (const int threads : {2, 3}) {
    thread_pool more(threads);
    const engine_result found = score_jobs(tiny(), rows, jobs, more, options);
    BOOST_TEST((found.mse == wanted.mse));
    BOOST_TEST((found.sqnr_db == wanted.sqnr_db));
  }
  options.checkpoint = folder.path() / "state";
  options.checkpoint_seconds = 0;
  std::size_t lines = 0;
  std::size_t limit = 0;
  options.log = [&](const std::string& line) { lines += line.starts_with("scored") ? 1U : 0U; };
  options.stop_requested = [&] { return lines >= limit; };
  std::optional<engine_result> found;
  int runs = 0;
  for (; !found && runs < 1000; ++runs) {
    limit = lines + 17;
    try {
      found = score_jobs(tiny(), rows, jobs, pool, options);
    } catch (const interrupted&) {
    }
  }
  BOOST_TEST(runs > 5);
  BOOST_TEST_REQUIRE(found.has_value());
  BOOST_TEST((found->scores == wanted.scores));
  BOOST_TEST((found->mse == wanted.mse));
  BOOST_TEST((found->sqnr_db == wanted.sqnr_db));
  BOOST_TEST((found->scored_outputs == wanted.scored_outputs));
  // A state without errors is not taken for one with them.
  options.stop_requested = {};
  options.output_errors = false;
  static_cast<void>(score_jobs(tiny(), rows, jobs, pool, options));
  options.output_errors = true;
  BOOST_TEST((score_jobs(tiny(), rows, jobs, pool, options).mse == wanted.mse));
}

BOOST_AUTO_TEST_CASE(fisher_scores_have_the_same_output_errors) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 3), "plain");
  thread_pool pool(2);
  engine_options options;
  options.output_errors = true;
  const engine_result plain = score_jobs(tiny(), rows, jobs, pool, options);
  const engine_result fisher = fisher_scores(tiny(), rows, jobs, pool, options, {5, 2});
  BOOST_TEST((plain.mse == fisher.mse));
  BOOST_TEST((plain.sqnr_db == fisher.sqnr_db));
}

BOOST_AUTO_TEST_CASE(output_errors_need_the_exact_cross_term) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 1), "plain");
  thread_pool pool(1);
  engine_options options;
  options.output_errors = true;
  for (const cross_term mode : {cross_term::sampled, cross_term::neglect}) {
    options.cross = mode;
    expect_error(errc::invalid_argument, {"mse", "sqnr_db", "exact"},
                 [&] { static_cast<void>(score_jobs(tiny(), rows, jobs, pool, options)); });
  }
}

BOOST_AUTO_TEST_CASE(weight_errors_follow_their_definition) {
  const std::vector<job> recipes{{"int4/group128", "fp16"},          {"int4/group128", "int8/per_token_dynamic"},
                                 {"fp16", "int8/per_tensor_static"}, {"int8/per_in_channel", "fp16"},
                                 {"fp8/tile128x128", "fp16"},        {"nvfp4_modelopt", "fp16"},
                                 {"int3/per_tensor", "fp16"}};
  thread_pool pool(2);
  const auto found = weight_errors(tiny(), recipes, pool);
  BOOST_TEST_REQUIRE(found.size() == recipes.size());
  const lm::safetensors_file file(model_dir / "model.safetensors");
  for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
    const lm::linear_info& linear = tiny().linears()[l];
    // The head is tied to the embedding.
    const bool is_head = l + 1 == tiny().linears().size();
    const std::vector<float> w =
        lm::testing::floats_of(file, is_head ? "model.embed_tokens.weight" : linear.name + ".weight");
    for (std::size_t j = 0; j < recipes.size(); ++j) {
      const std::vector<float> q = under(recipes[j].weight, w, linear.out, linear.in);
      double sum = 0;
      for (std::size_t i = 0; i < w.size(); ++i)
        sum += (static_cast<double>(q[i]) - w[i]) * (static_cast<double>(q[i]) - w[i]);
      const double wanted = sum / static_cast<double>(w.size());
      BOOST_TEST(std::abs(found[j][l] - wanted) <= 1e-6 * wanted, recipes[j].weight << " " << linear.name);
      BOOST_TEST((wanted == 0) == (recipes[j].weight == "fp16"));
    }
  }
  thread_pool three(3);
  BOOST_TEST((weight_errors(tiny(), recipes, three) == found));
  // Slabs of the head are sums of their own.
  const auto slabs = weight_errors(tiny(), recipes, pool, {1 << 20, 256 * 128 * 4, 1 << 20});
  for (std::size_t j = 0; j < recipes.size(); ++j)
    BOOST_TEST(std::abs(slabs[j].back() - found[j].back()) <= 1e-12 * found[j].back());
  expect_error(errc::invalid_shape, {"int8/per_token_dynamic", "is for activations"}, [&] {
    const std::vector<job> bad{{"int8/per_token_dynamic", "fp16"}};
    static_cast<void>(weight_errors(tiny(), bad, pool));
  });
}

BOOST_AUTO_TEST_CASE(errors_become_scores_that_add_up) {
  const std::vector<double> counts{10, 3};
  BOOST_TEST((squared_errors({{1, 2}, {0, 0.5}}, counts) == std::vector<std::vector<double>>{{10, 6}, {0, 1.5}}));
  const auto ratios = noise_to_signal({{10, -20, std::numeric_limits<double>::infinity()}});
  BOOST_TEST(std::abs(ratios[0][0] - 0.1) <= 1e-15);
  BOOST_TEST(std::abs(ratios[0][1] - 100) <= 1e-12);
  BOOST_TEST(ratios[0][2] == 0.0);
}
