// qgrain-sweep from the outside: jobs by the names of pairs and granularities, files, and how it refuses.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <lm/tokenizer.hpp>
#include <support/run_program.hpp>
#include <support/score_agreement.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <end_to_end/sweep_fixture.hpp>
#include <map>
#include <set>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::testing::gradient_score_kind;
using qgrain::testing::program_result;
using qgrain::testing::score_agreement;
using qgrain::testing::score_kind;
namespace json = boost::json;

using fixture = qgrain::testing::sweep_fixture;

const std::filesystem::path small = source_dir / "examples/data/captions_small.txt";

std::vector<std::string> texts_of(const json::value& list) {
  std::vector<std::string> texts;
  for (const json::value& t : list.as_array()) texts.emplace_back(t.as_string());
  return texts;
}

std::string joined(const std::set<std::string>& texts) {
  std::string all;
  for (const std::string& t : texts) all.append(all.empty() ? "" : ",").append(t);
  return all;
}

// Checks the objective of a job's choice against that of the exact optimum of ModelOpt's table. Scores of another
// machine may move a choice where two are nearly equal; the objective moves no further than a sum. Whether the sizes
// are equal too.
bool has_size_of_exact_optimum(const json::object& job, const json::value& manifest, score_kind kind,
                               const std::string& name) {
  const json::value& exact = job.at("result").at("exact");
  const json::value& state = manifest.at("autoquant_state");
  const double objective = exact.at("score").to_number<double>();
  BOOST_TEST(std::abs(state.at("score").to_number<double>() - objective) <= limits_of(kind).sum * objective, name);
  BOOST_TEST(state.at("is_satisfied").as_bool());
  const double total = job.at("result").at("total").to_number<double>();
  const double bits = 16 * exact.at("cost").to_number<double>() / total;
  return std::abs(state.at("constraints").at("effective_bits").to_number<double>() - bits) < 1e-9;
}

// One multirun per pair over the granularities that the stored jobs of a data set name, against these jobs.
void compare_seed_jobs(fixture& f, const std::string& size, const std::string& data_path, const std::string& grouping,
                       int wanted_jobs) {
  const json::value all = qgrain::common::read_json_file(source_dir / "tests/data/scores/jobs.json");
  const std::vector<std::string> layers = texts_of(all.at("layer_names"));
  std::map<std::string, std::set<std::string>> granularities;  // of each pair
  std::vector<const json::object*> jobs;
  for (const json::value& entry : all.at("jobs").as_array()) {
    const json::object& job = entry.as_object();
    if (job.at("seed").is_null() || job.at("compute_dtype").as_string() != "f32" ||
        job.at("method").as_string() != "gradient" ||
        job.at("data").at("captions").as_string() != "captions_" + size + ".txt" ||
        job.at("data").at("path").as_string() != data_path || job.at("grouping").as_string() != grouping) {
      continue;
    }
    jobs.push_back(&job);
    for (const std::string& g : texts_of(job.at("seed").at("quant_granularity"))) {
      granularities[std::string(job.at("seed").at("quant_pair").as_string())].insert(g);
    }
  }
  BOOST_TEST(jobs.size() == static_cast<std::size_t>(wanted_jobs));
  const std::string out = f.path(size + data_path + grouping);
  for (const auto& [pair, list] : granularities) {
    const program_result result =
        f.run({"-m", "quant_pair=" + pair, "quant_granularity=" + joined(list), "dataset.size=" + size,
               "autoquant.grouping=" + grouping, data_path == "plain" ? "dataset.padding=none" : "dataset.padding=left",
               data_path == "plain" ? "autoquant.batch_size=1" : "autoquant.batch_size=8", "runner.output_dir=" + out});
    BOOST_TEST(result.exit_code == 0, result.err);
  }
  score_agreement agreement;
  std::size_t combinations = 0;
  std::size_t same_bits = 0;
  for (const json::object* job : jobs) {
    const std::string pair(job->at("seed").at("quant_pair").as_string());
    const score_kind kind = gradient_score_kind(std::string(job->at("activation").at("dtype").as_string()));
    std::vector<double> wanted_layers;
    for (const json::value& score : job->at("layers").as_array()) wanted_layers.push_back(score.to_number<double>());
    const json::object& groups = job->at("groups").as_object();
    const json::array& members = all.at("group_lists").at(groups.at("list").as_string()).as_array();
    for (const std::string& granularity : texts_of(job->at("seed").at("quant_granularity"))) {
      const std::filesystem::path folder = std::filesystem::path(out) / pair / granularity / size;
      const json::value manifest =
          qgrain::common::read_json_file(folder / (pair + "_autoquant_lm_quant_manifest.json"));
      const std::string name = std::string(job->at("name").as_string()) + " as " + pair + " " + granularity;
      std::vector<double> found_layers;
      for (const std::string& layer : layers)
        found_layers.push_back(manifest.at("linear_scores").at(layer).to_number<double>());
      agreement.add(name, kind, found_layers, wanted_layers);
      BOOST_TEST(manifest.at("layer_sensitivity").as_object().size() == members.size());
      std::vector<double> found_groups;
      std::vector<double> wanted_groups;
      for (std::size_t g = 0; g < members.size(); ++g) {
        const json::object& found = manifest.at("layer_sensitivity").at(members[g].at("key").as_string()).as_object();
        const json::array& scores = groups.at("scores").at(g).as_array();
        const json::array& costs = groups.at("costs").at(g).as_array();
        BOOST_TEST_REQUIRE(found.at("costs").as_array().size() == costs.size());
        for (std::size_t c = 0; c < costs.size(); ++c) {
          BOOST_TEST(found.at("costs").at(c).to_number<double>() == costs[c].to_number<double>(), name);
          found_groups.push_back(found.at("scores").at(c).to_number<double>());
          wanted_groups.push_back(scores[c].to_number<double>());
        }
      }
      agreement.add(name + ", groups", kind, found_groups, wanted_groups);
      same_bits += has_size_of_exact_optimum(*job, manifest, kind, name) ? 1U : 0U;
      ++combinations;
    }
  }
  BOOST_TEST_MESSAGE(same_bits << " of " << combinations
                               << " choices have the size of the exact optimum of ModelOpt's table");
  BOOST_TEST(same_bits >= combinations * 9 / 10);
  agreement.check(size + " " + data_path + " " + grouping + ": " + std::to_string(jobs.size()) + " jobs under " +
                  std::to_string(combinations) + " names");
}

}  // namespace

