// A mix of recipes over the whole model: identities, the definitions from logits, files and what they are refused for.
#include <engine/engine_support.hpp>
#include <engine/measure/verification.hpp>
#include <engine/mix/mix.hpp>
#include <engine/mix/mix_override.hpp>
#include <lm/generate.hpp>
#include <lm/pass.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;
using lm::testing::expect_error;

recipe_mix parsed(const std::string& text) {
  return parse_mix(qgrain::common::parse_json(text, "mix.json"), "mix.json", tiny());
}

recipe_mix uniform(const std::string& weight, const std::string& activation) {
  boost::json::object linears;
  for (const lm::linear_info& l : tiny().linears())
    linears[l.name] = boost::json::object{{"weight", weight}, {"activation", activation}};
  return parse_mix(boost::json::object{{"linears", linears}}, "mix", tiny());
}

std::vector<float> logits_of(lm::layer_pass& pass, index_t rows) {
  const index_t vocabulary = tiny().config().vocabulary;
  std::vector<float> all(static_cast<std::size_t>(rows * vocabulary));
  pass.logits([&](index_t row, index_t output, lm::const_matrix slab) {
    lm::as_matrix(all.data(), rows, vocabulary).block(row, output, slab.rows(), slab.cols()) = slab;
  });
  return all;
}

// A copy of the model in f32 with every weight under its recipe, through the simplest call of the library.
void write_quantized_model(const std::filesystem::path& folder, const recipe_mix& mix) {
  boost::json::value config = qgrain::common::read_json_file(model_dir / "config.json");
  config.as_object()["tie_word_embeddings"] = false;
  std::ofstream(folder / "config.json") << config;
  const lm::safetensors_file original(model_dir / "model.safetensors");
  std::vector<lm::tensor_plan> plan;
  for (const lm::tensor_info& t : original.tensors()) plan.push_back({t.name, lm::dtype::f32, t.shape});
  const bool has_head = std::any_of(plan.begin(), plan.end(), [](const auto& t) { return t.name == "lm_head.weight"; });
  if (!has_head) plan.push_back({"lm_head.weight", lm::dtype::f32, {1024, 128}});
  lm::safetensors_writer writer(folder / "model.safetensors", plan);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const bool is_new = plan[i].name == "lm_head.weight" && !has_head;
    std::vector<float> values = lm::testing::floats_of(original, is_new ? "model.embed_tokens.weight" : plan[i].name);
    for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
      const lm::linear_info& linear = tiny().linears()[l];
      if (plan[i].name != linear.name + ".weight" || !mix.linears[l].weight) continue;
      const fake_recipe& recipe = *mix.linears[l].weight;
      const matrix_view<const float> in{values.data(), {linear.out, linear.in}, linear.in};
      const std::vector<float> ranges = absmax_ranges(recipe, in);
      fake_quantize(recipe, in, {values.data(), {linear.out, linear.in}, linear.in}, ranges);
    }
    writer.write_elements<float>(i, 0, values);
  }
  writer.finish();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_mix_without_recipes_changes_nothing) {
  thread_pool pool(2);
  for (const std::string path : {"driver", "plain"}) {
    const lm::packed_rows rows = rows_of(captions("captions_small.txt"), path);
    const mix_report report = verify_mix(tiny(), rows, uniform("fp16", "fp16"), pool);
    BOOST_TEST(report.mean_divergence == 0.0);
    BOOST_TEST(report.top1_agreement == 1.0);
    BOOST_TEST(report.loss == report.base_loss);
    lm::layer_pass pass({tiny(), rows, pool});
    pass.forward(lm::layer_pass::keep::last_state);
    BOOST_TEST(std::abs(report.base_loss - pass.loss().mean_over_targets) <= 1e-7);
  }
}

// The hook computes the same as a checkpoint whose weights were quantized beforehand, to the bit.
BOOST_AUTO_TEST_CASE(weights_of_a_mix_are_those_of_a_quantized_checkpoint) {
  recipe_mix mix = uniform("int4/group32", "fp16");
  mix.linears[3].weight = recipes::find_fake_recipe("int8/per_tensor");
  mix.linears[9].weight = recipes::find_fake_recipe("fp8/tile128x128");
  mix.linears[11].weight = recipes::find_fake_recipe("nvfp4_modelopt");
  mix.linears[15].weight = recipes::find_fake_recipe("int8/per_in_channel");
  mix.linears[20].weight.reset();
  const lm::testing::temporary_folder folder;
  const lm::packed_rows rows = rows_of(captions("captions_small.txt", 6), "driver");
  thread_pool pool(2);
  for (const char* head : {"int8/per_tensor", "int4/per_in_channel", "fp8/per_out_channel"}) {
    mix.linears.back().weight = recipes::find_fake_recipe(head);
    write_quantized_model(folder.path(), mix);
    const lm::model quantized(folder.path());
    lm::layer_pass wanted({quantized, rows, pool, {1 << 20, 300 * 128 * 4, 200 * 300 * 4}});
    wanted.forward(lm::layer_pass::keep::last_state);
    mix_override instead(tiny(), mix, pool);
    lm::layer_pass found({tiny(), rows, pool, {1 << 20, 300 * 128 * 4, 200 * 300 * 4}}, 0, &instead);
    found.forward(lm::layer_pass::keep::last_state);
    BOOST_TEST((logits_of(wanted, rows.rows()) == logits_of(found, rows.rows())), head);
    BOOST_TEST(wanted.loss().mean_over_targets == found.loss().mean_over_targets);
  }
}

