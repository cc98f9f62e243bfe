// A composed configuration as typed settings: what each key becomes, and the sentences that name it.
#include <common/json.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/scratch_folder.hpp>
#include <sweep/settings/composed_pair.hpp>
#include <sweep/settings/job_settings.hpp>
#include <sweep/settings/quantization_settings.hpp>
#include <sweep/settings/recipe_list_settings.hpp>
#include <sweep/settings/runner_settings.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>
#include <string_view>
#include <variant>

namespace json = boost::json;
using namespace qgrain::sweep;

namespace {

json::object shipped(const std::string& file) {
  json::object part = qgrain::common::read_json_object(qgrain::test::source_path("conf/" + file + ".json"));
  for (const char* key : {"@package", "defaults"}) part.erase(key);
  return part;
}

// What composing makes of the shipped files, with one key changed: "a.b" or "a".
json::object config_with(std::string_view key = {}, const json::value& value = {}) {
  json::object config = shipped("config");
  config["model"] = {{"name", "m"}, {"path", "models/m"}};
  config["dataset"] = {{"name", "captions"},
                       {"size", "small"},
                       {"root", nullptr},
                       {"captions_path", "captions.txt"},
                       {"padding", "left"},
                       {"calib_seq_len", 64},
                       {"max_calib_samples", nullptr},
                       {"size_to_max_samples", {{"small", 16}, {"large", 512}}}};
  config["quant_pair"] = shipped("quant_pair/wfp4_afp8");
  config["quant_format"] = nullptr;
  config["quant_granularity"] = shipped("quant_granularity/w_group64");
  config["calibration"] = shipped("calibration/by_format");
  config["autoquant"] = shipped("autoquant/gradient_default");
  config["output_layout"] = shipped("output_layout/tmp");
  if (const auto dot = key.find('.'); dot != std::string_view::npos) {
    config[key.substr(0, dot)].as_object()[key.substr(dot + 1)] = value;
  } else if (!key.empty()) {
    config[key] = value;
  }
  return config;
}

template <class Read>
std::string sentence(const Read& read, std::string_view key, const json::value& value) {
  try {
    static_cast<void>(read(config_with(key, value)));
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_job_is_what_its_configuration_says) {
  const job_settings job = job_settings_of(config_with());
  BOOST_TEST(job.pair == "wfp4_afp8");
  BOOST_TEST(job.granularity.name == "w_group64");
  BOOST_TEST(job.granularity.overrides.contains("*weight_quantizer"));
  BOOST_TEST((job.rules == compat::qgrain));
  BOOST_TEST(job.scheme.name == "wfp4_afp8_autoquant_lm");
  BOOST_TEST(job.scheme.coverage_mode == "lm_only");
  BOOST_TEST(job.dataset.size.value() == "small");
  BOOST_TEST(!job.dataset.root.has_value());
  BOOST_TEST(job.dataset.is_padded);
  BOOST_TEST(job.dataset.sequence_length == 64);
  BOOST_TEST(job.dataset.samples.value() == 16);
  BOOST_TEST(job.scoring.model_path == "models/m");
  BOOST_TEST(job.scoring.cross_term == "exact");
  BOOST_TEST(!job.scoring.threads.has_value());
  BOOST_TEST((job.autoquant.method == score_method::gradient));
  BOOST_TEST(job_settings_of(config_with("dataset.max_calib_samples", 3)).dataset.samples.value() == 3);
  BOOST_TEST(job_settings_of(config_with("runner.threads", 2)).scoring.threads.value() == 2);
}

BOOST_AUTO_TEST_CASE(the_sentences_of_a_job_name_the_key) {
  const auto refusal = [](std::string_view key, const json::value& value) {
    return sentence(job_settings_of, key, value);
  };
  BOOST_TEST(refusal("compat", "other") == "compat: must be qgrain or modelopt, not other");
  BOOST_TEST(refusal("dataset.padding", "right") == "dataset.padding: must be left or none, not right");
  BOOST_TEST(refusal("dataset.calib_seq_len", 0) == "dataset.calib_seq_len: must be at least 1, not 0");
  BOOST_TEST(refusal("dataset.size", "huge") == "dataset.size: no size is called huge; there are small, large");
  BOOST_TEST(refusal("autoquant.batch_size", -1) == "autoquant.batch_size: must be at least 1, not -1");
  BOOST_TEST(refusal("autoquant.device", "cuda") == "autoquant.device: must be cpu, not cuda");
  BOOST_TEST(refusal("runner.threads", 0) == "runner.threads: must be at least 1, not 0");
  BOOST_TEST(refusal("model.path", nullptr) == "model.path must be text, but is null");
}

BOOST_AUTO_TEST_CASE(how_a_pair_is_quantized) {
  const quantization_settings own = quantization_of(config_with());
  BOOST_TEST(own.pair == "wfp4_afp8");
  BOOST_TEST(!own.own_format.has_value());
  BOOST_TEST(!own.rules.algorithm.has_value());
  BOOST_TEST((quantization_of(config_with("calibration.algorithm", "none")).rules.algorithm == json::value()));
  BOOST_TEST((quantization_of(config_with("calibration.algorithm", "mse")).rules.algorithm == json::value("mse")));
  BOOST_TEST(quantization_of(config_with("quant_format", json::object{{"quant_cfg", nullptr}})).own_format.has_value());
  BOOST_TEST(sentence(quantization_of, "calibration.algorithm", "gptq") ==
             "calibration.algorithm: must be by_format, none or one of max, percentile, mse, entropy, smoothquant, "
             "awq_lite, not gptq");
}

BOOST_AUTO_TEST_CASE(the_pair_that_is_stored) {
  json::object config = config_with();
  settle_pair(config);
  BOOST_TEST(config == config_with());
  config["compat"] = "modelopt";
  config["quant_pair"].as_object()["modelopt_format_name"] = "THEIRS";
  settle_pair(config);
  BOOST_TEST(quantization_of(config).base_format == "THEIRS");
  config["autoquant"].as_object()["formats"] = {"wint4_afp16", "FP8_DEFAULT_CFG"};
  settle_pair(config);
  BOOST_TEST(job_settings_of(config).pair == "mixed");
  BOOST_TEST(!config.at("quant_pair").as_object().contains("format_name"));
  put_format_as_pair(config, "FP8_DEFAULT_CFG");
  BOOST_TEST(quantization_of(config).base_format == "FP8_DEFAULT_CFG");
  BOOST_TEST(quantization_of(config).pair == "FP8_DEFAULT_CFG");
}

BOOST_AUTO_TEST_CASE(lists_of_recipes) {
  BOOST_TEST(!has_recipe_list(config_with()));
  const json::value entries{"a:b", {"c", "d"}, {{"weight", "e"}, {"activation", "f"}, {"calibration", "mse"}}};
  const recipe_list_settings list = recipe_list_of(config_with("jobs", entries));
  BOOST_TEST_REQUIRE(list.entries.size() == 3U);
  BOOST_TEST(std::get<std::string>(list.entries[0]) == "a:b");
  BOOST_TEST((std::get<recipe_pair>(list.entries[1]) == recipe_pair{"c", "d", "max"}));
  BOOST_TEST((std::get<recipe_pair>(list.entries[2]) == recipe_pair{"e", "f", "mse"}));
  BOOST_TEST(!list.dataset.samples.has_value());
  BOOST_TEST(recipe_list_of(config_with("jobs", "a:b:max")).entries.size() == 1U);
  const qgrain::test::scratch_folder folder;
  const std::string file = (folder.path / "jobs.json").string();
  std::ofstream(file) << R"(["a:b", ["c", "d"]])";
  BOOST_TEST(recipe_list_of(config_with("jobs", json::value(file))).entries.size() == 2U);
  BOOST_TEST(sentence(recipe_list_of, "jobs", 3) == "jobs: a list or the path of a JSON file is expected");
  BOOST_TEST(sentence(recipe_list_of, "jobs", {"a:b", 7}) == "jobs: entry 2 is no pair of recipe names");
}

BOOST_AUTO_TEST_CASE(the_runner) {
  BOOST_TEST(!runner_of(config_with()).report_only);
  BOOST_TEST(!runner_of(config_with()).skip_illegal);
  BOOST_TEST(runner_of(config_with("runner.on_illegal", "skip")).skip_illegal);
  BOOST_TEST(!runner_of(config_with()).recompute_stale);
  BOOST_TEST(runner_of(config_with("runner.stale", "recompute")).recompute_stale);
  BOOST_TEST(sentence(runner_of, "runner.stale", "anew") == "runner.stale: must be refuse or recompute, not anew");
  BOOST_TEST(runner_of(config_with("runner.checkpoint_seconds", 0)).checkpoint_seconds == 0.0);
  BOOST_TEST(sentence(runner_of, "runner.on_illegal", "ignore") ==
             "runner.on_illegal: must be fail or skip, not ignore");
  BOOST_TEST(sentence(runner_of, "runner.checkpoint_seconds", -1) == "runner.checkpoint_seconds: must not be negative");
}