#ifndef QGRAIN_SANITIZED  // the others run the same code on less
BOOST_FIXTURE_TEST_CASE(seed_jobs_small_left_padded, fixture) {
  compare_seed_jobs(*this, "small", "driver", "default", 38);
}
BOOST_FIXTURE_TEST_CASE(seed_jobs_medium_left_padded, fixture) {
  compare_seed_jobs(*this, "medium", "driver", "default", 6);
}
BOOST_FIXTURE_TEST_CASE(seed_jobs_small_plain, fixture) { compare_seed_jobs(*this, "small", "plain", "default", 6); }
BOOST_FIXTURE_TEST_CASE(seed_jobs_small_plain_ungrouped, fixture) {
  compare_seed_jobs(*this, "small", "plain", "none", 6);
}

BOOST_FIXTURE_TEST_CASE(every_pair_by_rule_is_a_choice, fixture) {
  const program_result list = run({"--list", "quant_pair"});
  BOOST_TEST(std::count(list.out.begin(), list.out.end(), '\n') == 118);
  BOOST_TEST((run({"--list"}).out.find("common") == std::string::npos));
  const program_result dry = run({"--dry-run", "-m", "quant_pair=glob(*)", "runner.output_dir=" + path("out")});
  BOOST_TEST(dry.exit_code == 0, dry.err);
  BOOST_TEST((dry.out.find("118 jobs") != std::string::npos));
  // scored as the recipes that they stand for
  const program_result pair =
      run({"quant_pair=wnf4_anvfp4", "dataset.size=small", "runner.output_dir=" + path("pair")});
  BOOST_TEST(pair.exit_code == 0, pair.err);
  const program_result recipes = run({"jobs=[nf4/group64:nvfp4_modelopt]", "model.path=" + model_dir.string(),
                                      "dataset.captions_path=" + small.string(), "runner.output_dir=" + path("list")});
  BOOST_TEST(recipes.exit_code == 0, recipes.err);
  const json::value manifest =
      qgrain::common::read_json_file(folder.path() / "pair/wnf4_anvfp4_autoquant_lm_quant_manifest.json");
  const json::value scores = qgrain::common::read_json_file(folder.path() / "list/linear-scores.json");
  BOOST_TEST((manifest.at("linear_scores") == scores.at("jobs").at(0).at("linear_scores")));
}
#endif
BOOST_FIXTURE_TEST_CASE(seed_jobs_small_left_padded_ungrouped, fixture) {
  compare_seed_jobs(*this, "small", "driver", "none", 3);
}

BOOST_FIXTURE_TEST_CASE(a_job_writes_its_files_and_reports_are_made_again, fixture) {
  const std::string out = "runner.output_dir=" + path("job");
  const std::vector<std::string> arguments{"quant_pair=wint4_aint8", "quant_granularity=w_group64",
                                           "dataset.size=small", out};
  const program_result first = run(arguments);
  BOOST_TEST(first.exit_code == 0, first.err);
  BOOST_TEST((first.out.find("layer-sensitivity-report.md") != std::string::npos));
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(path("job")))
    files.insert(entry.path().filename().string());
  BOOST_TEST(files == (std::set<std::string>{
                          ".sweep", "autoquant-report.html", "autoquant-report.md", "composed-config.json",
                          "layer-scores.csv", "layer-sensitivity-report.json", "layer-sensitivity-report.md",
                          "mix.json", "quant_recipe.json", "run_stats.json", "sweep-run-stats.json", "sweep-scores.csv",
                          "sweep-summary.csv", "sweep-summary.html", "sweep-summary.json", "sweep-summary.md",
                          "wint4_aint8_autoquant_lm_quant_manifest.json"}),
             joined(files));
  const json::value manifest =
      qgrain::common::read_json_file(folder.path() / "job/wint4_aint8_autoquant_lm_quant_manifest.json");
  BOOST_TEST(manifest.at("recipes").at("weight").at("name").as_string() == "int4/group64");
  BOOST_TEST(manifest.at("recipes").at("weight").at("bits_per_element").to_number<double>() == 4.5);
  BOOST_TEST(manifest.at("recipes").at("activation").at("name").as_string() == "int8/per_tensor_static");
  BOOST_TEST(manifest.at("input_amax").as_object().size() == 43U);

  // Results hold no times: a second run in another folder gives the same bytes but for run_stats.json.
  std::vector<std::string> again = arguments;
  again.back() = "runner.output_dir=" + path("again");
  again.emplace_back("runner.threads=3");
  BOOST_TEST(run(again).exit_code == 0);
  for (const std::string name : {"layer-sensitivity-report.json", "wint4_aint8_autoquant_lm_quant_manifest.json"}) {
    BOOST_TEST((qgrain::common::read_text_file(folder.path() / "job" / name) ==
                qgrain::common::read_text_file(folder.path() / "again" / name)),
               name);
  }

  // The same again: reported complete, and what is there stays. Another configuration: refused, the key named.
  const std::string report = qgrain::common::read_text_file(folder.path() / "job/layer-sensitivity-report.md");
  const std::string manifest_text =
      qgrain::common::read_text_file(folder.path() / "job/wint4_aint8_autoquant_lm_quant_manifest.json");
  const program_result complete = run(arguments);
  BOOST_TEST(complete.exit_code == 0, complete.err);
  BOOST_TEST((complete.out.find("complete already") != std::string::npos), complete.out);
  std::vector<std::string> differing = arguments;
  differing.emplace_back("autoquant.batch_size=4");
  const program_result refusal = run(differing);
  BOOST_TEST(refusal.exit_code == 1);
  BOOST_TEST((refusal.err.find("autoquant.batch_size (8 there, 4 here)") != std::string::npos), refusal.err);
  BOOST_TEST((qgrain::common::read_text_file(folder.path() / "job/wint4_aint8_autoquant_lm_quant_manifest.json") ==
              manifest_text));
  std::filesystem::remove(folder.path() / "job/layer-sensitivity-report.md");
  std::vector<std::string> report_only = arguments;
  report_only.emplace_back("runner.report_only=true");
  BOOST_TEST(run(report_only).exit_code == 0);
  BOOST_TEST((qgrain::common::read_text_file(folder.path() / "job/layer-sensitivity-report.md") == report));

  // A manifest of another model.
  std::filesystem::copy(model_dir, folder.path() / "other");
  const safetensors_file original(model_dir / "model.safetensors");
  std::vector<tensor_plan> plan;
  for (const tensor_info& t : original.tensors()) plan.push_back({t.name, dtype::f32, t.shape});
  std::filesystem::remove(folder.path() / "other/model.safetensors");
  safetensors_writer writer(folder.path() / "other/model.safetensors", plan);
  for (std::size_t i = 0; i < plan.size(); ++i) {
    std::vector<float> values = floats_of(original, plan[i].name);
    for (float& v : values) v *= 1.5F;
    writer.write_elements<float>(i, 0, values);
  }
  writer.finish();
  report_only.push_back("model.path=" + path("other"));
  const program_result other = run(report_only);
  BOOST_TEST(other.exit_code == 1);
  BOOST_TEST((other.err.find("model") != std::string::npos), other.err);
}