// Loss, divergence and agreement from the definitions in double, with static and dynamic activations.
BOOST_AUTO_TEST_CASE(the_report_is_what_the_logits_say) {
  thread_pool pool(2);
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  for (const char* activation : {"int8/per_tensor_dynamic", "int4/per_token_dynamic", "fp8/per_tensor_static"}) {
    const recipe_mix mix = calibrated_mix(tiny(), rows, uniform("int4/group64", activation), pool);
    const mix_report report = verify_mix(tiny(), rows, mix, pool);
    lm::layer_pass base({tiny(), rows, pool});
    base.forward(lm::layer_pass::keep::last_state);
    mix_override instead(tiny(), mix, pool);
    lm::layer_pass changed({tiny(), rows, pool}, 0, &instead);
    changed.forward(lm::layer_pass::keep::last_state);
    BOOST_TEST(std::abs(changed.loss().mean_over_targets - report.loss) <= 1e-5);
    const std::vector<float> before = logits_of(base, rows.rows());
    const std::vector<float> after = logits_of(changed, rows.rows());
    double divergence = 0;
    index_t same = 0;
    index_t positions = 0;
    for (const lm::sequence_rows& s : rows.sequences) {
      for (index_t r = s.first_token(); r < s.end(); ++r) {
        const Eigen::Map<const Eigen::ArrayXf> z(before.data() + r * 1024, 1024);
        const Eigen::Map<const Eigen::ArrayXf> q(after.data() + r * 1024, 1024);
        const Eigen::ArrayXd zd = z.cast<double>();
        const Eigen::ArrayXd qd = q.cast<double>();
        const Eigen::ArrayXd log_p = zd - zd.maxCoeff() - std::log((zd - zd.maxCoeff()).exp().sum());
        const Eigen::ArrayXd log_q = qd - qd.maxCoeff() - std::log((qd - qd.maxCoeff()).exp().sum());
        divergence += (log_p.exp() * (log_p - log_q)).sum();
        Eigen::Index a = 0;
        Eigen::Index b = 0;
        z.maxCoeff(&a);
        q.maxCoeff(&b);
        same += a == b ? 1 : 0;
        ++positions;
      }
    }
    BOOST_TEST(report.positions == positions);
    BOOST_TEST(std::abs(report.mean_divergence * static_cast<double>(positions) / divergence - 1) <= 1e-4);
    BOOST_TEST(std::abs(report.top1_agreement - static_cast<double>(same) / static_cast<double>(positions)) <= 1e-12);
    BOOST_TEST(report.loss > report.base_loss);
    BOOST_TEST(std::abs(report.perplexity - std::exp(report.loss)) <= 1e-9);
  }
}

