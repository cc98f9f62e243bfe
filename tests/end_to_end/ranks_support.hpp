// Starts qgrain-sweep on several ranks of this machine.
#ifndef QGRAIN_TESTS_END_TO_END_RANKS_SUPPORT_HPP
#define QGRAIN_TESTS_END_TO_END_RANKS_SUPPORT_HPP

#include <support/run_program.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <end_to_end/kill_support.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::testing {

/// What mpirun is told besides the number of ranks: root may start it, ranks may be more than cores.
inline std::vector<std::string> mpirun_options() {
  ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  return {"--oversubscribe", "--bind-to", "none"};
}

/// Some ranks with a command line and a working folder of their own.
struct rank_group {
  int ranks = 1;
  std::vector<std::string> arguments;
  std::filesystem::path folder;
  std::vector<std::string> variables = {};  ///< "NAME=value" of their environment
};

inline std::vector<std::string> mpirun_arguments(const std::vector<rank_group>& groups) {
  std::vector<std::string> all = mpirun_options();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (g > 0) all.emplace_back(":");
    const std::string program = (std::filesystem::path(QGRAIN_BINARY_DIR) / "bin/qgrain-sweep").string();
    all.insert(all.end(), {"-n", std::to_string(groups[g].ranks), "-wdir", groups[g].folder.string(), "env"});
    all.insert(all.end(), groups[g].variables.begin(), groups[g].variables.end());
    all.push_back(program);
    all.insert(all.end(), groups[g].arguments.begin(), groups[g].arguments.end());
  }
  return all;
}

inline program_result run_groups(const std::vector<rank_group>& groups, const std::filesystem::path& scratch) {
  return run_program(QGRAIN_MPIEXEC, mpirun_arguments(groups), scratch);
}

inline program_result run_ranks(int ranks, const std::vector<std::string>& arguments,
                                const std::filesystem::path& folder) {
  return run_groups({{ranks, arguments, folder}}, folder);
}

/// One process, in its folder.
inline program_result run_alone(const std::vector<std::string>& arguments, const fs::path& folder) {
  const int code = background_program("qgrain-sweep", arguments, folder, folder / "said.txt").wait();
  return {code, {}, qgrain::common::read_text_file(folder / "said.txt")};
}

/// The processes of qgrain-sweep that are descendants of this one and have not ended.
inline std::vector<::pid_t> own_ranks() {
  std::map<::pid_t, std::pair<::pid_t, std::string>> all;  // parent and name
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "stat");
    ::pid_t process = 0;
    std::string name, state;
    ::pid_t parent = 0;
    if (file >> process >> name >> state >> parent && state != "Z") all[process] = {parent, name};
  }
  std::vector<::pid_t> found;
  for (const auto& [process, of] : all) {
    if (of.second != "(qgrain-sweep)") continue;
    ::pid_t above = process;
    while (all.contains(above) && above != ::getpid()) above = all.at(above).first;
    if (above == ::getpid()) found.push_back(process);
  }
  return found;
}

/// Kills a rank of a run, as often as that, goes on each time with another number of them, and compares with one
/// process. A run must end within 10 seconds of the kill with a sentence that names rank and host.
inline void kill_ranks(const fs::path& scratch, int kills) {
  const std::vector<std::string> sweep{"-m",
                                       "quant_pair=wint2_aint8,wint4_aint4,wfp8_afp8",
                                       "quant_granularity=default,w_group32",
                                       "dataset.size=large",
                                       "dataset.max_calib_samples=150",
                                       "autoquant.score_size=512",
                                       "runner.threads=1",
                                       "runner.checkpoint_seconds=0.2",
                                       "runner.output_dir=out"};
  const auto folder_for = [&](const std::string& name) {
    fs::create_directories(scratch / name);
    return scratch / name;
  };
  const fs::path alone = folder_for("alone");
  const auto begin = std::chrono::steady_clock::now();
  const program_result one = run_alone(sweep, alone);
  BOOST_TEST_REQUIRE(one.exit_code == 0, one.err);
  const auto whole_time =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  const auto wanted = result_files(alone / "out");
  std::mt19937_64 random(std::random_device{}());
  int struck = 0, resumed = 0;
  for (int sweeps = 0; struck < kills; ++sweeps) {
    const fs::path folder = folder_for("killed" + std::to_string(sweeps));
    for (int run_number = 0;; ++run_number) {
      const bool is_begun = fs::exists(folder / "out/.sweep/request.json");
      const int ranks = 2 + static_cast<int>(random() % 3);
      background_program run(
          QGRAIN_MPIEXEC,
          mpirun_arguments({{ranks, is_begun ? std::vector<std::string>{"runner.resume=out"} : sweep, folder}}), folder,
          folder / "said.txt");
      resumed += is_begun ? 1 : 0;
      const std::chrono::milliseconds moment(static_cast<std::int64_t>(
          std::uniform_real_distribution<double>(0.1, 0.9)(random) * static_cast<double>(whole_time.count())));
      if (struck >= kills || run.ends_within(moment)) {
        const int code = run.wait();
        BOOST_TEST_REQUIRE(code == 0, qgrain::common::read_text_file(folder / "said.txt"));
        break;
      }
      const std::vector<::pid_t> processes = own_ranks();
      if (processes.empty()) continue;  // not started yet
      ::kill(processes[random() % processes.size()], SIGKILL);
      BOOST_TEST_REQUIRE(run.ends_within(std::chrono::seconds(10)), "the ranks outlive the one that was killed");
      if (run.wait() == 0) break;  // it was over before the signal came
      ++struck;
      const std::string said = qgrain::common::read_text_file(folder / "said.txt");
      const std::size_t rank = said.find("process rank ");
      BOOST_TEST((rank != std::string::npos && said.find(" on node ", rank) != std::string::npos), said);
    }
    const auto found = result_files(folder / "out");
    BOOST_TEST((found == wanted), differing_paths(found, wanted));
  }
  BOOST_TEST_MESSAGE(struck << " kills, " << resumed << " runs gone on with");
}

}  // namespace qgrain::testing

#endif