BOOST_FIXTURE_TEST_CASE(a_multirun_has_a_folder_per_job_and_marks_what_has_no_effect, fixture) {
  const program_result result =
      run({"-m", "quant_pair=wint4_afp16,wint8_aint8", "quant_granularity=default,a_per_token_dynamic",
           "dataset.max_calib_samples=4,8", "runner.output_dir=" + path("out")});
  BOOST_TEST(result.exit_code == 0, result.err);
  BOOST_TEST((result.out.find("no effect") != std::string::npos));
  int manifests = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path("out"))) {
    if (!entry.path().string().ends_with("_quant_manifest.json")) continue;
    ++manifests;
    const json::value manifest = qgrain::common::read_json_file(entry.path());
    const bool has_effect = manifest.at("quantization").at("has_effect").as_bool();
    const std::string at = entry.path().string();
    const bool overlay_without_effect = at.find("wint4_afp16/a_per_token_dynamic") != std::string::npos;
    BOOST_TEST(has_effect == !overlay_without_effect, at);
  }
  BOOST_TEST(manifests == 8);
}

BOOST_FIXTURE_TEST_CASE(illegal_jobs_are_listed_at_once_or_skipped, fixture) {
  const std::vector<std::string> arguments{"-m", "quant_pair=wint4_aint8,wnvfp4_afp8",
                                           "quant_granularity=w_group256,w_per_tensor,default", "dataset.size=small",
                                           "runner.output_dir=" + path("out")};
  // no recipe: wnvfp4_afp8 with groups of 256 or per tensor; no shape: groups of 256 in rows of 128
  refused(arguments, {"3 of 6 jobs cannot run", "[wint4_aint8 w_group256]", "[wnvfp4_afp8 w_group256]",
                      "[wnvfp4_afp8 w_per_tensor]", "128"});
  std::vector<std::string> skipping = arguments;
  skipping.emplace_back("runner.on_illegal=skip");
  const program_result result = run(skipping);
  BOOST_TEST(result.exit_code == 0, result.err);
  BOOST_TEST((result.out.find("3 jobs skipped") != std::string::npos));
  std::set<std::string> labels;
  const json::value skipped = qgrain::common::read_json_file(folder.path() / "out/skipped-jobs.json");
  for (const json::value& job : skipped.as_array()) {
    labels.emplace(job.at("job").as_string());
    BOOST_TEST(!job.at("reason").as_string().empty());
  }
  BOOST_TEST(labels ==
             (std::set<std::string>{"wint4_aint8 w_group256", "wnvfp4_afp8 w_group256", "wnvfp4_afp8 w_per_tensor"}));
  std::filesystem::remove_all(path("out"));
  refused({"quant_pair=wnvfp4_afp8", "quant_granularity=w_per_tensor", "runner.on_illegal=skip"}, {"dynamic blocks"});
  refused({"runner.on_illegal=ignore"}, {"runner.on_illegal", "ignore"});
}

