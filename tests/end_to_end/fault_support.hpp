// Random faults in runs of the programs: what may stand behind each, and that the same command then ends well.
//
// Fault `i` of a seed is always the same: QGRAIN_FAULT_SEED=<seed> repeats a test's faults, with QGRAIN_FAULT_INDEX=<i>
// that one alone. Only kills after milliseconds depend on the machine.
#ifndef QGRAIN_TESTS_END_TO_END_FAULT_SUPPORT_HPP
#define QGRAIN_TESTS_END_TO_END_FAULT_SUPPORT_HPP

#include <common/json.hpp>

#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <end_to_end/fault_scenarios.hpp>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace qgrain::testing {

struct fault {
  std::size_t scenario = 0;
  bool has_old = false;  ///< results of an earlier run are in the folder
  int error = 0;         ///< of the call that fails; 0 for a kill there
  long at = 0;           ///< which call, from 1; 0 for a kill after a time
  bool lasts = false;    ///< all later calls fail too
  std::int64_t milliseconds = 0;
  long clock_offset = 0;  ///< seconds, in the second run
  changed_input change;   ///< before the second run
  bool resumes = false;   ///< whether the second run names the folder to go on in
};

inline std::string text_of(const fault& f, const fault_scenario& scenario) {
  std::ostringstream text;
  text << scenario.name << (f.has_old ? " over old results: " : ": ");
  if (f.at == 0) text << "killed after " << f.milliseconds << " ms";
  if (f.at != 0) text << (f.error == 0 ? "killed" : std::strerror(f.error)) << " at call " << f.at;
  if (f.lasts) text << " and all behind it";
  if (f.clock_offset != 0) text << "; the clock set back by " << -f.clock_offset << " s";
  if (f.change.how == input_change::touched) text << "; touched " << f.change.file;
  if (f.change.how == input_change::edited) text << "; edited " << f.change.file;
  if (f.change.how == input_change::truncated) text << "; truncated " << f.change.file;
  if (f.resumes) text << "; resumed";
  return text.str();
}

/// The `index`-th fault of a seed.
inline fault drawn_fault(fault_bench& bench, const std::vector<fault_scenario>& scenarios, std::uint64_t seed,
                         std::uint64_t index) {
  std::mt19937_64 random(seed * 1'000'003 + index);
  const auto below = [&](std::size_t count) { return static_cast<std::size_t>(random() % count); };
  fault f;
  f.scenario = below(scenarios.size());
  const fault_scenario& scenario = scenarios[f.scenario];
  f.has_old = !scenario.earlier_arguments.empty() && below(2) == 0;
  const undisturbed_run& whole = bench.undisturbed(scenario, f.has_old);
  enum kind : std::uint8_t { kill_at_call, kill_in_time, full, denied, broken, changed, clock, kinds };
  const std::size_t what = below(kinds);
  const auto last = static_cast<std::size_t>(whole.calls);
  // Every other one strikes where results are written, which is at the end.
  const std::size_t span = below(2) == 0 ? last : std::max<std::size_t>(last / 4, 1);
  f.at = static_cast<long>(last - below(span));
  f.lasts = below(2) == 0;
  if (what == full) f.error = ENOSPC;
  if (what == denied) f.error = EACCES;
  if (what == broken || ((what == changed || what == clock) && below(2) == 0)) f.error = EIO;
  if (f.error == 0) f.lasts = false;
  if (what == kill_in_time) {
    f.at = 0;
    f.milliseconds = static_cast<std::int64_t>(below(static_cast<std::size_t>(whole.milliseconds) + 1));
  }
  if (what == clock) f.clock_offset = -static_cast<long>(1 + below(20L * 365 * 24 * 3600));
  if (what == changed) {
    f.change.file = scenario.inputs[below(scenario.inputs.size())];
    // Half of a text is a text.
    f.change.how =
        fs::path(f.change.file).extension() == ".txt" ? input_change::edited : static_cast<input_change>(1 + below(3));
  }
  f.resumes = what != changed && !f.has_old && scenario.keeps_results && below(2) == 0;
  return f;
}

