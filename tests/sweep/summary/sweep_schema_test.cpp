// The files of real sweeps: they follow docs/schema, and the same results give the same bytes.
#include <common/json.hpp>
#include <support/run_program.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/scratch_folder.hpp>
#include <sweep/summary/json_schema.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <map>

namespace fs = std::filesystem;
using namespace qgrain::test;

namespace {

// Which schema a file follows; "" for files that are no JSON or whose schema is the configuration's own.
std::string schema_of(const std::string& name) {
  if (name.ends_with("_quant_manifest.json")) return "quant-manifest";
  if (name == "run_stats.json") return "run-stats";
  if (name == "composed-config.json" || !name.ends_with(".json")) return "";
  return name.substr(0, name.size() - 5);
}

// The state of a run is no result.
bool is_state(const fs::path& path) {
  return std::find(path.begin(), path.end(), qgrain::sweep::state_folder("")) != path.end();
}

std::map<std::string, int> check_schemas(const fs::path& folder) {
  std::map<std::string, int> checked;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = schema_of(entry.path().filename().string());
    if (name.empty() || is_state(entry.path())) continue;
    const fs::path path = source_path("docs/schema/" + name + ".schema.json");
    const json_schema schema(qgrain::common::parse_json(file_text(path), path.string()));
    const std::vector<std::string> faults =
        schema.faults(qgrain::common::parse_json(file_text(entry.path()), entry.path().string()));
    BOOST_TEST(faults.empty(), entry.path().string() + (faults.empty() ? "" : " " + faults.front()));
    ++checked[name];
  }
  return checked;
}

// Everything but times and the names of folders in the configuration.
std::map<std::string, std::string> results_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const bool is_result = name.find("run") == std::string::npos && name != "composed-config.json" &&
                           name != "layer-sensitivity-report.md" && !name.starts_with("std");
    if (entry.is_regular_file() && is_result && !is_state(entry.path()))
      files[fs::relative(entry.path(), folder).string()] = file_text(entry.path());
  }
  return files;
}

}  // namespace

BOOST_AUTO_TEST_CASE(files_of_a_sweep) {
  const scratch_folder scratch;
  const auto sweep = [&](const std::string& folder, const std::string& further) {
    const auto result = qgrain::testing::run_program(
        "qgrain-sweep",
        {"-m", "quant_pair=wint4_afp16,wfp8_aint8", "quant_granularity=w_group64,default", "dataset.size=small",
         "runner.output_dir=" + (scratch.path / folder).string(), further},
        scratch.path);
    BOOST_TEST(result.exit_code == 0, result.err);
    BOOST_TEST((result.out.find("sweep-summary.html") != std::string::npos), result.out);
  };
  sweep("first", "runner.threads=1");
  const std::map<std::string, int> checked = check_schemas(scratch.path / "first");
  BOOST_TEST((checked == std::map<std::string, int>{{"layer-sensitivity-report", 4},
                                                    {"mix", 4},
                                                    {"quant-manifest", 4},
                                                    {"quant_recipe", 4},
                                                    {"run-stats", 4},
                                                    {"sweep-run-stats", 1},
                                                    {"sweep-summary", 1}}));
  const auto first = results_in(scratch.path / "first");
  BOOST_TEST(first.size() == 4U * 7U + 5U);
  for (const auto& [name, text] : first) BOOST_TEST((text.find("seconds") == std::string::npos), name);
  sweep("second", "runner.threads=3");
  BOOST_TEST((results_in(scratch.path / "second") == first));
  // Reports that are made again from the manifests are the same, too.
  for (const auto& [name, text] : first) {
    if (name.find("manifest") == std::string::npos) fs::remove(scratch.path / "second" / name);
  }
  sweep("second", "runner.report_only=true");
  BOOST_TEST((results_in(scratch.path / "second") == first));

  const auto skipping = qgrain::testing::run_program(
      "qgrain-sweep",
      {"-m", "quant_pair=wint4_afp16", "quant_granularity=w_group256,default", "dataset.size=small",
       "runner.on_illegal=skip", "runner.output_dir=" + (scratch.path / "skipping").string()},
      scratch.path);
  BOOST_TEST(skipping.exit_code == 0, skipping.err);
  BOOST_TEST(check_schemas(scratch.path / "skipping")["skipped-jobs"] == 1);

  const auto listed = qgrain::testing::run_program(
      "qgrain-sweep",
      {"jobs=[int8/per_tensor:fp16]", "dataset.size=small", "runner.output_dir=" + (scratch.path / "list").string()},
      scratch.path);
  BOOST_TEST(listed.exit_code == 0, listed.err);
  BOOST_TEST(
      (check_schemas(scratch.path / "list") == std::map<std::string, int>{{"linear-scores", 1}, {"run-stats", 1}}));
}

BOOST_AUTO_TEST_CASE(sizes_of_a_data_set_tell_jobs_apart) {
  const scratch_folder scratch;
  const auto result = qgrain::testing::run_program("qgrain-sweep",
                                                   {"-m", "quant_pair=wint8_afp16", "dataset.size=small,medium",
                                                    "runner.output_dir=" + (scratch.path / "out").string()},
                                                   scratch.path);
  BOOST_TEST(result.exit_code == 0, result.err);
  const json::object summary =
      qgrain::common::read_json_object(scratch.path / "out" / "wint8_afp16/default/sweep-summary.json");
  BOOST_TEST(summary.at("jobs").at(0).at("label").as_string() == "wint8_afp16 default small");
  BOOST_TEST(summary.at("jobs").at(1).at("label").as_string() == "wint8_afp16 default medium");
  BOOST_TEST(summary.at("jobs").at(1).at("family").as_int64() == 1);
}