BOOST_FIXTURE_TEST_CASE(an_approximated_cross_term_is_stated, fixture) {
  const auto manifest_of = [&](const std::string& mode) {
    const program_result result = run({"quant_pair=wint4_aint4", "dataset.size=small", "autoquant.cross_term=" + mode,
                                       "runner.output_dir=" + path(mode)});
    BOOST_TEST(result.exit_code == 0, result.err);
    return qgrain::common::read_json_file(folder.path() / mode / "wint4_aint4_autoquant_lm_quant_manifest.json")
        .as_object();
  };
  const json::object exact = manifest_of("exact");
  BOOST_TEST(!exact.contains("cross_term"));
  for (const std::string mode : {"sampled", "neglect"}) {
    const json::object found = manifest_of(mode);
    BOOST_TEST(found.at("cross_term").at("mode").as_string() == mode);
    const double measured = found.at("cross_term").at("measured_error").at("sum").to_number<double>();
    BOOST_TEST((measured > 0 && measured < 0.2));
    double wanted = 0;
    double sum = 0;
    for (const auto& entry : exact.at("linear_scores").as_object()) wanted += entry.value().to_number<double>();
    for (const auto& entry : found.at("linear_scores").as_object()) sum += entry.value().to_number<double>();
    BOOST_TEST(sum != wanted);
    BOOST_TEST(std::abs(sum / wanted - 1) < 0.1);
    const std::string report = qgrain::common::read_text_file(folder.path() / mode / "layer-sensitivity-report.md");
    BOOST_TEST((report.find("|Cross term|`" + mode + "`, measured error of the sum ") != std::string::npos));
  }
  refused({"autoquant.cross_term=some"}, {"autoquant.cross_term", "sampled", "some"});
}

BOOST_FIXTURE_TEST_CASE(recipe_lists_are_scored_as_they_are, fixture) {
  const std::vector<std::string> base{"model.path=" + model_dir.string(), "dataset.captions_path=" + small.string(),
                                      "dataset.padding=none", "autoquant.batch_size=1"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return more;
  };
  BOOST_TEST(run(with({"jobs=[int8/per_tensor:fp16,{weight:mxfp4_rceil,activation:fp8/per_token_dynamic}]",
                       "runner.output_dir=" + path("a")}))
                 .exit_code == 0);
  qgrain::common::write_text_file(
      path("jobs.json"),
      R"([["int8/per_tensor", "fp16"], {"weight": "mxfp4_rceil", "activation": "fp8/per_token_dynamic"}])");
  BOOST_TEST(run(with({"jobs=" + path("jobs.json"), "runner.output_dir=" + path("b"), "runner.threads=1"})).exit_code ==
             0);
  BOOST_TEST((qgrain::common::read_text_file(folder.path() / "a/linear-scores.json") ==
              qgrain::common::read_text_file(folder.path() / "b/linear-scores.json")));
  const json::value scores = qgrain::common::read_json_file(folder.path() / "a/linear-scores.json");
  BOOST_TEST(scores.at("jobs").as_array().size() == 2U);
  BOOST_TEST(scores.at("jobs").at(0).at("linear_scores").as_object().size() == 43U);
  BOOST_TEST(scores.at("losses").as_array().size() == 16U);
  BOOST_TEST(scores.at("input_amax").at("lm_head").as_array().size() == 128U);
  // by other methods, and with a calibration
  BOOST_TEST(run(with({"jobs=[int8/per_tensor:int8/per_tensor_static:percentile]", "autoquant.method=weight_mse",
                       "autoquant.methods=[gradient,kl_div]", "runner.output_dir=" + path("methods")}))
                 .exit_code == 0);
  const json::value several = qgrain::common::read_json_file(folder.path() / "methods/linear-scores.json");
  BOOST_TEST(several.at("method").as_string() == "weight_mse");
  const json::object& entry = several.at("jobs").at(0).as_object();
  BOOST_TEST(entry.at("calibration").as_string() == "percentile");
  BOOST_TEST(entry.at("linear_scores").as_object().size() == 43U);
  BOOST_TEST(entry.at("method_scores").at("gradient").as_object().size() == 43U);
  BOOST_TEST(entry.at("method_scores").at("kl_div").as_object().size() == 25U);  // of each group its first member
  refused(with({"jobs=[int8/per_tensor:int8/per_tensor_static:percentil]"}), {"percentil", "percentile"});
  refused(with({"jobs=[]"}), {"empty"});
  refused(with({"jobs=[int8/per_tensr:fp16]"}), {"int8/per_tensr", "int8/per_tensor"});
  refused(with({"jobs=[int8/per_tensor]"}), {"int8/per_tensor", "<activation recipe>"});
  refused(with({"jobs=[int8/per_tensor:fp16,int8/per_tensor:fp16]"}), {"job 2"});
}

