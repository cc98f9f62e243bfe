// Rows 5, 20, 23 and 27 of tests/data/field: what a sweep refuses before any work, and what it must not fail over after
// all of it.
#include <field/sweep_fixture.hpp>
#include <limits>

using fixture = qgrain::testing::field_fixture;
using qgrain::testing::program_result;
namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* manifest = "_autoquant_lm_quant_manifest.json";

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_CASE(row_5_undefined_rank_correlations_are_null, fixture) {
  const std::vector<std::vector<std::string>> cases{
      {"autoquant.exclude=['model*']", "autoquant.verify=true", "autoquant.study_bits=[16]"},
      {"autoquant.group_rules=['(model)[.].*']", "autoquant.exclude=[lm_head]"}};
  for (std::vector<std::string> more : cases) {
    more.insert(more.begin(), {"quant_pair=wint8_afp16", "autoquant.methods=[kl_div]"});
    complete(more);
    const json::object found = read(std::string("out/wint8_afp16") + manifest);
    for (const json::value& entry : found.at("method_agreement").as_array()) BOOST_TEST(entry.at("spearman").is_null());
    BOOST_TEST(found.at("method_agreement").as_array().size() == 2U);
    BOOST_TEST(has(qgrain::common::read_text_file(path("out/autoquant-report.md")), "kl_div | - |"));
    BOOST_TEST(has(complete(more).out, "1 of 1 jobs were complete already"));
    more.emplace_back("runner.report_only=true");
    complete(more);
    fs::remove_all(path("out"));
  }
}

BOOST_FIXTURE_TEST_CASE(row_5_all_jobs_of_a_multirun_are_written, fixture) {
  complete({"-m", "quant_pair=wint8_afp16", "autoquant.methods=[kl_div]",
            "autoquant.exclude=['model*'],['model.layers.0*']"});
  int manifests = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path("out")))
    manifests += entry.path().string().ends_with(manifest) ? 1 : 0;
  BOOST_TEST(manifests == 2);
}

BOOST_FIXTURE_TEST_CASE(row_5_a_job_that_fails_at_its_end_leaves_the_others, fixture) {
  fs::create_directories(path("out/wint8_afp16/default/small/mix.json"));  // no file can take this name
  const std::vector<std::string> more{"-m", "quant_pair=wint8_afp16,wint4_afp16,wint4_aint8", "dataset.size=small"};
  const program_result result = sweep(more);
  BOOST_TEST(result.exit_code == 1);
  BOOST_TEST((has(result.err, "1 of 3 jobs failed, the others are complete") && has(result.err, "mix.json")),
             result.err);
  fs::remove(path("out/wint8_afp16/default/small/mix.json"));
  BOOST_TEST(has(complete(more).out, "2 of 3 jobs were complete already"));
}

BOOST_FIXTURE_TEST_CASE(row_5_a_batch_with_nothing_to_predict_has_no_mean, fixture) {
  write("texts.txt", "A man riding a horse\nA\nA red bus\nA cat\n");
  complete({"quant_pair=wint8_afp16"});
  const json::object found = read(std::string("out/wint8_afp16") + manifest);
  BOOST_TEST(found.at("loss").at("mean_of_batches").is_null());
  BOOST_TEST(found.at("loss").at("mean_over_targets").is_number());
}

BOOST_FIXTURE_TEST_CASE(row_5_decibels_of_what_did_not_change_are_left_out, fixture) {
  write("texts.txt", "A man riding a horse\nA\nA red bus\nA cat\n");
  complete({"jobs=[int8/per_tensor:fp16,fp16:fp16]", "autoquant.method=sqnr_db"});
  const json::object found = read("out/linear-scores.json");
  BOOST_TEST(found.at("jobs").at(0).at("linear_scores").as_object().size() == 43U);
  BOOST_TEST(found.at("jobs").at(1).at("linear_scores").as_object().empty());
  BOOST_TEST(found.at("losses").at(1).at("loss").is_null());
}

BOOST_FIXTURE_TEST_CASE(row_20_texts_without_anything_to_predict_are_refused_by_the_dry_run_too, fixture) {
  both_refused({"dataset.calib_seq_len=1"}, {"texts.txt", "nothing to predict", "dataset.calib_seq_len=1"});
  both_refused({"dataset.calib_seq_len=1", "jobs=[int8/per_tensor:fp16]"}, {"texts.txt", "nothing to predict"});
  write("texts.txt", "A\nA\nA\nA\n");
  both_refused({"quant_pair=wint8_afp16"}, {"texts.txt", "the longest caption has 1 token"});
  // only the first batch is scored
  write("texts.txt", "A\nA red bus\nA red bus\nA cat\n");
  both_refused({"autoquant.score_size=1"}, {"nothing to predict in the first 1 batches"});
  BOOST_TEST(!fs::exists(path("out")));
}

