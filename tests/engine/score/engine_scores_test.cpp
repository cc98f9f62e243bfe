// Scores and ranges against ModelOpt: every stored f32 gradient job and every row of the stand-alone tables.
#include <engine/engine_support.hpp>
#include <engine/measure/rank_correlation.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>

namespace {

using namespace qgrain;
using namespace qgrain::engine;
using namespace qgrain::engine::testing;

const std::filesystem::path scores_dir = source_dir / "tests/data/scores";

// One stored score list and the job that must reproduce it.
struct reference {
  std::string name;
  job wanted;
  std::vector<double> scores;  // [Linear]
};

std::vector<double> doubles_of(const boost::json::value& list) {
  std::vector<double> values;
  for (const boost::json::value& v : list.as_array()) values.push_back(v.to_number<double>());
  return values;
}

// The ModelOpt presets among the jobs, by what they mean. W4A8_AWQ_BETA_CFG has two weight quantizers in sequence, for
// which there is no recipe.
const std::map<std::string, job> presets{
    {"FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG", {"fp8/tile128x128", "fp16"}},
    {"FP8_DEFAULT_CFG", {"fp8/per_tensor", "fp8/per_tensor_static"}},
    {"FP8_PER_CHANNEL_PER_TOKEN_CFG", {"fp8/per_out_channel", "fp8/per_token_dynamic"}},
    {"INT4_AWQ_CFG", {"int4/group128", "fp16", "awq_lite"}},
    {"INT4_BLOCKWISE_WEIGHT_ONLY_CFG", {"int4/group128", "fp16"}},
    {"INT8_DEFAULT_CFG", {"int8/per_out_channel", "int8/per_tensor_static"}},
    {"INT8_SMOOTHQUANT_CFG", {"int8/per_out_channel", "int8/per_tensor_static", "smoothquant"}},
    {"INT8_WEIGHT_ONLY_CFG", {"int8/per_out_channel", "fp16"}},
};

struct reference_counts {
  int jobs = 0;
  int rows = 0;
  int in_sequence = 0;
};

// All references of one caption file and data path.
std::vector<reference> references(const std::string& captions_file, const std::string& data_path,
                                  reference_counts& counts) {
  std::vector<reference> found;
  const boost::json::value runs = qgrain::common::read_json_file(scores_dir / "jobs.json");
  for (const boost::json::value& run : runs.at("jobs").as_array()) {
    if (run.at("compute_dtype").as_string() != "f32" || run.at("method").as_string() != "gradient" ||
        run.at("data").at("captions").as_string() != captions_file ||
        run.at("data").at("path").as_string() != data_path) {
      continue;
    }
    const boost::json::object& weight = run.at("weight").as_object();
    const boost::json::object& activation = run.at("activation").as_object();
    job wanted;
    if (weight.contains("preset")) {
      const auto preset = presets.find(std::string(weight.at("preset").as_string()));
      if (preset == presets.end()) {
        ++counts.in_sequence;
        continue;
      }
      wanted = preset->second;
    } else {
      const auto name = [](const boost::json::object& o) {
        const std::string dtype(o.at("dtype").as_string());
        return dtype == "fp16" ? dtype : dtype + "/" + std::string(o.at("granularity").as_string());
      };
      wanted = {name(weight), name(activation)};
    }
    found.push_back({std::string(run.at("name").as_string()), wanted, doubles_of(run.at("layers"))});
    ++counts.jobs;
  }
  const boost::json::value tables = qgrain::common::read_json_file(scores_dir / "linear_scores.json");
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

void compare(const std::string& size, const std::string& data_path, reference_counts wanted_counts) {
  reference_counts counts;
  const std::string captions_file = "captions_" + size + ".txt";
  const std::vector<reference> stored = references(captions_file, data_path, counts);
  BOOST_TEST(counts.jobs == wanted_counts.jobs);
  BOOST_TEST(counts.rows == wanted_counts.rows);
  BOOST_TEST(counts.in_sequence == wanted_counts.in_sequence);

  std::vector<job> jobs;
  for (const reference& r : stored) {
    if (std::find(jobs.begin(), jobs.end(), r.wanted) == jobs.end()) jobs.push_back(r.wanted);
  }
  thread_pool pool(2);
  const lm::packed_rows rows = rows_of(captions(captions_file), data_path);
  const engine_result found = score_jobs(tiny(), rows, jobs, pool);

  std::size_t compared = 0;
  std::size_t within = 0;
  double worst = 0;
  double least_correlation = 1;
  for (const reference& r : stored) {
    const auto j = static_cast<std::size_t>(std::find(jobs.begin(), jobs.end(), r.wanted) - jobs.begin());
    BOOST_TEST_REQUIRE(r.scores.size() == found.scores[j].size());
    const double largest = *std::max_element(r.scores.begin(), r.scores.end());
    for (std::size_t l = 0; l < r.scores.size(); ++l) {
      if (r.scores[l] <= 1e-6 * largest) continue;
      const double difference = std::abs(found.scores[j][l] / r.scores[l] - 1);
      BOOST_TEST(difference <= 5e-4, r.name << " " << tiny().linears()[l].name << " found " << found.scores[j][l]
                                            << " wanted " << r.scores[l]);
      worst = std::max(worst, difference);
      within += difference <= 1e-4 ? 1 : 0;
      ++compared;
    }
    if (r.wanted.calibration != "max") {
      double farthest = 0;
      for (std::size_t l = 0; l < r.scores.size(); ++l)
        farthest = std::max(farthest, std::abs(found.scores[j][l] / r.scores[l] - 1));
      BOOST_TEST(farthest <= 1e-4, r.name);
      BOOST_TEST_MESSAGE(r.name << ": worst difference " << farthest);
    }
    const double correlation = qgrain::engine::spearman(found.scores[j], r.scores);
    BOOST_TEST(correlation >= 0.999, r.name);
    least_correlation = std::min(least_correlation, correlation);
  }
  const double share = static_cast<double>(within) / static_cast<double>(compared);
  BOOST_TEST(share >= 0.99);
  BOOST_TEST_MESSAGE(size << " " << data_path << ": " << counts.jobs << " jobs and " << counts.rows << " table rows, "
                          << compared << " scores compared (" << counts.in_sequence
                          << " jobs of two quantizers in sequence are not of this test); worst " << worst
                          << ", within 1e-4 " << 100 * share << " %, least rank correlation " << least_correlation);

  const lm::safetensors_file amax(scores_dir / ("input_amax_" + size + "_" + data_path + ".safetensors"));
  std::size_t ranges = 0;
  for (std::size_t l = 0; l < tiny().linears().size(); ++l) {
    const std::vector<float> wanted = lm::testing::floats_of(amax, tiny().linears()[l].name + ".input_amax");
    BOOST_TEST_REQUIRE(wanted.size() == found.input_amax[l].size());
    for (std::size_t c = 0; c < wanted.size(); ++c) {
      BOOST_TEST(std::abs(found.input_amax[l][c] - wanted[c]) <= 1e-6F * std::max(1.0F, wanted[c]));
      ++ranges;
    }
  }
  BOOST_TEST_MESSAGE(ranges << " calibrated ranges compared");
  BOOST_TEST(ranges == 37U * 128 + 6U * 384);
}

}  // namespace

BOOST_AUTO_TEST_CASE(small_left_padded) { compare("small", "driver", {103, 110, 1}); }
BOOST_AUTO_TEST_CASE(small_plain) { compare("small", "plain", {24, 110, 0}); }
BOOST_AUTO_TEST_CASE(medium_left_padded) { compare("medium", "driver", {12, 110, 0}); }
