// ModelOpt's gradient and divergence scores as tests/data/scores has them, of both machines that they were computed on.
#ifndef QGRAIN_TESTS_ENGINE_SCORE_SCORE_REFERENCES_HPP
#define QGRAIN_TESTS_ENGINE_SCORE_SCORE_REFERENCES_HPP

#include <common/json.hpp>
#include <engine/engine_support.hpp>
#include <engine/score/job.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::engine::testing {

inline const std::filesystem::path scores_dir = source_dir / "tests/data/scores";

/// One stored score list and the job that must reproduce it.
struct score_reference {
  std::string name;
  job wanted;
  std::vector<double> scores;  // [Linear], or [group] of kl_div
};

/// What was found where.
struct reference_counts {
  int jobs = 0;
  int rows = 0;
  int in_sequence = 0;  ///< jobs of two weight quantizers in sequence, for which there is no recipe
};

inline std::vector<double> doubles_of(const boost::json::value& list) {
  std::vector<double> values;
  for (const boost::json::value& v : list.as_array()) values.push_back(v.to_number<double>());
  return values;
}

/// The name of the recipe of a stored quantizer.
inline std::string recipe_of(const boost::json::object& quantizer) {
  const std::string dtype(quantizer.at("dtype").as_string());
  return dtype == "fp16" ? dtype : dtype + "/" + std::string(quantizer.at("granularity").as_string());
}

/// The ModelOpt presets among the jobs, by what they mean.
inline const std::map<std::string, job> preset_jobs{
    {"FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG", {"fp8/tile128x128", "fp16"}},
    {"FP8_DEFAULT_CFG", {"fp8/per_tensor", "fp8/per_tensor_static"}},
    {"FP8_PER_CHANNEL_PER_TOKEN_CFG", {"fp8/per_out_channel", "fp8/per_token_dynamic"}},
    {"INT4_AWQ_CFG", {"int4/group128", "fp16", "awq_lite"}},
    {"INT4_BLOCKWISE_WEIGHT_ONLY_CFG", {"int4/group128", "fp16"}},
    {"INT8_DEFAULT_CFG", {"int8/per_out_channel", "int8/per_tensor_static"}},
    {"INT8_SMOOTHQUANT_CFG", {"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"}},
    {"INT8_WEIGHT_ONLY_CFG", {"int8/per_out_channel", "fp16"}},
};

inline const boost::json::value& stored_runs() {
  static const boost::json::value runs = common::read_json_file(scores_dir / "jobs.json");
  return runs;
}

/// The f32 gradient jobs of one caption file and data path.
inline std::vector<score_reference> gradient_jobs(const std::string& captions_file, const std::string& data_path,
                                                  reference_counts& counts) {
  std::vector<score_reference> found;
  for (const boost::json::value& run : stored_runs().at("jobs").as_array()) {
    if (run.at("compute_dtype").as_string() != "f32" || run.at("method").as_string() != "gradient" ||
        run.at("data").at("captions").as_string() != captions_file ||
        run.at("data").at("path").as_string() != data_path) {
      continue;
    }
    const boost::json::object& weight = run.at("weight").as_object();
    job wanted;
    if (weight.contains("preset")) {
      const auto preset = preset_jobs.find(std::string(weight.at("preset").as_string()));
      if (preset == preset_jobs.end()) {
        ++counts.in_sequence;
        continue;
      }
      wanted = preset->second;
    } else {
      wanted = {recipe_of(weight), recipe_of(run.at("activation").as_object())};
    }
    found.push_back({std::string(run.at("name").as_string()), wanted, doubles_of(run.at("layers"))});
    ++counts.jobs;
  }
  return found;
}

/// The rows of the stand-alone tables of one caption file and data path.
inline std::vector<score_reference> table_rows(const std::string& captions_file, const std::string& data_path,
                                               reference_counts& counts) {
  std::vector<score_reference> found;
  const boost::json::value tables = common::read_json_file(scores_dir / "linear_scores.json");
  for (const boost::json::value& table : tables.at("tables").as_array()) {
    if (table.at("captions").as_string() != captions_file || table.at("data_path").as_string() != data_path) continue;
    for (const boost::json::value& row : table.at("pairs").as_array()) {
      const job wanted{std::string(row.at("weight").as_string()), std::string(row.at("activation").as_string())};
      found.push_back({"table " + wanted.weight + " " + wanted.activation, wanted, doubles_of(row.at("scores"))});
      ++counts.rows;
    }
  }
  return found;
}

/// The kl_div jobs of one data path: scores of groups_25 before ModelOpt's running minimum.
inline std::vector<score_reference> divergence_jobs(const std::string& data_path) {
  std::vector<score_reference> found;
  for (const boost::json::value& run : stored_runs().at("jobs").as_array()) {
    if (run.at("method").as_string() != "kl_div" || run.at("data").at("path").as_string() != data_path) continue;
    score_reference r{std::string(run.at("name").as_string()),
                      {recipe_of(run.at("weight").as_object()), recipe_of(run.at("activation").as_object())},
                      {}};
    for (const boost::json::value& s : run.at("groups").at("raw_scores").as_array())
      r.scores.push_back(s.at(0).to_number<double>());
    found.push_back(r);
  }
  return found;
}

/// Those of some references that were run on the second machine as well, with the scores from there.
inline std::vector<score_reference> on_second_machine(const std::vector<score_reference>& references) {
  static const boost::json::value second = common::read_json_file(scores_dir / "second_machine.json");
  const boost::json::object& jobs = second.at("jobs").as_object();
  std::vector<score_reference> found;
  for (const score_reference& r : references) {
    const auto run = jobs.find(r.name);
    if (run == jobs.end()) continue;
    score_reference other{r.name + " (second machine)", r.wanted, {}};
    if (r.name.find("kl_div") != std::string::npos) {
      for (const boost::json::value& group : run->value().at("groups").as_array())
        other.scores.push_back(group.at("raw_scores").at(0).to_number<double>());
    } else {
      for (const lm::linear_info& l : tiny().linears())
        other.scores.push_back(run->value().at("layers").at(l.name).to_number<double>());
    }
    found.push_back(other);
  }
  return found;
}

/// The distinct jobs of some references, in their order.
inline std::vector<job> distinct_jobs(const std::vector<score_reference>& references) {
  std::vector<job> jobs;
  for (const score_reference& r : references) {
    if (std::find(jobs.begin(), jobs.end(), r.wanted) == jobs.end()) jobs.push_back(r.wanted);
  }
  return jobs;
}

}  // namespace qgrain::engine::testing

#endif
