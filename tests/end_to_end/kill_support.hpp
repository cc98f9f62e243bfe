// Kills a sweep at random moments and goes on with it: what must be true of results, folders and log.
#ifndef QGRAIN_TESTS_END_TO_END_KILL_SUPPORT_HPP
#define QGRAIN_TESTS_END_TO_END_KILL_SUPPORT_HPP

#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <support/background_program.hpp>
#include <support/run_program.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::testing {

namespace fs = std::filesystem;

inline constexpr double kill_test_interval = 0.5;

/// 48 jobs on captions_medium: some seconds of scoring.
inline std::vector<std::string> kill_test_sweep(const std::string& folder) {
  return {"-m",
          "quant_pair=wint2_aint8,wint3_afp8,wint4_aint4,wint5_afp16,wint6_afp8,wint7_aint8,wint8_aint4,wfp8_afp8",
          "quant_granularity=default,w_per_tensor,w_group32,w_group64,w_tile128x128,a_per_token_dynamic",
          "runner.checkpoint_seconds=0.5", "runner.output_dir=" + folder};
}

/// A sweep to be killed. The folder of its results is `out`.
struct kill_plan {
  std::vector<std::string> arguments = kill_test_sweep("out");
  std::size_t least_files = 48U * 5U;
  bool is_one_sweep = true;  ///< whether each portion of work has a name of its own in the log
};

/// Three methods in sweeps of their own, and mixes measured.
inline kill_plan autoquant_kill_plan() {
  return {{"autoquant.formats=[wint4_afp16,wint8_aint8/a_per_token_dynamic,INT8_SMOOTHQUANT_CFG]",
           "autoquant.effective_bits=6", "autoquant.methods=[fisher,kl_div]", "autoquant.verify=true",
           "autoquant.study_bits=[5,8]", "runner.checkpoint_seconds=0.2", "runner.output_dir=out"},
          12,
          false};
}

/// Text of every result file by its path; the stats and .sweep tell of the run, not of its results.
inline std::map<std::string, std::string> result_files(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder).string();
    if (!entry.is_regular_file() || path.starts_with(".sweep") || path.ends_with("stats.json")) continue;
    files[path] = qgrain::common::read_text_file(entry.path());
  }
  return files;
}

/// The paths that only one of two folders has, or whose text differs.
inline std::string differing_paths(const std::map<std::string, std::string>& found,
                                   const std::map<std::string, std::string>& wanted) {
  std::string paths;
  const auto add_missing = [&](const auto& from, const auto& in, const char* fault) {
    for (const auto& [path, text] : from) {
      if (!in.contains(path)) paths += path + fault;
    }
  };
  add_missing(wanted, found, " is missing; ");
  add_missing(found, wanted, " is too much; ");
  for (const auto& [path, text] : wanted) {
    if (found.contains(path) && found.at(path) != text) paths += path + " differs; ";
  }
  return paths;
}

struct log_line {
  double seconds = 0;
  std::string what;   // start, scored, saving, checkpoint, resume, complete
  std::string place;  // "layer L samples S variants V"
};

inline std::vector<log_line> read_log(const fs::path& folder) {
  std::vector<log_line> lines;
  std::ifstream file(folder / ".sweep/log");
  log_line line;
  while (file >> line.seconds >> line.what && std::getline(file, line.place)) lines.push_back(line);
  return lines;
}