inline bool is_leftover(const std::string& path) {
  const std::string end = fs::path(path).extension().string();
  return end.size() == 7 && !fs::path(path).stem().extension().empty();
}

/// Whatever stands under a result's name is whole: one of the texts that undisturbed runs gave it.
inline void check_result_files(const fs::path& folder, const file_texts& wanted, bool may_have_leftovers) {
  if (!fs::exists(folder)) return;
  for (const auto& [path, text] : result_files(folder)) {
    if (is_leftover(path)) {
      BOOST_TEST(may_have_leftovers, path);
      continue;
    }
    const auto found = wanted.find(path);
    BOOST_TEST_REQUIRE((found != wanted.end()), path << " is no result");
    BOOST_TEST(found->second.contains(text), path << " is neither old nor whole");
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".json") BOOST_TEST(!common::read_json_object(entry.path()).empty());
  }
}

/// All results stand, as undisturbed runs make them, and nothing else.
inline void check_complete(const fs::path& folder, const std::map<std::string, std::string>& names,
                           const file_texts& wanted, bool may_have_leftovers) {
  check_result_files(folder, wanted, may_have_leftovers);
  const auto found = result_files(folder);
  for (const auto& [path, text] : names) BOOST_TEST(found.contains(path), path << " is missing");
  if (!fs::exists(folder / ".sweep")) return;
  for (const auto& entry : fs::directory_iterator(folder / ".sweep")) {
    const std::string name = entry.path().filename().string();
    BOOST_TEST((name == "lock" || name == "log" || name == "request.json"), name);
  }
}

/// Runs one fault and the same command behind it. False where the fault did not strike.
class fault_trial {
 public:
  fault_trial(fault_bench& bench, const fault_scenario& scenario, const fault& f)
      : bench_(bench), scenario_(scenario), fault_(f), folder_(bench.working_folder(scenario, f.has_old)) {}
  fault_trial(const fault_trial&) = delete;
  fault_trial& operator=(const fault_trial&) = delete;
  ~fault_trial() { fs::remove_all(folder_); }

  bool run() {
    const undisturbed_run& plain = bench_.undisturbed(scenario_, fault_.has_old);
    file_texts whole;
    add_texts(whole, plain.files);
    file_texts allowed = whole;
    if (fault_.has_old) add_texts(allowed, bench_.old_files(scenario_));
    const bool has_struck = strike(whole, plain, allowed);
    go_on(allowed);
    return has_struck;
  }

 private:
  bool strike(const file_texts& whole, const undisturbed_run& plain, const file_texts& allowed) {
    std::map<std::string, std::string> variables{{"QGRAIN_FAULT_AT", std::to_string(fault_.at)},
                                                 {"QGRAIN_FAULT_ERRNO", std::to_string(fault_.error)},
                                                 {"QGRAIN_FAULT_LASTS", fault_.lasts ? "1" : "0"}};
    std::optional<std::chrono::milliseconds> moment;
    if (fault_.at == 0) moment = std::chrono::milliseconds(fault_.milliseconds);
    const fault_bench::ended end = bench_.run(scenario_.program, scenario_.arguments, folder_, variables, moment);
    // One that had just ended by itself is not killed.
    const bool has_struck = fault_.at == 0 ? !end.in_time && end.code == -1 : !end.report.starts_with("calls");
    was_killed_ = has_struck && fault_.error == 0;
    may_have_leftovers_ = was_killed_ || fault_.lasts;
    BOOST_TEST_CONTEXT("in the first run, " << end.report << end.said) {
      check_result_files(folder_ / "out", allowed, may_have_leftovers_);
      if (was_killed_) {
        BOOST_TEST(end.code == -1);
      } else if (end.code == 0) {  // nothing failed but the log
        check_complete(folder_ / "out", plain.files, whole, may_have_leftovers_);
      } else {
        BOOST_TEST(has_struck);
        BOOST_TEST(end.code == 1);
        BOOST_TEST((end.said.find(std::strerror(fault_.error)) != std::string::npos));
      }
    }
    return has_struck;
  }