BOOST_FIXTURE_TEST_CASE(row_20_weights_that_are_not_finite_are_refused_by_the_dry_run_too, fixture) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  change_weights([&](const std::string& name, std::size_t place, float value) {
    return place == 3 && (name == "model.norm.weight" || name == "model.layers.2.mlp.up_proj.weight") ? nan : value;
  });
  both_refused({"quant_pair=wint8_afp16"},
               {"NaN or infinity", "model.norm.weight (1 value)", "model.layers.2.mlp.up_proj.weight (1 value)"});
  both_refused({"jobs=[int8/per_tensor:fp16]"}, {"NaN or infinity", "model.norm.weight (1 value)"});
  BOOST_TEST(!fs::exists(path("out")));
}

BOOST_FIXTURE_TEST_CASE(row_20_two_names_of_one_format_are_refused_by_the_dry_run_too, fixture) {
  write("conf/quant_format/MINE.json", qgrain::common::read_text_file(qgrain::lm::testing::source_dir /
                                                                      "conf/quant_format/INT8_WEIGHT_ONLY_CFG.json"));
  both_refused(
      {"--conf-dir", path("conf"), "autoquant.formats=[INT8_WEIGHT_ONLY_CFG,MINE]", "autoquant.effective_bits=9"},
      {"INT8_WEIGHT_ONLY_CFG and MINE come to the same recipes"});
}

BOOST_FIXTURE_TEST_CASE(row_20_reports_without_a_manifest_are_refused_by_the_dry_run_too, fixture) {
  both_refused({"quant_pair=wint8_afp16", "runner.report_only=true"}, {"quant_manifest.json", "cannot be opened"});
}

BOOST_FIXTURE_TEST_CASE(row_23_captions_of_another_encoding_are_named_by_line, fixture) {
  write("texts.txt", "A man\n\nA caf\xE9 on a beach\nA red bus\nA cat\n");
  both_refused({"quant_pair=wint8_afp16"}, {"texts.txt, line 3 (caption 2)", "UTF-8"});
  write("texts.txt", "A man\nA bus\nA cat\nA dog \xFF\xFE");
  both_refused({"quant_pair=wint8_afp16"}, {"texts.txt, line 4 (caption 4)", "UTF-8"});
  write("texts.txt", std::string("\xFF\xFE"
                                 "A\0 \0B\0\n\0A\0\n\0A\0\n\0A\0\n\0",
                                 22));
  both_refused({"quant_pair=wint8_afp16"}, {"texts.txt, line 1 (caption 1)", "UTF-8"});
}

BOOST_FIXTURE_TEST_CASE(row_23_a_key_without_its_text_is_named, fixture) {
  both_refused({"model.path="}, {"model.path is empty"});
  both_refused({"dataset.captions_path="}, {"dataset.captions_path is empty"});
  both_refused({"output_layout=publish", "output_layout.root_dir=", "runner.output_dir=null"},
               {"output_layout.root_dir is empty"});
}

BOOST_FIXTURE_TEST_CASE(row_23_a_number_where_a_mapping_is_needed, fixture) {
  refused(with({"runner=1"}), {"runner is 1, a number where a mapping is needed"});
  refused(with({"autoquant.fisher=2", "autoquant.methods=[fisher]"}),
          {"autoquant.fisher is 2, a number where a mapping is needed"});
  refused(with({"-m", "runner=[1]"}), {"'runner' is a mapping and cannot take a list"});
  refused(with({"quant_granularity.name=x", "quant_granularity.quant_cfg_overrides=7"}),
          {"quant_granularity.quant_cfg_overrides must be a mapping"});
  refused(with({"dataset.max_calib_samples=null", "dataset.size_to_max_samples=16"}),
          {"dataset.size_to_max_samples must be a mapping"});
  refused(with({"sweep=1"}), {"sweep"});
}

