#include <common/file.hpp>
#include <common/json_text.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/scratch_folder.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <limits>
#include <string>

namespace json = boost::json;
namespace fs = std::filesystem;
using namespace qgrain::sweep;
using qgrain::test::scratch_folder;

namespace {

job_result sample() {
  const layer_list layers{{"a.q_proj", "a.k_proj", "a.o_proj", "lm_head"}, {4, 2, 8, 16}};
  job_result job;
  job.scheme = {{"name", "wfp8_afp8_autoquant_lm"}, {"auto_quantize_bits", 8.0}};
  job.model_id = "models/m";
  for (const auto& name : layers.names) job.layers.emplace_back(name, "Linear");
  job.candidates = candidate_table(layers, {{"F", 0.5, "", {0.1, 0.2, 0.5, 0.3}}}, {});
  job.outcome = search_bits(job.candidates, 12);
  job.dataset = {{"name", "captions"}, {"max_calib_samples", nullptr}, {"num_calib_samples", 16}};
  job.quantization = {{"base_format_name", "FP8_DEFAULT_CFG"}};
  job.linear_scores = {{"a.q_proj", 0.1}, {"a.k_proj", 0.2}, {"a.o_proj", 0.5}, {"lm_head", 0.3}};
  job.input_amax = {{"a.q_proj", 1.5}};
  job.recipes = {{"weight", {{"name", "fp8/per_tensor"}}}};
  job.model_fingerprint = "abc";
  job.program_version = "0.1.0";
  return job;
}

std::string keys_of(const json::object& object) {
  std::string text;
  for (const auto& entry : object) text += std::string(entry.key()) + " ";
  return text;
}

std::string sentence_of(const fs::path& path) {
  try {
    (void)read_manifest(path);
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(keys_and_their_order) {
  const json::object manifest = make_manifest(sample());
  BOOST_TEST(keys_of(manifest) ==
             "scheme model num_quantized_layers layers autoquant_state layer_sensitivity sensitivity_ranking dataset "
             "quantization run_config linear_scores input_amax recipes model_fingerprint program ");
  job_result with_loss = sample();
  with_loss.loss = {{"mean_over_targets", 2.5}};
  BOOST_TEST(keys_of(make_manifest(with_loss)).ends_with(" recipes loss model_fingerprint program "));
  BOOST_TEST(keys_of(manifest.at("layer_sensitivity").at("lm_head.quant_recipe").as_object()) ==
             "formats scores costs importance rank ");
  BOOST_TEST(keys_of(manifest.at("dataset").as_object()) == "name num_calib_samples ");
  BOOST_TEST(manifest.at("num_quantized_layers") == json::value(4U));
  BOOST_TEST((manifest.at("layers").at("lm_head") == json::value{{"quantized", true}, {"module_type", "Linear"}}));
  BOOST_TEST((manifest.at("model") == json::value{{"id", "models/m"}}));
  job_result unnamed = sample();
  unnamed.model_id.clear();
  BOOST_TEST(make_manifest(unnamed).at("model").as_object().empty());
}

BOOST_AUTO_TEST_CASE(ranking_and_choice) {
  const json::object manifest = make_manifest(sample());
  // scores: q and k together 0.3 (as doubles a little more), o 0.5, head 0.3
  std::string order;
  for (const auto& item : manifest.at("sensitivity_ranking").as_array()) order += item.at("name").as_string().subview();
  BOOST_TEST(order == "lm_head.quant_recipea.q_proj.quant_recipea.o_proj.quant_recipe");
  BOOST_TEST(manifest.at("layer_sensitivity").at("a.o_proj.quant_recipe").at("rank") == json::value(3));
  // 12 of 16 bits: half of the 30 weights' bytes may go; the head alone does it at the least score
  const auto& state = manifest.at("autoquant_state").as_object();
  BOOST_TEST(state.at("recipe").at("lm_head.quant_recipe") == "F(effective-bits: 8.0)");
  BOOST_TEST(state.at("recipe").at("a.o_proj.quant_recipe") == "NONE(effective-bits: 16.0)");
  BOOST_TEST(state.at("score").as_double() == 0.3);
  BOOST_TEST(state.at("constraints").at("effective_bits").as_double() == 16.0 * (8 + 14) / 30);
}

BOOST_AUTO_TEST_CASE(written_and_read_back) {
  const scratch_folder scratch;
  const json::object manifest = make_manifest(sample());
  const auto path = scratch.path / "s_quant_manifest.json";
  qgrain::common::write_text_file(path, qgrain::common::json_text(manifest));
  BOOST_TEST((read_manifest(path) == manifest));
  qgrain::common::write_text_file(path, "{}");
  BOOST_TEST(qgrain::test::file_text(path) == "{}");
  BOOST_TEST(std::distance(fs::directory_iterator(scratch.path), fs::directory_iterator()) == 1);
  BOOST_TEST(((fs::status(path).permissions() & fs::perms::others_read) != fs::perms::none));
}

BOOST_AUTO_TEST_CASE(nothing_is_left_behind_where_writing_fails) {
  const scratch_folder scratch;
  BOOST_CHECK_EXCEPTION(qgrain::common::write_text_file(scratch.path / "none" / "x", "1"), qgrain::error,
                        [](const qgrain::error& e) { return e.code() == qgrain::errc::io_failure; });
  fs::create_directories(scratch.path / "occupied" / "inner");
  BOOST_CHECK_THROW(qgrain::common::write_text_file(scratch.path / "occupied", "1"), qgrain::error);
  BOOST_TEST(std::distance(fs::directory_iterator(scratch.path), fs::directory_iterator()) == 1);
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_manifest) {
  const scratch_folder scratch;
  const auto path = scratch.path / "m.json";
  BOOST_TEST(sentence_of(path) == path.string() + ": the file cannot be opened for reading");
  qgrain::common::write_text_file(path, "{\"scheme\": {}, \"autoquant_state\": 1}");
  BOOST_TEST(sentence_of(path) ==
             "the manifest " + path.string() + " lacks the mappings autoquant_state, layer_sensitivity");
  qgrain::common::write_text_file(path, "[1]");
  BOOST_TEST(sentence_of(path) == path.string() + ": the document must be an object, not [1]");
  qgrain::common::write_text_file(path, "{\"scheme\": {}");
  BOOST_TEST(sentence_of(path).starts_with(path.string() + ": not valid JSON at line 1, "));
}

BOOST_AUTO_TEST_CASE(a_manifest_of_another_model) {
  const json::object manifest = make_manifest(sample());
  BOOST_CHECK_NO_THROW(check_manifest_model(manifest, "abc"));
  BOOST_CHECK_EXCEPTION(check_manifest_model(manifest, "xyz"), qgrain::error, [](const qgrain::error& e) {
    const std::string text = e.what();
    return text.find("abc") != std::string::npos && text.find("xyz") != std::string::npos;
  });
  BOOST_CHECK_NO_THROW(check_manifest_model({}, "abc"));
}

BOOST_AUTO_TEST_CASE(numbers_that_json_cannot_hold) {
  job_result job = sample();
  job.linear_scores[0].second = std::numeric_limits<double>::quiet_NaN();
  BOOST_CHECK_THROW((void)qgrain::common::json_text(make_manifest(job)), qgrain::error);
}
