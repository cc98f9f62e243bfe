// What a second rank gains: a sweep of 24 jobs in one process, as one rank of mpirun and as two, of one thread each and
// each on one core, in turns.
//   ranks_bench MODEL TEXT_FILE [ROUNDS [OVERRIDE...]]
// Runs the qgrain-sweep beside it, with mpirun. From the times of blocks it computes what more ranks would gain.
#include <common/child_process.hpp>
#include <common/file.hpp>
#include <common/json.hpp>
#include <common/number_text.hpp>
#include <support/reported.hpp>
#include <support/timing.hpp>

#include <qgrain/core/status.hpp>

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace qgrain;
using strings = std::vector<std::string>;

const strings jobs{
    "-m", "quant_pair=wint8_aint8,wint4_aint8,wint4_aint4,wint8_aint4,wfp8_afp8,wint8_afp8,wint4_afp8,wfp8_aint8",
    "quant_granularity=default,w_group32,a_per_token_dynamic"};
const strings phases{
    "weight_ranges", "forward_and_calibration", "further_calibration", "loss", "backward", "quantize_weights", "score"};

// Of one run; seconds.
struct measured {
  double whole = 0;   // of the process, or of mpirun
  double pass = 0;    // of scoring
  double blocks = 0;  // of that, the backward pass and the jobs of all blocks
  int block_count = 0;
  std::map<std::string, double> of_phase;
  double sent_bytes = 0;  // by the first rank
  double sent_by_block = 0;
};

// Shares of all.
struct busiest {
  double rows = 1;
  double jobs = 1;
};

class workplace {
 public:
  workplace(strings arguments) : arguments_(std::move(arguments)) {
    std::string name = (fs::temp_directory_path() / "ranks_bench.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw error(errc::io_failure, name + " cannot be made");
    folder_ = name;
    CPU_ZERO(&usable_);
    ::sched_getaffinity(0, sizeof usable_, &usable_);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
    ::setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
  }
  ~workplace() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  workplace(const workplace&) = delete;
  workplace& operator=(const workplace&) = delete;

  [[nodiscard]] int cores() const { return CPU_COUNT(&usable_); }

  // One rank without mpirun is a plain start.
  [[nodiscard]] measured run(int ranks, bool with_mpirun) {
    const fs::path out = folder_ / std::to_string(++runs_);  // a folder that was used before has its own costs
    strings command;
    if (with_mpirun) {
      command = {QGRAIN_MPIEXEC,    "-n",        std::to_string(ranks),
                 "--oversubscribe", "--bind-to", cores() < ranks ? "none" : "core"};
    }
    command.push_back(program_.string());
    command.insert(command.end(), jobs.begin(), jobs.end());
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    command.push_back("runner.threads=1");
    command.push_back("runner.output_dir=" + out.string());
    if (!with_mpirun) stay_on_one_core();
    measured found;
    found.whole = bench::seconds_of([&] { started(command); });
    ::sched_setaffinity(0, sizeof usable_, &usable_);
    read_stats(out, found);
    read_log(out / ".sweep/log", found);
    return found;
  }

  // What the busiest of 1, 2, 4 ... up to `most` ranks has, as a plan's table says it.
  [[nodiscard]] std::map<int, busiest> planned(int most) const {
    strings command{program_.string(), "--dry-run", "-n", std::to_string(most)};
    command.insert(command.end(), jobs.begin(), jobs.end());
    command.insert(command.end(), arguments_.begin(), arguments_.end());
    std::map<int, busiest> found;
    std::istringstream lines(started(command));
    bool is_table = false;
    for (std::string line; std::getline(lines, line); is_table = is_table || line.starts_with("ranks  rows")) {
      int ranks = 0;
      double rows = 0, own_jobs = 0;
      if (is_table && std::sscanf(line.c_str(), "%d %lf %% %lf %%", &ranks, &rows, &own_jobs) == 3)
        found[ranks] = {rows / 100, own_jobs / 100};
    }
    if (found.count(most) == 0) throw error(errc::bad_file, "the plan of several ranks does not say what they have");
    return found;
  }

 private:
  static std::string started(const strings& command) {
    const common::program_outcome result = common::run_program(command);
    if (result.exit_code != 0) throw error(errc::io_failure, command.front() + " failed: " + result.errors);
    return result.output;
  }
  void stay_on_one_core() const {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t c = 0; c < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++c) {
      if (CPU_ISSET(c, &usable_)) CPU_SET(c, &one);
    }
    ::sched_setaffinity(0, sizeof one, &one);
  }
  static void read_stats(const fs::path& out, measured& found) {
    for (const auto& entry : fs::recursive_directory_iterator(out)) {
      if (entry.path().filename() != "run_stats.json") continue;
      const boost::json::object stats = common::read_json_object(entry.path());
      const boost::json::object& seconds = stats.at("seconds").as_object();
      found.pass = seconds.at("total").to_number<double>();
      for (const std::string& phase : phases) found.of_phase[phase] = seconds.at(phase).to_number<double>();
      found.sent_bytes = stats.at("sent_bytes").to_number<double>();
      found.sent_by_block = stats.at("sent_bytes_of_blocks").to_number<double>();
      return;
    }
    throw error(errc::bad_file, out.string() + ": no run_stats.json");
  }
  // Lines "SECONDS scored layer L ...": L is one more than the block's number, of the head one more than the last's.
  static void read_log(const fs::path& path, measured& found) {
    std::map<int, double> last;
    std::istringstream lines(common::read_text_file(path));
    for (std::string line; std::getline(lines, line);) {
      double seconds = 0;
      int layer = 0;
      if (std::sscanf(line.c_str(), "%lf scored layer %d", &seconds, &layer) == 2) last[layer] = seconds;
    }
    if (last.size() < 2) throw error(errc::bad_file, path.string() + ": no blocks");
    found.block_count = static_cast<int>(last.size()) - 1;
    found.blocks = last.begin()->second - last.rbegin()->second;
  }