BOOST_FIXTURE_TEST_CASE(row_23_a_byte_order_mark_is_passed_over, fixture) {
  const std::string mark = "\xEF\xBB\xBF";
  write("conf/quant_granularity/marked.json",
        mark + R"({"name": "marked", "quant_cfg_overrides": {"*weight_quantizer": {"block_sizes": {"-1": 64}}}})");
  write("jobs.json", mark + R"(["int8/per_tensor:fp16"])");
  write("model/tokenizer_config.json", mark + "{}");
  complete({"--conf-dir", path("conf"), "quant_pair=wint4_afp16", "quant_granularity=marked", "--dry-run"});
  complete({"jobs=" + path("jobs.json"), "--dry-run"});
}

BOOST_FIXTURE_TEST_CASE(row_23_a_misspelt_key_of_a_file_is_refused, fixture) {
  write("conf/quant_granularity/misspelt.json",
        R"({"name": "misspelt", "quant_cfg_override": {"*weight_quantizer": {"block_sizes": {"-1": 64}}}})");
  write("conf/calibration/misspelt.json", R"({"name": "x", "algorithm": "max", "algoritm": "mse"})");
  write("conf/dataset/misspelt.json", R"({"defaults": ["captions", "_self_"], "calib_seq_length": 4})");
  write("conf/quant_granularity/note.json", R"({"name": "note", "description": "mine", "quant_cfg_overrides": {}})");
  const std::string folder_name = path("conf");
  both_refused({"--conf-dir", folder_name, "quant_granularity=misspelt"},
               {"quant_granularity.quant_cfg_override'", "did you mean quant_cfg_overrides?"});
  both_refused({"--conf-dir", folder_name, "calibration=misspelt"}, {"calibration.algoritm'", "algorithm"});
  both_refused({"--conf-dir", folder_name, "dataset=misspelt"}, {"dataset.calib_seq_length'", "calib_seq_len"});
  both_refused({"+autoquant.metods=[fisher]"}, {"autoquant.metods'", "methods"});
  complete({"--conf-dir", folder_name, "quant_granularity=note", "+mine=1", "+dataset.language=en", "--dry-run"});
}

BOOST_FIXTURE_TEST_CASE(row_23_a_latency_table_without_its_budget_is_warned_of, fixture) {
  write("latencies.json", R"({"unit": "ms", "latencies": {)"
                          R"("int8/per_out_channel:fp16": {"1024x128": 1},)"
                          R"("fp16:fp16": {"128x128": 2, "64x128": 2, "384x128": 2, "128x384": 2, "1024x128": 2}}})");
  const std::vector<std::string> more{"quant_pair=wint8_afp16", "autoquant.exclude=['model*']",
                                      "autoquant.latency_table=" + path("latencies.json"), "--dry-run"};
  BOOST_TEST(has(complete(more).err, "latencies.json is not used, as autoquant.latency_ms gives no budget"));
  std::vector<std::string> used = more;
  used.emplace_back("autoquant.latency_ms=2");
  BOOST_TEST(!has(complete(used).err, "is not used"));
}

BOOST_FIXTURE_TEST_CASE(row_27_names_lead_to_no_other_folder, fixture) {
  const std::vector<std::pair<std::string, std::string>> names{{"..", "leads to another folder"},
                                                               {".", "leads to another folder"},
                                                               {"a/b", "holds a slash"},
                                                               {"/etc", "holds a slash"},
                                                               {"a\\nb", "holds a control character"},
                                                               {".sweep", "a run's state"},
                                                               {"", "is empty"},
                                                               {std::string(300, 'x'), "300 bytes"}};
  for (const auto& [name, words] : names) {
    write("conf/quant_granularity/mine.json", R"({"name": ")" + name + R"(", "quant_cfg_overrides": {}})");
    both_refused({"--conf-dir", path("conf"), "-m", "quant_granularity=mine,default"},
                 {"quant_granularity.name becomes the name of a folder", words});
  }
  both_refused({"experiment=../elsewhere"}, {"experiment", "leads to another folder"});
  both_refused({"model.name=.."}, {"model.name", "leads to another folder"});
  both_refused({"dataset.size=a/b"}, {"dataset.size", "holds a slash"});
  both_refused({"+quant_pair.scheme_name=../../x"}, {"quant_pair.scheme_name", "holds a slash"});
  both_refused({"+quant_pair.publish_run_dir=x/../../y"}, {"quant_pair.publish_run_dir", "leads to another folder"});
  both_refused({"+quant_pair.publish_pair_dir=/x"}, {"quant_pair.publish_pair_dir", "leads to another folder"});
  BOOST_TEST(!fs::exists(path("out")));
  complete({"experiment=mine/2", "--dry-run"});
}
