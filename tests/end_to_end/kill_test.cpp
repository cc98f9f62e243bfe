// A sweep that is killed twice goes on to the same bytes (the slow tier kills it eight times, and searches too); and
// the gentler ways to end one.
#include <sys/stat.h>

#include <chrono>
#include <end_to_end/kill_support.hpp>
#include <thread>

namespace {

using namespace qgrain::testing;
using qgrain::common::read_text_file;
using qgrain::lm::testing::temporary_folder;

bool comes_to_be(const fs::path& path) {
  for (int i = 0; i < 60000 && !fs::exists(path); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return fs::exists(path);
}

bool comes_to_hold(const fs::path& path, const std::string& text) {
  for (int i = 0; i < 60000; ++i) {
    if (fs::exists(path) && qgrain::common::read_text_file(path).find(text) != std::string::npos) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

BOOST_AUTO_TEST_CASE(two_kills_change_no_byte) { kill_and_compare(2); }

BOOST_AUTO_TEST_CASE(a_second_run_stops_and_ctrl_c_ends_the_first_cleanly) {
  const temporary_folder scratch;
  const fs::path out = scratch.path() / "out";
  std::vector<std::string> sweep = kill_test_sweep(out.string());
  sweep[3] = "runner.checkpoint_seconds=1000";
  background_program first("qgrain-sweep", sweep, scratch.path(), scratch.path() / "first.txt");
  BOOST_TEST_REQUIRE(comes_to_hold(out / ".sweep/log", "scored"));
  const program_result second = run_program("qgrain-sweep", sweep, scratch.path());
  BOOST_TEST(second.exit_code == 1);
  BOOST_TEST((second.err.find("another run works in") != std::string::npos), second.err);
  first.signal(SIGINT);
  BOOST_TEST(first.wait() == 130);
  const std::string said = qgrain::common::read_text_file(scratch.path() / "first.txt");
  BOOST_TEST((said.find("interrupted; go on with runner.resume=") != std::string::npos), said);
  BOOST_TEST((qgrain::common::read_text_file(out / ".sweep/log").find("checkpoint") != std::string::npos));
  const program_result resumed =
      run_program("qgrain-sweep", {"runner.resume=latest", "runner.output_dir=" + out.string()}, scratch.path());
  BOOST_TEST(resumed.exit_code == 0, resumed.err);
  BOOST_TEST(check_log(read_log(out), 1000) == 0U);
  // As a kill leaves it while the sweep's tables are written.
  const fs::path leftover = out / "wint4_aint4/default/medium/layer-scores.csv.aB3dE6";
  BOOST_TEST_REQUIRE(fs::exists(leftover.parent_path()));
  std::ofstream(leftover) << "layer";
  const program_result again = run_program("qgrain-sweep", {"runner.resume=" + out.string()}, scratch.path());
  BOOST_TEST(again.exit_code == 0, again.err);
  BOOST_TEST(!fs::exists(leftover));
  BOOST_TEST((again.out.find("48 of 48 jobs were complete already") != std::string::npos), again.out);
  const program_result other =
      run_program("qgrain-sweep", {"runner.resume=" + out.string(), "autoquant.score_size=8"}, scratch.path());
  BOOST_TEST(other.exit_code == 1);
  BOOST_TEST((other.err.find("autoquant.score_size (128 there, 8 here)") != std::string::npos), other.err);
  const program_result nowhere = run_program("qgrain-sweep", {"runner.resume=nowhere"}, scratch.path());
  BOOST_TEST(nowhere.exit_code == 1);
  BOOST_TEST((nowhere.err.find("nowhere") != std::string::npos), nowhere.err);
}

// A limit on the length of files stands for a full disk: writing fails half way.
BOOST_AUTO_TEST_CASE(a_write_that_fails_is_a_clear_error_and_harms_nothing) {
  const temporary_folder scratch;
  const std::vector<std::string> pair{"-m", "dataset.size=small", "quant_granularity=default",
                                      "runner.output_dir=" + (scratch.path() / "out").string()};
  std::vector<std::string> one = pair;
  one.emplace_back("quant_pair=wint8_aint8");
  BOOST_TEST(run_program("qgrain-sweep", one, scratch.path()).exit_code == 0);
  const auto before = result_files(scratch.path() / "out");
  BOOST_TEST(before.size() >= 4U);
  const std::string program = (fs::path(QGRAIN_BINARY_DIR) / "bin/qgrain-sweep").string();
  std::string command = "cd " + shell_quoted(scratch.path().string()) + " && ulimit -f 8 && exec " + program;
  std::vector<std::string> two = pair;
  two.emplace_back("quant_pair=wint8_aint8,wint4_aint8");
  for (const std::string& argument : two) command += " " + shell_quoted(argument);
  const int status = std::system((command + " >out.txt 2>err.txt").c_str());
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 1));
  const std::string said = qgrain::common::read_text_file(scratch.path() / "err.txt");
  BOOST_TEST((said.find("writing failed: File too large") != std::string::npos), said);
  auto after = result_files(scratch.path() / "out");
  // the sweep's own summary grows with its jobs
  for (const auto& [path, text] : before)
    BOOST_TEST((path.find('/') == std::string::npos || after[path] == text), path);
  BOOST_TEST(run_program("qgrain-sweep", two, scratch.path()).exit_code == 0);
  BOOST_TEST(result_files(scratch.path() / "out").size() > before.size());
}

// The folder is taken away while the run works: as good as lost permissions, for root too.
BOOST_AUTO_TEST_CASE(a_folder_that_is_taken_away_is_a_clear_error) {
  const temporary_folder scratch;
  const fs::path out = scratch.path() / "out";
  std::vector<std::string> sweep = kill_test_sweep(out.string());
  background_program run("qgrain-sweep", sweep, scratch.path(), scratch.path() / "said.txt");
  BOOST_TEST_REQUIRE(comes_to_be(out / ".sweep/request.json"));
  BOOST_TEST_REQUIRE(comes_to_hold(out / ".sweep/log", "scored"));
  fs::rename(out, scratch.path() / "moved");
  BOOST_TEST(run.wait() == 1);
  const std::string said = qgrain::common::read_text_file(scratch.path() / "said.txt");
  BOOST_TEST((said.find("failed: No such file or directory") != std::string::npos), said);
  fs::rename(scratch.path() / "moved", out);
  const program_result resumed = run_program("qgrain-sweep", {"runner.resume=" + out.string()}, scratch.path());
  BOOST_TEST(resumed.exit_code == 0, resumed.err);
}