  fault_bench::ended again(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = scenario_.arguments;
    if (fault_.resumes && fs::exists(folder_ / "out/.sweep/request.json")) arguments = {"runner.resume=out"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return bench_.run(scenario_.program, arguments, folder_,
                      {{"QGRAIN_FAULT_CLOCK_OFFSET", std::to_string(fault_.clock_offset)}});
  }

  // `recompute`: the arguments that were needed, if any; what the folder had begun keeps its configuration without
  // them.
  void complete(const fault_bench::ended& end, const changed_input& change,
                const std::vector<std::string>& recompute = {}) {
    BOOST_TEST_CONTEXT("in the run behind it, " << end.said) {
      BOOST_TEST_REQUIRE(end.code == 0);
      const std::map<std::string, std::string>& made = bench_.undisturbed(scenario_, false, change).files;
      file_texts wanted;
      add_texts(wanted, made);
      if (!recompute.empty()) add_texts(wanted, bench_.undisturbed(scenario_, false, change, recompute).files);
      if (fault_.has_old) {  // what the sweep of one job wrote beside it stays
        for (const auto& [path, text] : bench_.old_files(scenario_)) {
          if (!made.contains(path)) wanted[path].insert(text);
        }
      }
      // Programs other than the sweep do not look for what a killed run left beside their output.
      check_complete(folder_ / "out", made, wanted, may_have_leftovers_ && !scenario_.keeps_results);
    }
  }

  void go_on(const file_texts& allowed) {
    if (fault_.change.how == input_change::none || fault_.change.how == input_change::touched) {
      if (fault_.change.how == input_change::touched) change_input(folder_, fault_.change);
      return complete(again(), {});
    }
    const auto kept = common::read_text_file(folder_ / fault_.change.file);
    change_input(folder_, fault_.change);
    const fault_bench::ended end = again();
    if (fault_.change.how == input_change::truncated) {
      BOOST_TEST(end.code == 1, end.said);
      BOOST_TEST((end.said.find(fault_.change.file) != std::string::npos), end.said);
      check_result_files(folder_ / "out", allowed, may_have_leftovers_);
      std::ofstream(folder_ / fault_.change.file, std::ios::binary) << kept;
      return complete(again(), {});
    }
    if (end.code == 0) return complete(end, fault_.change);
    BOOST_TEST(scenario_.keeps_results, end.said);
    BOOST_TEST(end.code == 1);
    BOOST_TEST((end.said.find("runner.stale=recompute") != std::string::npos), end.said);
    check_result_files(folder_ / "out", allowed, may_have_leftovers_);
    const std::vector<std::string> recompute{"runner.stale=recompute"};
    complete(again(recompute), fault_.change, recompute);
  }

  fault_bench& bench_;
  const fault_scenario& scenario_;
  fault fault_;
  fs::path folder_;
  bool was_killed_ = false;
  bool may_have_leftovers_ = false;
};

/// Draws faults until `count` of them have struck.
inline void try_faults(std::size_t count, std::uint64_t seed) {
  std::optional<std::uint64_t> only;
  if (const char* text = std::getenv("QGRAIN_FAULT_SEED")) seed = std::stoull(text);
  if (const char* text = std::getenv("QGRAIN_FAULT_INDEX")) only = std::stoull(text);
  fault_bench bench;
  const std::vector<fault_scenario> scenarios = fault_scenarios();
  std::size_t struck = 0;
  for (std::uint64_t index = only.value_or(0); struck < count && index < 2 * count + only.value_or(0); ++index) {
    const fault f = drawn_fault(bench, scenarios, seed, index);
    std::ostringstream line;
    line << "seed " << seed << " index " << index << ": " << text_of(f, scenarios[f.scenario]);
    BOOST_TEST_CONTEXT(line.str()) {
      const bool has_struck = fault_trial(bench, scenarios[f.scenario], f).run();
      if (has_struck) ++struck;
      BOOST_TEST_MESSAGE(line.str() << (has_struck ? "" : " (did not strike)"));
    }
    if (only) return;
  }
  BOOST_TEST(struck == count);
}

}  // namespace qgrain::testing

#endif