  fs::path program_ = common::own_folder() / "qgrain-sweep";
  strings arguments_;
  fs::path folder_;
  cpu_set_t usable_{};
  int runs_ = 0;
};

template <class Value>
double median_of(const std::vector<measured>& runs, const Value& value) {
  std::vector<double> values;
  for (const measured& m : runs) values.push_back(value(m));
  return bench::median(values);
}

// What does not shrink with a rank's rows, given the time of all rows and that of a share of them.
double fixed_part(double all, double of_share, double share) {
  return std::clamp((of_share - share * all) / (1 - share), 0.0, of_share);
}

// Of runs in turns.
struct compared {
  std::vector<measured> alone;     // a plain start
  std::vector<measured> launched;  // one rank of mpirun
  std::vector<measured> two;
};

void print_measured(const compared& runs) {
  std::printf(
      "| | one process | one rank of mpirun | two ranks | speed-up against the process | against the rank |\n"
      "|---|---|---|---|---|---|\n");
  const auto row = [&](const std::string& name, const auto& value) {
    const double alone = median_of(runs.alone, value), launched = median_of(runs.launched, value),
                 two = median_of(runs.two, value);
    const auto gain = [&](double before) { return two > 0 ? before / two : 1.0; };
    std::printf("| %s | %.3f s | %.3f s | %.3f s | %.2f | %.2f |\n", name.c_str(), alone, launched, two, gain(alone),
                gain(launched));
  };
  row("whole run", [](const measured& m) { return m.whole; });
  row("around the pass: start, reading, searches, files", [](const measured& m) { return m.whole - m.pass; });
  row("pass", [](const measured& m) { return m.pass; });
  for (const std::string& phase : phases)
    row("  " + phase + " (first rank)", [&](const measured& m) { return m.of_phase.at(phase); });
  row("blocks of the backward pass, with their jobs", [](const measured& m) { return m.blocks; });
}

