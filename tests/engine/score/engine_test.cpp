// Promises of the scoring engine: definition, repeatability, work, and what it refuses before any work.
#include <engine/engine_support.hpp>
#include <support/score_agreement.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;

const std::vector<job> some_jobs{{"int8/per_tensor", "fp16"},
                                 {"fp16", "int8/per_token_dynamic"},
                                 {"int4/group32", "int8/per_tensor_dynamic"},
                                 {"mxfp4_rceil", "fp8/per_tensor_static"},
                                 {"nvfp4_modelopt", "int4/per_hidden_channel"},
                                 {"fp8/tile128x128", "fp8/group32"},
                                 {"int8/per_in_channel", "fp8/per_token_dynamic"}};

bool same_bytes(const engine_result& a, const engine_result& b) {
  for (std::size_t j = 0; j < a.scores.size(); ++j) {
    if (std::memcmp(a.scores[j].data(), b.scores[j].data(), a.scores[j].size() * sizeof(double)) != 0) return false;
  }
  return a.input_amax == b.input_amax && a.model_fingerprint == b.model_fingerprint;
}

// A round number to the nearest integer, ties to even, and the ModelOpt integer quantizer, written out.
double int8_per_range(double x, double range) {
  const auto s = static_cast<double>(127.0F / static_cast<float>(range));
  const double scaled = static_cast<double>(static_cast<float>(x * s));
  const double q = std::min(127.0, std::max(-128.0, std::nearbyint(scaled)));
  return static_cast<double>(static_cast<float>(q / s));
}

}  // namespace

// The score of one job computed from the samples by its definition, in double, with the range of each batch found here.
BOOST_AUTO_TEST_CASE(dynamic_per_tensor_range_is_that_of_the_batch) {
  const std::vector<lm::token_ids> texts = captions("captions_small.txt", 6);
  const lm::packed_rows rows = lm::pack(texts, {lm::padding::left, 40, 2, 1021, 1021}, 1024);
  thread_pool pool(2);
  engine_options options;
  options.limits.chunk_bytes = 1;  // every sequence is a chunk of its own: the range must still span the batch
  options.limits.slab_bytes = 200 * 128 * 4;
  const std::vector<job> jobs{{"fp16", "int8/per_tensor_dynamic"}};
  const engine_result found = score_jobs(tiny(), rows, jobs, pool, options);

  lm::layer_pass pass({tiny(), rows, pool, options.limits});
  pass.forward(lm::layer_pass::keep::all_states);
  static_cast<void>(pass.loss());
  lm::testing::sample_collector samples(tiny(), rows.rows());
  pass.backward(samples);
  for (std::size_t l = 0; l + 1 < tiny().linears().size(); ++l) {  // the head shows rows with targets only
    const auto& data = samples.linears[l];
    std::vector<double> range(static_cast<std::size_t>(rows.batches()), 0.0);
    for (const lm::sequence_rows& s : rows.sequences) {
      for (index_t i = s.begin * data.in; i < s.end() * data.in; ++i) {
        double& r = range[static_cast<std::size_t>(s.batch)];
        r = std::max(r, std::abs(static_cast<double>(data.x[static_cast<std::size_t>(i)])));
      }
    }
    lm::buffer weight(data.out * data.in);
    tiny().tensors().read(tiny().linears()[l].name + ".weight", 0, weight.all());
    const Eigen::MatrixXd w = weight.view(data.out, data.in).cast<double>();
    double score = 0;
    for (const lm::sequence_rows& s : rows.sequences) {
      for (index_t r = s.begin; r < s.end(); ++r) {
        Eigen::VectorXd error(data.in);
        for (index_t i = 0; i < data.in; ++i) {
          const auto x = static_cast<double>(data.x[static_cast<std::size_t>(r * data.in + i)]);
          error(i) = int8_per_range(x, range[static_cast<std::size_t>(s.batch)]) - x;
        }
        const Eigen::VectorXd d = w * error;
        for (index_t o = 0; o < data.out; ++o) {
          const double g = static_cast<double>(data.gradient[static_cast<std::size_t>(r * data.out + o)]);
          score += g * d(o) * g * d(o);
        }
      }
    }
    BOOST_TEST(std::abs(found.scores[0][l] / score - 1) <= 1e-3,
               tiny().linears()[l].name << " " << found.scores[0][l] << " " << score);
  }
}