BOOST_FIXTURE_TEST_CASE(bad_input_is_refused_before_any_work, fixture) {
  {
    const qgrain::testing::scoped_variable unknown("QGRAIN_INSTRUCTION_SET", "widest");
    refused({"quant_pair=wint4_aint8"}, {"QGRAIN_INSTRUCTION_SET", "widest", "there are: baseline"});
  }
  refused({"quant_par=wint4_aint8"}, {"quant_par", "quant_pair"});
  refused({"quant_pair=wint4_aint9"}, {"wint4_aint9", "wint4_aint8"});
  refused({"autoquant.batchsize=4"}, {"autoquant.batchsize", "batch_size"});
  refused({"autoquant.batch_size=four"}, {"autoquant.batch_size", "four"});
  refused({"autoquant.batch_size=0"}, {"autoquant.batch_size", "0"});
  refused({"autoquant.effective_bits=17", "dataset.size=small"}, {"17"});
  refused({"dataset.padding=right"}, {"dataset.padding", "right"});
  refused({"dataset.size=huge"}, {"huge", "small"});
  refused({"quant_pair=wnvfp4_afp8", "quant_granularity=w_per_tensor"},
          {"*weight_quantizer", "dynamic blocks", "compiled are"});
  refused({"quant_pair=wint4_afp16", "+quant_granularity.quant_cfg_overrides={*weight_quantizer:{narrow_range:true}}"},
          {"*weight_quantizer.narrow_range", "no compiled recipe"});
  refused({"-m", "quant_pair=wfp4_afp16,wnvfp4_afp16", "quant_granularity=w_per_tensor,w_per_out_channel"},
          {"4 of 4 jobs", "wfp4_afp16", "wnvfp4_afp16"});
  // A fault of the last pass is found before the first is scored.
  refused({"-m", "dataset.size=small", "dataset.captions_path=" + small.string() + "," + path("missing.txt")},
          {"missing.txt"});
  refused({"-m", "dataset.size=small", "autoquant.effective_bits=8,2"}, {"bits"});
  qgrain::common::write_text_file(path("empty.txt"), "\n \n");
  refused({"dataset.captions_path=" + path("empty.txt")}, {"empty.txt"});
  refused({"dataset.captions_path=" + small.string()}, {"captions_small.txt", "16", "128"});
  refused({"dataset.captions_path=" + path("missing.txt")}, {"missing.txt"});
  refused({"model.path=" + path("nowhere")}, {"nowhere"});
  refused({"model=qwen3_vl_4b_instruct"}, {"model.path"});
  qgrain::common::write_text_file(path("file"), "x");
  refused({"runner.output_dir=" + path("file")}, {"file"});
  refused({"runner.output_dir=" + path("file/below")}, {"file"});
  refused({"runner.report_only=true"}, {"manifest"});
  qgrain::common::write_text_file(path("conf.json"), "{");
  BOOST_TEST(run({"--conf-dir", path("no-such-folder")}).exit_code == 1);
}

BOOST_FIXTURE_TEST_CASE(the_configuration_can_be_looked_at_and_extended, fixture) {
  BOOST_TEST((run({"--list"}).out.find("quant_pair: ") != std::string::npos));
  BOOST_TEST((run({"--list", "quant_granularity"}).out.find("w_group64\n") != std::string::npos));
  const program_result unknown = run({"--list", "quant_granularty"});
  BOOST_TEST(unknown.exit_code == 1);
  BOOST_TEST((unknown.err.find("quant_granularity") != std::string::npos), unknown.err);
  const json::value config = json::parse(run({"--cfg", "quant_pair=wint8_aint8", "autoquant.batch_size=4"}).out);
  BOOST_TEST(config.at("quant_pair").at("name").as_string() == "wint8_aint8");
  BOOST_TEST(config.at("autoquant").at("batch_size").as_int64() == 4);
  BOOST_TEST(run({"--help"}).exit_code == 0);
  const program_result dry = run({"--dry-run", "preset=demo", "runner.output_dir=" + path("out")});
  BOOST_TEST(dry.exit_code == 0, dry.err);
  BOOST_TEST((dry.out.find("32 jobs") != std::string::npos));
  BOOST_TEST(!std::filesystem::exists(path("out")));

  std::filesystem::create_directories(folder.path() / "conf/quant_granularity");
  qgrain::common::write_text_file(
      folder.path() / "conf/quant_granularity/w_group48.json",
      R"({"name": "w_group48", "quant_cfg_overrides": {"*weight_quantizer": {"block_sizes": {"-1": 48}}}} // mine)");
  const program_result own = run({"--conf-dir", path("conf"), "quant_pair=wint4_afp16", "quant_granularity=w_group48",
                                  "dataset.size=small", "runner.output_dir=" + path("own")});
  BOOST_TEST(own.exit_code == 0, own.err);
  const json::value manifest =
      qgrain::common::read_json_file(folder.path() / "own/wint4_afp16_autoquant_lm_quant_manifest.json");
  BOOST_TEST(manifest.at("recipes").at("weight").at("name").as_string() == "int4/group48");
}

BOOST_FIXTURE_TEST_CASE(the_configuration_is_shown_with_and_without_interpolations, fixture) {
  const std::string text = "experiment=run-${oc.env:QGRAIN_NO_SUCH_VARIABLE,alone}-${now:%Y}";
  const json::value plain = json::parse(run({"--cfg", text, "model=qwen3_vl_4b_instruct"}).out);
  BOOST_TEST(plain.at("dataset").at("captions_path").as_string() == "${dataset.root}/captions_${dataset.size}.txt");
  const json::value resolved = json::parse(run({"--cfg", "--resolve", text, "model=qwen3_vl_4b_instruct"}).out);
  BOOST_TEST(resolved.at("dataset").at("captions_path").as_string() == "examples/data/captions_medium.txt");
  BOOST_TEST((std::string(resolved.at("experiment").as_string()).starts_with("run-alone-20")));
  BOOST_TEST(resolved.at("model").at("path").as_string() == "???");
  BOOST_TEST(run({"--resolve"}).exit_code == 2);
}