void print_traffic(const std::vector<measured>& two) {
  const measured& m = two.front();
  constexpr double bytes_a_second = 1e9;
  const double pass = median_of(two, [](const measured& run) { return run.pass; });
  std::printf(
      "\nSent by the first of two ranks: %.0f kB at the end of a block, %.1f MB in all. Both ranks' at 1 GB/s are %.2f "
      "%% of the "
      "pass.\n",
      m.sent_by_block / (m.block_count + 1) * 1e-3, m.sent_bytes * 1e-6,
      100 * 2 * m.sent_bytes / bytes_a_second / pass);
}

void print_simulated(const workplace& place, const std::vector<measured>& one, const std::vector<measured>& two) {
  const std::map<int, busiest> planned = place.planned(64);
  const double half = planned.at(2).rows;
  const auto blocks = [](const measured& m) { return m.blocks; };
  const auto others = [](const measured& m) { return m.pass - m.blocks; };
  const auto around = [](const measured& m) { return m.whole - m.pass; };
  const double fixed_blocks = fixed_part(median_of(one, blocks), median_of(two, blocks), half);
  const double fixed_others = fixed_part(median_of(one, others), median_of(two, others), half);
  const double of_jobs =
      median_of(one, [](const measured& m) { return m.of_phase.at("quantize_weights") + m.of_phase.at("score"); });
  const double whole = median_of(one, [](const measured& m) { return m.whole; });
  const double pass = median_of(one, [](const measured& m) { return m.pass; });
  std::printf(
      "\nMore ranks, by computation alone (a simulation): of %.1f ms a block %.1f ms are every rank's own, whatever "
      "its rows; %.0f %% of the pass are the jobs', and fall as its jobs do.\n\n"
      "| ranks | share of the rows | of the jobs | pass | speed-up of the pass | of the run "
      "|\n|---|---|---|---|---|---|\n",
      median_of(one, blocks) / one.front().block_count * 1e3, fixed_blocks / one.front().block_count * 1e3,
      100 * of_jobs / pass);
  for (const auto& [ranks, share] : planned) {
    if (ranks == 1) continue;
    const double all_jobs = fixed_blocks + share.rows * (median_of(one, blocks) - fixed_blocks) + fixed_others +
                            share.rows * (median_of(one, others) - fixed_others);
    const double simulated = all_jobs * (1 - of_jobs / pass * (1 - share.jobs));
    std::printf("| %d | %.1f %% | %.1f %% | %.3f s | %.2f | %.2f |\n", ranks, 100 * share.rows, 100 * share.jobs,
                simulated, pass / simulated, whole / (simulated + median_of(two, around)));
  }
}

int run(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "ranks_bench MODEL TEXT_FILE [ROUNDS [OVERRIDE...]]\n");
    return 2;
  }
  if (std::string(QGRAIN_MPIEXEC).empty()) {
    std::printf("skipped: this build has no MPI\n");
    return 0;
  }
  strings arguments{std::string("model.path=") + argv[1], std::string("dataset.captions_path=") + argv[2]};
  arguments.insert(arguments.end(), argv + std::min(argc, 4), argv + argc);
  workplace place(arguments);
  const int rounds = argc > 3 ? std::max(1, std::atoi(argv[3])) : 3;
  if (place.cores() < 2)
    std::printf("This machine lends one core: two ranks share it, and their times say nothing about two cores.\n\n");
  compared runs;
  for (int round = 0; round < rounds; ++round) {
    runs.alone.push_back(place.run(1, false));
    runs.launched.push_back(place.run(1, true));
    runs.two.push_back(place.run(2, true));
  }
  print_measured(runs);
  print_traffic(runs.two);
  print_simulated(place, runs.alone, runs.two);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::reported("ranks_bench", run, argc, argv); }