BOOST_AUTO_TEST_CASE(threads_and_runs_do_not_change_a_bit) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  engine_options options;
  options.limits = {1 << 20, 300 * 128 * 4, 100 * 300 * 4};
  thread_pool one(1);
  const engine_result wanted = score_jobs(tiny(), rows, some_jobs, one, options);
  for (const int threads : {1, 2, 3}) {
    thread_pool pool(threads);
    BOOST_TEST(same_bytes(wanted, score_jobs(tiny(), rows, some_jobs, pool, options)));
  }
}

// Variants in chunks give the same bits; chunks of rows and slabs of the head change no more than rounding.
BOOST_AUTO_TEST_CASE(memory_limits_do_not_change_the_scores) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "plain");
  thread_pool pool(2);
  const engine_result wanted = score_jobs(tiny(), rows, some_jobs, pool);
  engine_options one_variant;
  one_variant.variant_bytes = 1;
  BOOST_TEST(same_bytes(wanted, score_jobs(tiny(), rows, some_jobs, pool, one_variant)));
  engine_options pieces;
  pieces.limits = {1, 256 * 128 * 4, 16 * 256 * 4};
  const engine_result found = score_jobs(tiny(), rows, some_jobs, pool, pieces);
  // Products of other shapes differ in their last bits, as those of another machine.
  qgrain::testing::score_agreement agreement;
  for (std::size_t j = 0; j < some_jobs.size(); ++j) {
    agreement.add(job_text(some_jobs[j]), qgrain::testing::gradient_score_kind(some_jobs[j].activation),
                  found.scores[j], wanted.scores[j]);
  }
  agreement.check("in pieces");
}

// One bundle of more rows than a product takes at once, so that it is cut.
BOOST_AUTO_TEST_CASE(one_large_bundle_changes_no_more_than_rounding) {
  const lm::packed_rows rows = rows_of(captions("captions_medium.txt", 50), "plain");
  BOOST_TEST_REQUIRE(rows.rows() > 600);
  thread_pool pool(2);
  const engine_result wanted = score_jobs(tiny(), rows, some_jobs, pool);
  engine_options large;
  large.limits.bundle_rows = rows.rows();
  const engine_result found = score_jobs(tiny(), rows, some_jobs, pool, large);
  qgrain::testing::score_agreement agreement;
  for (std::size_t j = 0; j < some_jobs.size(); ++j) {
    agreement.add(job_text(some_jobs[j]), qgrain::testing::gradient_score_kind(some_jobs[j].activation),
                  found.scores[j], wanted.scores[j]);
  }
  agreement.check("in one bundle");
}

// A job's score does not depend on its company, and a job that quantizes nothing is free.
BOOST_AUTO_TEST_CASE(jobs_do_not_touch_each_other) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 8), "driver");
  thread_pool pool(2);
  std::vector<job> jobs = some_jobs;
  jobs.push_back({"fp16", "fp16"});
  const engine_result all = score_jobs(tiny(), rows, jobs, pool);
  for (const double score : all.scores.back()) BOOST_TEST(score == 0.0);
  for (std::size_t j = 0; j < some_jobs.size(); ++j) {
    const engine_result alone = score_jobs(tiny(), rows, {&some_jobs[j], 1}, pool);
    BOOST_TEST(std::memcmp(alone.scores[0].data(), all.scores[j].data(), alone.scores[0].size() * sizeof(double)) == 0);
    BOOST_TEST(alone.costs.scoring_flops * static_cast<double>(some_jobs.size()) == all.costs.scoring_flops);
  }
}

// At most 1.05 (6 + 2 J) N rows matrix-product operations for J jobs with distinct variants over N weights.
BOOST_AUTO_TEST_CASE(work_is_bounded) {
  const lm::packed_rows rows = rows_of(captions("captions_medium.txt"), "driver");
  thread_pool pool(2);
  const engine_result found = score_jobs(tiny(), rows, some_jobs, pool);
  double weights = 0;
  for (const lm::linear_info& l : tiny().linears()) weights += static_cast<double>(l.elements());
  const double bound =
      1.05 * (6 + 2 * static_cast<double>(some_jobs.size())) * weights * static_cast<double>(rows.rows());
  const double done = found.costs.pass.linear_flops + found.costs.pass.attention_flops + found.costs.scoring_flops;
  BOOST_TEST_MESSAGE("matrix-product operations: " << done << ", of it attention " << found.costs.pass.attention_flops
                                                   << "; bound " << bound);
  BOOST_TEST(done <= bound);
  BOOST_TEST(found.costs.scoring_flops >
             0.8 * 2 * static_cast<double>(some_jobs.size()) * weights * static_cast<double>(rows.rows()));
}

