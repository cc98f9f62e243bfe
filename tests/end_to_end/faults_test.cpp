// A few faults of the kinds that faults_slow_test draws, always the same ones.
#include <end_to_end/fault_support.hpp>

namespace {

using namespace qgrain::testing;

}  // namespace

BOOST_AUTO_TEST_CASE(ten_faults_lose_nothing) { try_faults(10, 15); }

// The last calls of a list of recipes remove its checkpoints: what is left of them goes with the next run.
BOOST_AUTO_TEST_CASE(checkpoints_that_cannot_be_removed_go_with_the_next_run) {
  fault_bench bench;
  const std::vector<fault_scenario> scenarios = fault_scenarios();
  const auto list = std::find_if(scenarios.begin(), scenarios.end(), [](const auto& s) { return s.name == "list"; });
  BOOST_TEST_REQUIRE((list != scenarios.end()));
  for (const long before_end : {1, 2}) {
    fault f;
    f.error = EACCES;
    f.at = bench.undisturbed(*list, false).calls - before_end;
    BOOST_TEST_INFO_SCOPE(text_of(f, *list));
    BOOST_TEST(fault_trial(bench, *list, f).run());
  }
}
