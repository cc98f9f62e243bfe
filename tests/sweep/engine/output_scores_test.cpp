// Divergence and loss of quantized groups: ModelOpt's kl_div jobs, the definition by full forward passes, repeatability.
#include "engine_support.hpp"

#include <sweep/engine/output_scores.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/host/fake_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

namespace {

using namespace qgrain;
using namespace qgrain::sweep;
using namespace qgrain::sweep::testing;
using lm::testing::expect_error;

struct reference {
  std::string name;
  job wanted;
  std::vector<double> scores;  // [group]
};

std::size_t linear_called(std::string_view name) {
  const auto& linears = tiny().linears();
  const auto found = std::find_if(linears.begin(), linears.end(), [&](const auto& l) { return l.name == name; });
  BOOST_TEST_REQUIRE((found != linears.end()));
  return static_cast<std::size_t>(found - linears.begin());
}

std::string recipe_of(const boost::json::value& quantizer) {
  const std::string dtype(quantizer.at("dtype").as_string());
  return dtype == "fp16" ? dtype : dtype + "/" + std::string(quantizer.at("granularity").as_string());
}

// ModelOpt's kl_div jobs of one data path, and the groups of the first.
std::vector<reference> references(const std::string& data_path, std::vector<linear_group>& groups) {
  const boost::json::value all = lm::read_json_file(source_dir / "tests/data/scores/jobs.json");
  std::vector<reference> found;
  for (const boost::json::value& run : all.at("jobs").as_array()) {
    if (run.at("method").as_string() != "kl_div" || run.at("data").at("path").as_string() != data_path) continue;
    reference r{std::string(run.at("name").as_string()), {recipe_of(run.at("weight")), recipe_of(run.at("activation"))}, {}};
    const boost::json::value& stored = run.at("groups");
    BOOST_TEST_REQUIRE(stored.at("list").as_string() == "groups_25");
    for (const boost::json::value& s : stored.at("raw_scores").as_array())
      r.scores.push_back(s.as_array().at(0).to_number<double>());
    found.push_back(r);
  }
  for (const boost::json::value& group : all.at("group_lists").at("groups_25").as_array()) {
    linear_group members;
    for (const boost::json::value& name : group.at("members").as_array())
      members.push_back(linear_called(name.as_string()));
    groups.push_back(members);
  }
  return found;
}

// Ranks; there are no ties among measured scores.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> rank(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<double>(i);
  return rank;
}

double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const std::vector<double> ra = ranks(a);
  const std::vector<double> rb = ranks(b);
  double squares = 0;
  for (std::size_t i = 0; i < ra.size(); ++i) squares += (ra[i] - rb[i]) * (ra[i] - rb[i]);
  const auto n = static_cast<double>(ra.size());
  return 1 - 6 * squares / (n * (n * n - 1));
}

void compare(const std::string& data_path, std::size_t jobs_wanted) {
  std::vector<linear_group> groups;
  const std::vector<reference> stored = references(data_path, groups);
  BOOST_TEST_REQUIRE(stored.size() == jobs_wanted);
  std::vector<job> jobs;
  for (const reference& r : stored) jobs.push_back(r.wanted);
  thread_pool pool(2);
  const lm::packed_rows rows = rows_of(captions("captions_small.txt"), data_path);
  const output_result found = score_outputs(tiny(), rows, jobs, groups, pool);
  double worst = 0;
  double least = 1;
  for (std::size_t j = 0; j < stored.size(); ++j) {
    const std::vector<double>& wanted = stored[j].scores;
    BOOST_TEST_REQUIRE(wanted.size() == found.kl_div[j].size());
    const double largest = *std::max_element(wanted.begin(), wanted.end());
    for (std::size_t g = 0; g < wanted.size(); ++g) {
      const double difference = std::abs(found.kl_div[j][g] - wanted[g]) / largest;
      BOOST_TEST(difference <= 1e-3, stored[j].name << " group " << g << " found " << found.kl_div[j][g] << " wanted "
                                                    << wanted[g]);
      worst = std::max(worst, difference);
    }
    const double correlation = rank_correlation(found.kl_div[j], wanted);
    BOOST_TEST(correlation >= 0.999, stored[j].name << " " << correlation);
    least = std::min(least, correlation);
  }
  BOOST_TEST_MESSAGE(data_path << ": " << stored.size() << " jobs, largest difference " << worst
                               << " of the largest score, least rank correlation " << least << "; "
                               << found.total_seconds << " s");
}

}  // namespace

BOOST_AUTO_TEST_CASE(modelopt_left_padded) { compare("driver", 3); }
BOOST_AUTO_TEST_CASE(modelopt_plain) { compare("plain", 7); }