/// A run goes on where a checkpoint was, or where one was being saved when the kill fell: its file may stand before the
/// line says so. Nothing from before a checkpoint is scored again; a checkpoint is due after each `interval` in
/// seconds. Returns how many portions were scored twice.
inline std::size_t check_log(const std::vector<log_line>& lines, double interval) {
  struct saved_state {
    std::string place;
    std::set<std::string> scored;
  };
  std::set<std::string> ever;    // scored in any run
  std::set<std::string> scored;  // as the run knows it: what a killed run did behind its last checkpoint is lost
  saved_state checkpoint;        // of all runs
  saved_state saving;            // begun, and not said to stand
  std::size_t repeated = 0;
  const log_line* since = nullptr;  // the last line of this run from which the interval counts
  const log_line* before = nullptr;
  for (const log_line& line : lines) {
    if (line.what == "start") {
      since = nullptr;
      scored = checkpoint.scored;
    }
    if (line.what == "resume") {
      if (line.place == saving.place) checkpoint = std::exchange(saving, {});
      BOOST_TEST(line.place == checkpoint.place);
      saving = {};
      scored = checkpoint.scored;
      since = &line;
    }
    if (line.what == "saving") saving = {line.place, scored};
    if (line.what == "checkpoint") {
      BOOST_TEST(line.place == saving.place);
      checkpoint = std::exchange(saving, {});
      since = &line;
    }
    if (line.what == "scored") {
      const bool was_due = before != nullptr && before->what == "scored" && since != nullptr &&
                           before->seconds - since->seconds >= interval;
      BOOST_TEST(!was_due, "no checkpoint behind " << (before != nullptr ? before->place : ""));
      BOOST_TEST(!checkpoint.scored.contains(line.place), "scored again: " << line.place);
      scored.insert(line.place);
      if (!ever.insert(line.place).second) ++repeated;
    }
    before = &line;
  }
  return repeated;
}

/// Runs sweeps, killed and resumed, until `kills` kills have struck; every sweep that gets through must equal the
/// undisturbed one.
inline void kill_and_compare(int kills, const kill_plan& plan = {}) {
  const lm::testing::temporary_folder scratch;
  // Every sweep has a working folder of its own, so that its configuration is the same to the byte.
  const auto working_folder = [&](const std::string& name) {
    fs::create_directory(scratch.path() / name);
    return scratch.path() / name;
  };
  const fs::path output = scratch.path() / "output.txt";
  const fs::path undisturbed = working_folder("undisturbed");
  const auto begin = std::chrono::steady_clock::now();
  {
    background_program whole("qgrain-sweep", plan.arguments, undisturbed, output);
    const int code = whole.wait();
    BOOST_TEST_REQUIRE(code == 0, qgrain::common::read_text_file(output));
  }
  const auto whole_time =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  const auto wanted = result_files(undisturbed / "out");
  BOOST_TEST(wanted.size() >= plan.least_files);
  std::mt19937_64 random(std::random_device{}());
  int struck = 0;
  int sweeps = 0;
  std::size_t repeated = 0;
  while (struck < kills) {
    const fs::path working = working_folder("sweep" + std::to_string(++sweeps));
    const fs::path folder = working / "out";
    bool is_complete = false;
    while (!is_complete) {
      // Where the kill came before the request was written there is nothing to resume yet.
      const bool is_begun = fs::exists(folder / ".sweep/request.json");
      const auto arguments = is_begun ? std::vector<std::string>{"runner.resume=out"} : plan.arguments;
      background_program run("qgrain-sweep", arguments, working, output);
      // Every other kill comes early: a run that only has tables left to write is short.
      const double share = std::uniform_real_distribution<double>(0, 1)(random);
      const std::chrono::milliseconds moment(static_cast<std::int64_t>(
          0.7 * static_cast<double>(whole_time.count()) * (struck % 2 == 0 ? share : share * share * share)));
      if (struck < kills && !run.ends_within(moment)) {
        run.signal(SIGKILL);
        ++struck;
      }
      const int code = run.wait();
      is_complete = code == 0;
      BOOST_TEST_REQUIRE((code == 0 || code == -1), (fs::exists(output) ? qgrain::common::read_text_file(output) : ""));
      if (!fs::exists(folder)) continue;
      // Whatever stands under a result's name is whole.
      for (const auto& [path, text] : result_files(folder)) {
        if (const auto whole = wanted.find(path); whole != wanted.end()) BOOST_TEST((text == whole->second), path);
      }
    }
    const auto found = result_files(folder);
    BOOST_TEST((found == wanted), differing_paths(found, wanted));
    for (const auto& entry : fs::directory_iterator(folder / ".sweep"))
      BOOST_TEST((entry.path().filename() == "lock" || entry.path().filename() == "log" ||
                  entry.path().filename() == "request.json"),
                 entry.path().string());
    if (plan.is_one_sweep) repeated += check_log(read_log(folder), kill_test_interval);
  }
  BOOST_TEST_MESSAGE(struck << " kills in " << sweeps << " sweeps of " << whole_time.count() << " ms; " << repeated
                            << " portions were scored twice");
}

}  // namespace qgrain::testing

#endif
