// Job lists of multiruns, against those of Hydra's basic sweeper.
#include <hydra/composer.hpp>
#include <hydra/interpolation.hpp>
#include <hydra/job_list.hpp>
#include <hydra/reference_tree.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace hydra = qgrain::hydra;
namespace json = boost::json;
using qgrain::test::sentence_of;

namespace {

json::array as_json(const std::vector<hydra::job>& jobs) {
  json::array list;
  for (const auto& job : jobs) list.push_back(json::array(job.begin(), job.end()));
  return list;
}

std::vector<hydra::job> jobs_of(const json::object& item, const hydra::config_source& source) {
  std::vector<std::string> overrides;
  if (const auto* params = item.if_contains("sweeper_params")) overrides = hydra::sweep_section_overrides(*params);
  for (const auto& text : qgrain::test::text_list(item.at("arguments"))) overrides.push_back(text);
  return hydra::expand_jobs(overrides, source);
}

// The jobs of a case in one list; batches only cut it.
json::array wanted_jobs(const json::object& item) {
  if (const auto* jobs = item.if_contains("jobs")) return jobs->as_array();
  json::array list;
  for (const auto& batch : item.at("batches").as_array()) {
    for (const auto& job : batch.as_array()) list.push_back(job);
  }
  return list;
}

std::size_t compare_configurations(const json::object& item, const std::vector<hydra::job>& jobs,
                                   const hydra::config_source& source) {
  const auto* wanted = item.if_contains("configs");
  if (wanted == nullptr) return 0;
  const auto context = qgrain::test::context_of(item);
  BOOST_TEST(wanted->as_array().size() == jobs.size());
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto composed = hydra::compose(source, std::string(item.at("config_name").as_string()), jobs[i], context);
    BOOST_TEST(qgrain::test::stored_text(hydra::resolve(composed.config, context).config) ==
               json::serialize(wanted->as_array().at(i)));
  }
  return jobs.size();
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_reference_job_list_has_the_stored_jobs_or_error) {
  const auto reference = qgrain::test::reference_cases("compose.json");
  const auto source = qgrain::test::source_of_tree(reference.at("tree").as_object());
  std::size_t cases = 0, right = 0, configurations = 0;
  for (const auto& value : reference.at("multirun").as_array()) {
    const auto& item = value.as_object();
    ++cases;
    if (item.contains("error")) {
      BOOST_CHECK_THROW((void)jobs_of(item, source), qgrain::error);
      ++right;
      continue;
    }
    const auto jobs = jobs_of(item, source);
    BOOST_TEST(json::serialize(as_json(jobs)) == json::serialize(wanted_jobs(item)), item.at("what").as_string());
    right += static_cast<std::size_t>(as_json(jobs) == wanted_jobs(item));
    configurations += compare_configurations(item, jobs, source);
  }
  BOOST_TEST_MESSAGE("job lists: " << right << " of " << cases << ", composed jobs: " << configurations);
  BOOST_TEST(cases == 29U);
  BOOST_TEST(right == cases);
  BOOST_TEST(configurations > 15U);
}

BOOST_AUTO_TEST_CASE(a_sweep_section_takes_texts_and_plain_values_only) {
  const json::value section = {{"seed", "1,2"}, {"model", "glob(*)"}, {"bits", 4.5}, {"flag", true}, {"none", nullptr}};
  const std::vector<std::string> wanted = {"seed=1,2", "model=glob(*)", "bits=4.5", "flag=True", "none=null"};
  BOOST_TEST(hydra::sweep_section_overrides(section) == wanted);
  const json::value list = {{"seed", {1, 2}}};
  BOOST_TEST(sentence_of([&] { (void)hydra::sweep_section_overrides(list); }) ==
             "'sweep.seed' is a text like \"a,b\" or \"range(1,4)\", not [1,2]");
  BOOST_CHECK_THROW((void)hydra::sweep_section_overrides("seed=1,2"), qgrain::error);
}

BOOST_AUTO_TEST_CASE(more_jobs_than_100000_are_refused_before_they_are_made) {
  const hydra::memory_source nothing({});
  const std::vector<std::string> sweeps = {"a=range(2000)", "b=range(2000)"};
  BOOST_TEST(sentence_of([&] { (void)hydra::expand_jobs(sweeps, nothing); }) == "the sweep has more than 100000 jobs");
  for (const std::string range :
       {"range(0,100001)", "range(0.0,1.0,0.000009)", "range(1.0,1e300,1e-300)", "range(1e27,2e27,0.01)"}) {
    const std::string refusal = sentence_of([&] { (void)hydra::expand_jobs({"a=" + range}, nothing); });
    BOOST_TEST(refusal.ends_with("has more than 100000 elements"), range << ": " << refusal);
  }
  BOOST_TEST(hydra::expand_jobs({"a=range(1e-300,1.0,0.00001)"}, nothing).size() == 100'000U);
}
