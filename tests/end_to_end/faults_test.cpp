// A few faults of the kinds that faults_slow_test draws, always the same ones.
#include <end_to_end/fault_support.hpp>

namespace {

using namespace qgrain::testing;

const fault_scenario& scenario_named(const std::vector<fault_scenario>& scenarios, const std::string& name) {
  const auto found = std::find_if(scenarios.begin(), scenarios.end(), [&](const auto& s) { return s.name == name; });
  BOOST_TEST_REQUIRE((found != scenarios.end()));
  return *found;
}

std::ptrdiff_t portions_scored(const fs::path& folder) {
  const std::vector<log_line> lines = read_log(folder);
  return std::count_if(lines.begin(), lines.end(), [](const log_line& line) { return line.what == "scored"; });
}

}  // namespace

BOOST_AUTO_TEST_CASE(ten_faults_lose_nothing) { try_faults(10, 15); }

// The last calls of a list of recipes remove its checkpoints: what is left of them goes with the next run.
BOOST_AUTO_TEST_CASE(checkpoints_that_cannot_be_removed_go_with_the_next_run) {
  fault_bench bench;
  const std::vector<fault_scenario> scenarios = fault_scenarios();
  const fault_scenario& list = scenario_named(scenarios, "list");
  for (const long before_end : {1, 2}) {
    fault f;
    f.error = EACCES;
    f.at = bench.undisturbed(list, false).calls - before_end;
    BOOST_TEST_INFO_SCOPE(text_of(f, list));
    BOOST_TEST(fault_trial(bench, list, f).run());
  }
}

// Every portion has its checkpoint here, of whichever method: at most the one that the kill fell into is scored again.
BOOST_AUTO_TEST_CASE(checkpoints_of_every_method_outlive_a_kill) {
  fault_bench bench;
  const std::vector<fault_scenario> scenarios = fault_scenarios();
  const fault_scenario& methods = scenario_named(scenarios, "methods");
  const fs::path whole = bench.working_folder(methods, false);
  BOOST_TEST(bench.run(methods.program, methods.arguments, whole, {}).code == 0);
  const long calls = bench.undisturbed(methods, false).calls;
  for (const long at : {calls / 3, calls * 3 / 4}) {
    const fs::path folder = bench.working_folder(methods, false);
    const std::map<std::string, std::string> kill{{"QGRAIN_FAULT_AT", std::to_string(at)}};
    BOOST_TEST(bench.run(methods.program, methods.arguments, folder, kill).code == -1);
    BOOST_TEST(bench.run(methods.program, methods.arguments, folder, {}).code == 0);
    BOOST_TEST(portions_scored(folder / "out") <= portions_scored(whole / "out") + 1, "killed at call " << at);
  }
}

// A kill while the identity of the first checkpoint is written: nothing is there yet that could be of other inputs.
BOOST_AUTO_TEST_CASE(half_an_identity_is_no_checkpoint) {
  fault_bench bench;
  const std::vector<fault_scenario> scenarios = fault_scenarios();
  const fault_scenario& methods = scenario_named(scenarios, "methods");
  for (long at = 1;; ++at) {
    const fs::path folder = bench.working_folder(methods, false);
    const auto killed =
        bench.run(methods.program, methods.arguments, folder, {{"QGRAIN_FAULT_AT", std::to_string(at)}});
    BOOST_TEST_REQUIRE(killed.code == -1);
    if (killed.report.find("fsync") == std::string::npos || killed.report.find("identity") == std::string::npos)
      continue;
    const auto again = bench.run(methods.program, methods.arguments, folder, {});
    BOOST_TEST(again.code == 0, again.said);
    return;
  }
}

// Whichever write of an export (a third of them is tried) finds the disk full: a sentence, no folder under the name,
// and the rest with --resume.
BOOST_AUTO_TEST_CASE(full_disks_stop_exports_that_then_go_on) {
  fault_bench bench;
  const fs::path folder = bench.working_folder({}, false);
  fs::copy(fs::path(QGRAIN_SOURCE_DIR) / "tests/data/export/base/q3s", folder / "q3s");
  fs::create_directories(folder / "out");
  const auto arguments = [](const std::string& out) {
    return std::vector<std::string>{"--model", "q3s",        "--to",    "compressed-tensors", "--scheme", "W8A8",
                                    "--out",   "out/" + out, "--resume"};
  };
  const auto whole = bench.run("qgrain-export", arguments("whole"), folder, {});
  BOOST_TEST_REQUIRE(whole.code == 0, whole.said);
  const auto wanted = result_files(folder / "out/whole");
  fs::remove_all(folder / "out/whole");
  long calls = 0;
  std::istringstream(whole.report.substr(whole.report.rfind(' ') + 1)) >> calls;
  BOOST_TEST_REQUIRE(calls > 10, whole.report);
  for (long at = calls; at >= 1; at -= 3) {
    const std::map<std::string, std::string> full{{"QGRAIN_FAULT_AT", std::to_string(at)},
                                                  {"QGRAIN_FAULT_ERRNO", std::to_string(ENOSPC)},
                                                  {"QGRAIN_FAULT_LASTS", "1"}};
    const auto stopped = bench.run("qgrain-export", arguments("x"), folder, full);
    BOOST_TEST(stopped.code == 1, "call " << at << ": " << stopped.said);
    BOOST_TEST(stopped.said.find("No space left on device") != std::string::npos,
               "call " << at << ": " << stopped.said);
    BOOST_TEST(!fs::exists(folder / "out/x"), "call " << at);
    const auto again = bench.run("qgrain-export", arguments("x"), folder, {});
    BOOST_TEST(again.code == 0, "call " << at << ": " << again.said);
    BOOST_TEST((result_files(folder / "out/x") == wanted), differing_paths(result_files(folder / "out/x"), wanted));
    fs::remove_all(folder / "out/x");
  }
  BOOST_TEST_MESSAGE(calls << " calls");
}