// A batch's own range, over chunks that hold one sequence each: int8 with the range of the whole batch written out for
// the first Linears, whose input is the unquantized model's.
BOOST_AUTO_TEST_CASE(a_dynamic_per_tensor_range_spans_the_batch) {
  thread_pool pool(2);
  const lm::packed_rows rows =
      lm::pack(captions("captions_small.txt", 6), {lm::padding::left, 40, 3, 1021, 1021}, 1024);
  recipe_mix mix = uniform("fp16", "fp16");
  for (std::size_t l = 0; l < 3; ++l) mix.linears[l].activation = recipes::find_fake_recipe("int8/per_tensor_dynamic");
  recipe_mix given = mix;
  for (std::size_t l = 0; l < 3; ++l) given.linears[l].activation = recipes::find_fake_recipe("int8/per_tensor_static");
  const lm::pass_limits small_chunks{1, 1 << 20, 1 << 20};
  mix_override dynamic(tiny(), mix, pool);
  lm::layer_pass found({tiny(), rows, pool, small_chunks}, 0, &dynamic);
  found.forward(lm::layer_pass::keep::last_state);
  const std::vector<float> logits = logits_of(found, rows.rows());
  // One batch at a time with a static range of that batch alone.
  const std::vector<lm::token_ids> texts = captions("captions_small.txt", 6);
  index_t first_row = 0;
  for (std::size_t batch = 0; batch < 2; ++batch) {
    const lm::packed_rows part =
        lm::pack(std::span(texts).subspan(3 * batch, 3), {lm::padding::left, 40, 3, 1021, 1021}, 1024);
    const recipe_mix calibrated = calibrated_mix(tiny(), part, given, pool);
    mix_override fixed(tiny(), calibrated, pool);
    lm::layer_pass wanted({tiny(), part, pool, small_chunks}, 0, &fixed);
    wanted.forward(lm::layer_pass::keep::last_state);
    const std::vector<float> expected = logits_of(wanted, part.rows());
    const std::vector<float> same(logits.begin() + first_row * 1024, logits.begin() + (first_row + part.rows()) * 1024);
    BOOST_TEST(lm::testing::relative_difference(same, expected) <= 1e-5);
    first_row += part.rows();
  }
}

BOOST_AUTO_TEST_CASE(threads_do_not_change_a_bit) {
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), "driver");
  const recipe_mix mix = uniform("int4/group128", "int8/per_tensor_dynamic");
  thread_pool one(1);
  const mix_report wanted = verify_mix(tiny(), rows, mix, one);
  for (const int threads : {2, 3}) {
    thread_pool pool(threads);
    const mix_report found = verify_mix(tiny(), rows, mix, pool);
    BOOST_TEST(found.loss == wanted.loss);
    BOOST_TEST(found.mean_divergence == wanted.mean_divergence);
    BOOST_TEST(found.top1_agreement == wanted.top1_agreement);
  }
}

BOOST_AUTO_TEST_CASE(text_is_generated_by_the_mix) {
  thread_pool pool(2);
  const lm::token_ids prompt = captions("captions_small.txt", 1)[0];
  const lm::token_ids start(prompt.begin(), prompt.begin() + 8);
  const recipe_mix nothing = uniform("fp16", "fp16");
  mix_override plain(tiny(), nothing, pool);
  BOOST_TEST(lm::generate(tiny(), start, 6, pool, &plain) == lm::generate(tiny(), start, 6, pool));
  const recipe_mix coarse = uniform("int2/per_tensor", "int8/per_token_dynamic");
  mix_override broken(tiny(), coarse, pool);
  BOOST_TEST(lm::generate(tiny(), start, 6, pool, &broken) != lm::generate(tiny(), start, 6, pool));
}

BOOST_AUTO_TEST_CASE(faults_of_a_file_are_named_all_at_once) {
  expect_error(errc::unknown_name, {"mix.json", "model.layers.0.self_attn.q_prj", "model.layers.0.self_attn.q_proj"},
               [] { parsed(R"({"linears": {"model.layers.0.self_attn.q_prj": {"weight": "int8/per_tensor"}}})"); });
  expect_error(errc::unknown_name, {"lm_head", "int8/per_tensr", "int8/per_tensor", "activaton", "activation"},
               [] { parsed(R"({"linears": {"lm_head": {"weight": "int8/per_tensr", "activaton": "fp16"}}})"); });
  expect_error(errc::invalid_shape, {"lm_head", "per_token_dynamic", "is for activations"},
               [] { parsed(R"({"linears": {"lm_head": {"weight": "int8/per_token_dynamic"}}})"); });
  expect_error(errc::invalid_shape, {"lm_head", "256", "128"},
               [] { parsed(R"({"linears": {"lm_head": {"weight": "int8/group256"}}})"); });
  expect_error(errc::bad_file, {"input_amax", "128"},
               [] { parsed(R"({"linears": {"lm_head": {"input_amax": [1, 2]}}})"); });
  expect_error(errc::bad_file, {"linears"}, [] { parsed(R"({"layers": {}})"); });
  thread_pool pool(1);
  const recipe_mix no_range =
      parsed(R"({"linears": {"lm_head": {"weight": "int8/per_tensor", "activation": "int8/per_tensor_static"}}})");
  expect_error(errc::invalid_argument, {"int8/per_tensor_static", "lm_head", "input_amax"},
               [&] { mix_override(tiny(), no_range, pool); });
  const recipe_mix with_range =
      parsed(R"({"linears": {"lm_head": {"activation": "int8/per_tensor_static", "input_amax": 3.5}}})");
  BOOST_TEST(missing_ranges(with_range, tiny()).empty());
  BOOST_TEST(with_range.input_amax.back().at(0) == 3.5F);
}