// Scores come from the first batches only, ranges from all.
BOOST_AUTO_TEST_CASE(score_batches_limits_the_scores_alone) {
  const std::vector<lm::token_ids> texts = captions("captions_small.txt");
  thread_pool pool(2);
  engine_options options;
  options.score_batches = 1;
  const std::vector<job> jobs{{"int8/per_tensor", "fp16"}};
  const engine_result limited = score_jobs(tiny(), rows_of(texts, "driver"), jobs, pool, options);
  const engine_result all = score_jobs(tiny(), rows_of(texts, "driver"), jobs, pool);
  const engine_result first = score_jobs(tiny(), rows_of({texts.begin(), texts.begin() + 8}, "driver"), jobs, pool);
  BOOST_TEST(limited.loss.batches.size() == 1U);
  BOOST_TEST(limited.input_amax == all.input_amax);
  for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
    BOOST_TEST(std::abs(limited.scores[0][l] / first.scores[0][l] - 1) <= 1e-5);
    BOOST_TEST(limited.scores[0][l] < all.scores[0][l]);
  }
}

BOOST_AUTO_TEST_CASE(bad_jobs_are_refused_all_at_once) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 2), "plain");
  thread_pool pool(1);
  const auto refused = [&](errc code, const std::vector<job>& jobs, const std::vector<std::string>& words) {
    expect_error(code, words, [&] { static_cast<void>(score_jobs(tiny(), rows, jobs, pool)); });
  };
  refused(errc::invalid_argument, {}, {"empty"});
  refused(errc::unknown_name, {{"int8/per_tensr", "fp16"}, {"int4/group32", "fp8/per_tokn"}},
          {"int8/per_tensr", "int8/per_tensor", "fp8/per_tokn"});
  refused(errc::invalid_argument, {{"int8/per_tensor", "fp16"}, {"int4/group32", "fp16"}, {"int8/per_tensor", "fp16"}},
          {"job 3", "int8/per_tensor"});
  refused(errc::invalid_shape, {{"int4/group256", "int8/group200"}},
          {"int4/group256", "256", "128", "int8/group200", "200", "layers.0.self_attn.q_proj"});
  refused(errc::invalid_shape, {{"int8/per_token_dynamic", "int8/tile128x128"}},
          {"per_token_dynamic", "activations", "tile128x128", "weights"});
}

BOOST_AUTO_TEST_CASE(nan_and_infinity_are_named) {
  const lm::testing::temporary_folder folder;
  std::filesystem::copy_file(model_dir / "config.json", folder.path() / "config.json");
  const lm::safetensors_file original(model_dir / "model.safetensors");
  const auto write = [&](const std::map<std::string, float>& poison) {
    std::vector<lm::tensor_plan> plan;
    for (const lm::tensor_info& t : original.tensors()) plan.push_back({t.name, lm::dtype::f32, t.shape});
    lm::safetensors_writer writer(folder.path() / "model.safetensors", plan);
    for (std::size_t i = 0; i < plan.size(); ++i) {
      std::vector<float> values = lm::testing::floats_of(original, plan[i].name);
      if (const auto found = poison.find(plan[i].name); found != poison.end())
        values[values.size() / 2] = found->second;
      writer.write_elements<float>(i, 0, values);
    }
    writer.finish();
  };
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 2), "plain");
  thread_pool pool(2);
  const auto score = [&] {
    const lm::model m(folder.path());
    static_cast<void>(score_jobs(m, rows, some_jobs, pool));
  };
  write({{"model.layers.1.mlp.up_proj.weight", std::nanf("")}, {"model.layers.4.self_attn.k_proj.weight", INFINITY}});
  expect_error(errc::non_finite, {"model.layers.1.mlp.up_proj.weight", "model.layers.4.self_attn.k_proj.weight"},
               score);
  // Finite weights whose product overflows: seen at the first input behind it.
  write({{"model.layers.2.post_attention_layernorm.weight", INFINITY}});
  expect_error(errc::non_finite, {"input of model.layers.2.mlp.gate_proj"}, score);
}