BOOST_FIXTURE_TEST_CASE(a_dry_run_estimates_what_the_run_then_counts, fixture) {
  const std::string out = path("out");
  for (const std::string mode : {"exact", "sampled"}) {
    const std::vector<std::string> arguments{"-m",
                                             "quant_pair=wint8_afp16,wint4_aint8,wint8_aint8",
                                             "quant_granularity=default,w_group64",
                                             "dataset.size=small",
                                             "dataset.padding=left",
                                             "autoquant.cross_term=" + mode,
                                             "runner.output_dir=" + out + mode};
    std::vector<std::string> dry = arguments;
    dry.emplace_back("--dry-run");
    const program_result shown = run(dry);
    BOOST_TEST(shown.exit_code == 0, shown.err);
    BOOST_TEST(!std::filesystem::exists(out + mode));
    // "estimate: 1 s, 88 MB; 1 pass with 26 G operations of matrix products, ..."
    const auto number_before = [&](const std::string& unit) {
      const std::size_t end = shown.out.find(unit);
      BOOST_TEST_REQUIRE(end != std::string::npos, shown.out);
      const std::size_t begin = shown.out.rfind(' ', end - 1) + 1;
      return std::stod(shown.out.substr(begin, end - begin));
    };
    BOOST_TEST((shown.out.find("estimate: ") != std::string::npos));
    const double operations = number_before(" G operations") * 1e9;
    const double bytes = number_before(" MB;") * 1e6;
    BOOST_TEST(run(arguments).exit_code == 0);
    const json::value stats = qgrain::common::read_json_file(out + mode + "/wint4_aint8/default/small/run_stats.json")
                                  .at("matrix_product_flops");
    double counted = 0;
    for (const auto& entry : stats.as_object()) counted += entry.value().to_number<double>();
    BOOST_TEST(std::abs(operations / counted - 1) < 0.25, mode << ": " << operations << " and " << counted);
    const json::value peak = qgrain::common::read_json_file(out + mode + "/wint4_aint8/default/small/run_stats.json")
                                 .at("peak_resident_bytes");
    BOOST_TEST(bytes > 0);
    BOOST_TEST(peak.to_number<double>() > 0);
#ifndef QGRAIN_SANITIZED  // which multiplies the memory of a program
    BOOST_TEST((bytes > 0.5 * peak.to_number<double>() && bytes < 2 * peak.to_number<double>()), bytes << " " << peak);
#endif
    BOOST_TEST((run(dry).out.find("nothing left to score") != std::string::npos));
  }
  refused({"--dry-run", "quant_pair=wint4_aint8", "quant_granularity=w_group256"}, {"group256", "128"});
}

BOOST_FIXTURE_TEST_CASE(calibration_and_compat_change_recipes, fixture) {
  const auto recipes = [&](const std::vector<std::string>& arguments) {
    std::vector<std::string> dry = arguments;
    dry.insert(dry.end(), {"--dry-run", "dataset.size=small", "runner.output_dir=" + path("out")});
    const program_result result = run(dry);
    return result.exit_code == 0 ? result.out : result.err;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  BOOST_TEST(has(recipes({"quant_pair=wfp4_afp8"}), "fp8/per_tensor_dynamic"));
  BOOST_TEST(has(recipes({"quant_pair=wfp4_afp8", "calibration=max"}), "fp8/per_tensor_static"));
  BOOST_TEST(has(recipes({"quant_pair=wint8_aint8", "calibration=none"}), "int8/per_tensor_dynamic"));
  const std::string awq = "quant_pair.format_name=INT4_AWQ_CFG";
  BOOST_TEST(has(recipes({awq}), "int4/group128"));
  BOOST_TEST(has(recipes({awq, "calibration=max"}), "int4/group128"));
  BOOST_TEST(has(recipes({"quant_pair.format_name=NVFP4_AWQ_FULL_CFG"}), "awq_full"));
  // a preset in the place of a pair
  const std::string presets = recipes({"-m", "quant_format=MXFP8_DEFAULT_CFG,W4A8_NVFP4_FP8_CFG"});
  BOOST_TEST(has(presets, "1. MXFP8_DEFAULT_CFG default"));
  BOOST_TEST(has(presets, "mxfp8_e4m3_rceil"));
  BOOST_TEST(has(presets, "out/W4A8_NVFP4_FP8_CFG/default/small"));
  BOOST_TEST(has(recipes({"quant_format=NVFP4_AWQ_CLIP_CFG"}), "awq_clip"));
  BOOST_TEST(has(recipes({"quant_format=INT4_AWQ_CFG", "quant_format.algorithm=max"}), "int4/group128"));
  BOOST_TEST(has(recipes({"quant_format=INT4_AQW_CFG"}), "INT4_AWQ_CFG"));
  BOOST_TEST(has(recipes({"calibration.algorithm=mean"}), "must be by_format, none or one of max, percentile, mse"));
  BOOST_TEST(has(recipes({"quant_pair=wint8_aint8", "calibration=entropy"}), "int8/per_tensor_static"));

  BOOST_TEST(has(recipes({"quant_pair=wfp4_afp16"}), "mxfp4_rceil"));
  BOOST_TEST(has(recipes({"quant_pair=wfp4_afp16", "compat=modelopt"}), "base format NVFP4_WEIGHT_ONLY_CFG"));
  BOOST_TEST(has(recipes({"quant_pair=wnvfp4_afp16", "quant_granularity=w_group64"}), "blocks of 16, not of 64"));
  BOOST_TEST(
      has(recipes({"quant_pair=wnvfp4_afp16", "quant_granularity=w_group64", "compat=modelopt"}), "nvfp4_modelopt"));
  const std::vector<std::string> static_range{"quant_pair.format_name=W4A8_MXFP4_FP8_CFG",
                                              "quant_granularity=a_per_tensor_static"};
  BOOST_TEST(has(recipes(static_range), "fp8/per_tensor_static"));
  BOOST_TEST(has(recipes({static_range[0], static_range[1], "compat=modelopt"}), "fp8/per_tensor_dynamic"));
  BOOST_TEST(has(recipes({"compat=hydra"}), "must be qgrain or modelopt"));
}

// The JSON blocks below "## Adding" of docs/sweep_guide.md.
std::vector<std::string> blocks_of_the_guide() {
  const std::string guide = qgrain::common::read_text_file(source_dir / "docs/sweep_guide.md");
  constexpr std::string_view begin = "```json\n";
  std::vector<std::string> blocks;
  for (std::size_t at = guide.find(begin, guide.find("## Adding")); at != std::string::npos;
       at = guide.find(begin, at)) {
    at += begin.size();
    blocks.push_back(guide.substr(at, guide.find("```", at) - at));
  }
  return blocks;
}

BOOST_FIXTURE_TEST_CASE(own_pairs_overlays_formats_and_data, fixture) {
  const std::vector<std::string> blocks = blocks_of_the_guide();
  const std::vector<std::string> files{"quant_granularity/a_per_token_w_group96", "quant_pair/wint3g32_aint8",
                                       "quant_format/INT3_G32_CFG", "dataset/mine"};
  BOOST_TEST_REQUIRE(blocks.size() == files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::filesystem::path file = folder.path() / "conf" / (files[i] + ".json");
    std::filesystem::create_directories(file.parent_path());
    qgrain::common::write_text_file(file, blocks[i]);
  }
  qgrain::common::write_text_file(path("texts.txt"), "A man riding a horse\nTwo dogs on a beach\nA red bus\n");
  const program_result result =
      run({"--conf-dir", path("conf"), "-m", "dataset=mine", "dataset.captions_path=" + path("texts.txt"),
           "quant_pair=wint3g32_aint8", "quant_granularity=default,a_per_token_w_group96",
           "runner.output_dir=" + path("runs")});
  BOOST_TEST(result.exit_code == 0, result.err);
  const auto recipe = [&](const std::string& granularity, const char* role) {
    const json::value manifest = qgrain::common::read_json_file(
        path("runs/wint3g32_aint8/" + granularity + "/all/wint3g32_aint8_autoquant_lm_quant_manifest.json"));
    BOOST_TEST(manifest.at("dataset").at("num_calib_samples").as_int64() == 3);
    return std::string(manifest.at("recipes").at(role).at("name").as_string());
  };
  BOOST_TEST(recipe("default", "weight") == "int3/group32");
  BOOST_TEST(recipe("default", "activation") == "int8/per_tensor_static");
  BOOST_TEST(recipe("a_per_token_w_group96", "weight") == "int3/group96");
  BOOST_TEST(recipe("a_per_token_w_group96", "activation") == "int8/per_token_dynamic");
  // the Python driver's data set: its folder is looked for below the working folder
  refused({"dataset=vlm_coco2017_captions"}, {"datasets/vlm-quantize-calib/coco2017_captions_large.txt"});
}

// What the guide's section "Not covered" names.
BOOST_FIXTURE_TEST_CASE(what_is_not_covered_is_refused_by_name, fixture) {
  std::filesystem::create_directories(folder.path() / "conf/quant_format");
  const auto format = [&](const std::string& name, const std::string& entry, const std::string& algorithm) {
    qgrain::common::write_text_file(
        path("conf/quant_format/" + name + ".json"),
        R"({"quant_cfg": {"*weight_quantizer": {"num_bits": 4, "block_sizes": {"-1": 128}}, )"
        R"("*input_quantizer": {"enable": false}, )" +
            entry + R"(}, "disabled_by_default": true, "algorithm": )" + algorithm + "}");
    return std::vector<std::string>{"--conf-dir", path("conf"), "quant_pair.format_name=" + name};
  };
  refused(format("GPTQ", R"("*lm_head*": {"enable": false})", R"("gptq")"), {"algorithm", "gptq", "not built in"});
  refused(format("KV", R"("*[kv]_bmm_quantizer": {"num_bits": [4, 3]})", R"("max")"),
          {"*[kv]_bmm_quantizer", "KV cache"});
  refused(format("CONV", R"("nn.Conv2d": {"*weight_quantizer": {"num_bits": 8}})", R"("max")"),
          {"nn.Conv2d", "convolutions"});
  refused(format("SEQUENCE", R"("*output_quantizer": {"num_bits": 8})", R"("max")"), {"*output_quantizer"});
  refused({"quant_pair.format_name=FP8_KV_CFG"}, {"FP8_KV_CFG", "no base format"});
  refused({R"(+quant_granularity.quant_cfg_overrides={*\[kv\]_bmm_quantizer:{num_bits:8}})"},
          {"quant_cfg[*[kv]_bmm_quantizer]", "only weight, input and default"});
  refused({"autoquant.method=gptq"}, {"autoquant.method", "gptq"});
  refused({"autoquant.device=cuda"}, {"autoquant.device", "cpu"});
  for (const std::string name :
       {"W4A8_AWQ_BETA_CFG", "NVFP4_AWQ_CLIP_CFG", "NVFP4_AWQ_FULL_CFG", "NVFP4_SVDQUANT_DEFAULT_CFG"})
    refused({"quant_pair.format_name=" + name}, {name});
  std::filesystem::create_directories(path("other"));
  json::value config = qgrain::common::read_json_file(model_dir / "config.json");
  config.as_object()["architectures"] = json::array{"MambaForCausalLM"};
  qgrain::common::write_text_file(path("other/config.json"), json::serialize(config));
  refused({"model.path=" + path("other")}, {"MambaForCausalLM", "not supported"});
}

// As `make install` lays it out: bin/ beside share/qgrain/. Nothing is set, and the working folder is another one.
BOOST_FIXTURE_TEST_CASE(the_installed_configuration_is_found, fixture) {
  std::filesystem::create_directories(path("prefix/bin"));
  std::filesystem::create_directories(path("prefix/share/qgrain"));
  const std::filesystem::path program = path("prefix/bin/qgrain-sweep");
  std::filesystem::copy_file(std::filesystem::path(QGRAIN_BINARY_DIR) / "bin/qgrain-sweep", program);
  const auto installed = [&](const std::vector<std::string>& arguments) {
    return qgrain::testing::run_program(program, arguments, folder.path());
  };
  const program_result without = installed({"--list"});
  BOOST_TEST(without.exit_code == 1);
  BOOST_TEST((without.err.find("share/qgrain/conf") != std::string::npos), without.err);
  std::filesystem::copy(source_dir / "conf", path("prefix/share/qgrain/conf"),
                        std::filesystem::copy_options::recursive);
  const program_result list = installed({"--list", "quant_granularity"});
  BOOST_TEST(list.exit_code == 0, list.err);
  BOOST_TEST((list.out.find("w_group64\n") != std::string::npos));
}

namespace {

// A data set's file and how it is read.
struct dataset_file {
  std::string name;
  std::string format;
  std::string content;
};

std::string as_safetensors(const std::string& tensor, const std::vector<std::int64_t>& shape,
                           const std::vector<std::int32_t>& ids) {
  const json::object header{
      {tensor,
       {{"dtype", "I32"}, {"shape", json::value_from(shape)}, {"data_offsets", {0, ids.size() * sizeof ids[0]}}}}};
  const std::string text = json::serialize(header);
  const std::uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text +
         std::string(reinterpret_cast<const char*>(ids.data()), ids.size() * sizeof ids[0]);
}

// The scores of a run over the file, and the hash of its token ids.
std::pair<json::value, std::string> scores_of(fixture& f, const dataset_file& file, const std::string& samples) {
  std::ofstream(f.path(file.name), std::ios::binary) << file.content;
  const std::string out = f.path(file.name + "-out");
  const program_result result = f.run(
      {"dataset=" + file.format, "dataset.captions_path=" + f.path(file.name), "dataset.max_calib_samples=" + samples,
       "dataset.calib_seq_len=12", "dataset.padding=none", "jobs=[int8/per_tensor:fp16]", "runner.output_dir=" + out});
  BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
  const json::value scores = qgrain::common::read_json_file(out + "/linear-scores.json");
  return {scores.at("jobs"), std::string(scores.at("identity").at("texts").as_string())};
}

}  // namespace

BOOST_FIXTURE_TEST_CASE(data_sets_of_every_format_give_their_tokens, fixture) {
  const tokenizer t = tokenizer::of_model(model_dir);
  const std::vector<std::string> texts{"A man rides a horse.", "Two dogs play in the snow", "A red bus"};
  std::string lines;
  std::string objects;
  for (const std::string& text : texts) {
    lines += text + "\n\n";
    objects += json::serialize(json::object{{"id", 1}, {"text", text}}) + "\n";
  }
  const auto wanted = scores_of(*this, {"lines.txt", "captions", lines}, "3");
  BOOST_TEST((scores_of(*this, {"texts.jsonl", "json_lines", objects}, "3") == wanted));

  // The whole text's tokens, cut into twelves, the rest of them dropped.
  const std::string book =
      "The quick brown fox jumps over the lazy dog.\nA man and a dog walk on the beach at noon, then home.\n";
  token_ids ids = t.encode(book);
  BOOST_TEST_REQUIRE(ids.size() > 36U);
  BOOST_TEST_REQUIRE(ids.size() < 48U);
  const auto packed = scores_of(*this, {"book.txt", "packed_text", book}, "3");
  const auto size = static_cast<std::int64_t>(ids.size());
  BOOST_TEST((scores_of(*this, {"row.safetensors", "token_ids", as_safetensors("ids", {size}, ids)}, "3") == packed));
  ids.resize(36);
  BOOST_TEST((scores_of(*this, {"rows.safetensors", "token_ids", as_safetensors("ids", {3, 12}, ids)}, "3") == packed));
  BOOST_TEST((packed.second != wanted.second));
}

BOOST_FIXTURE_TEST_CASE(data_sets_that_are_not_what_they_are_said_to_be, fixture) {
  const auto with = [&](const dataset_file& file, const std::vector<std::string>& words) {
    std::ofstream(path(file.name), std::ios::binary) << file.content;
    refused({"dataset=" + file.format, "dataset.captions_path=" + path(file.name), "dataset.max_calib_samples=2",
             "dataset.calib_seq_len=4"},
            words);
  };
  const std::string ids = as_safetensors("ids", {2, 2}, {1, 2, 3, 1024});
  with({"x.txt", "captions", ids}, {"x.txt: byte ", " is 0: this is no text"});
  with({"x.txt", "packed_text", ""}, {"x.txt: the file is empty"});
  with({"x.txt", "packed_text", "A man"}, {"x.txt has 1 sequences of 2 tokens, but 2 are asked for"});
  with({"x.txt", "packed_text", "A caf\xE9"}, {"x.txt: the text is not well-formed UTF-8 at byte 5"});
  with({"x.jsonl", "json_lines", "{\"text\": \"A\"}\n{\"body\": \"B\"}\n"}, {"x.jsonl, line 2: text is missing"});
  with({"x.jsonl", "json_lines", "A man\n"}, {"x.jsonl, line 1: not valid JSON"});
  with({"x.st", "token_ids", ids}, {"x.st: sequence 2, position 1: id 1024 lies outside of the vocabulary of 1024"});
  with({"x.st", "token_ids", as_safetensors("other", {1}, {1})}, {"x.st", "\"ids\""});
  with({"x.st", "token_ids", as_safetensors("ids", {1, 1, 1}, {1})}, {"x.st", "[1, 1, 1]", "[sequences, tokens]"});
  with({"x.st", "token_ids", as_safetensors("ids", {0}, {})}, {"x.st has no tokens"});
  refused({"+dataset.format=csv"}, {"dataset.format: no format is called csv; there are lines, json_lines"});
  refused({"+dataset.formatt=lines"}, {"dataset.formatt", "format"});
}
