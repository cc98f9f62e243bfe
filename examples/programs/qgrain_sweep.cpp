// qgrain-sweep: scores the layers of a language model under pairs of dtypes and granularities.
#include <common/communicator.hpp>
#include <common/json_text.hpp>
#include <engine/score/checkpoint.hpp>
#include <hydra/config_source.hpp>
#include <hydra/interpolation.hpp>
#include <sweep/results/reports.hpp>
#include <sweep/run/command_line.hpp>
#include <sweep/run/composition.hpp>
#include <sweep/run/estimate.hpp>
#include <sweep/run/export_mixes.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/ranks.hpp>
#include <sweep/run/request.hpp>
#include <sweep/run/run.hpp>
#include <sweep/run/sweep_outputs.hpp>
#include <sweep/run/terminal.hpp>
#include <sweep/summary/autoquant_report.hpp>
#include <sweep/summary/summary_files.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/instruction_set.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>

namespace {

using namespace qgrain;
using namespace qgrain::sweep;

// `interrupted` with the folder to go on in.
class run_interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

void print_list(const hydra::config_source& source, const std::string& group) {
  if (group.empty()) {
    for (const std::string& name : hydra::groups(source)) {
      if (const auto found = hydra::choices(source, name); !found.empty())
        std::cout << name << ": " << join_names(found) << "\n";
    }
    return;
  }
  const std::vector<std::string> found = hydra::choices(source, group);
  if (found.empty()) throw unknown_name_error("group", group, hydra::groups(source));
  for (const std::string& choice : found) std::cout << choice << "\n";
}

std::atomic<bool> stop_requested = false;
static_assert(std::atomic<bool>::is_always_lock_free);

// The first Ctrl-C asks for a clean end, the second one kills. mpirun passes SIGUSR1 on to all ranks.
void listen_to_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) ::sigaction(signal, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that cannot grow is an error of the write
}

// The folder to go on in, and the time, are the first rank's.
run_request request_for(const command_line& line, hydra::runtime_context& context, common::communicator* ranks) {
  const bool is_divided = common::is_divided(ranks);
  const bool is_first = !is_divided || ranks->rank() == 0;
  std::optional<run_request> resumed;
  together(ranks, [&] { resumed = is_first ? resumed_request(line) : std::nullopt; });
  std::tm now = context.now;
  std::int64_t seconds = resumed ? resumed->time : std::mktime(&now);
  if (is_divided) resumed = shared_request(*ranks, resumed, seconds);
  const auto time = static_cast<std::time_t>(seconds);
  localtime_r(&time, &context.now);
  run_request request;
  together(ranks, [&] {
    request = resumed ? *std::move(resumed) : request_of(line, context);
    std::filesystem::current_path(request.working_folder);
  });
  return request;
}

void check_resumed(const run_request& request, const sweep_plan& plan) {
  std::error_code code;
  if (request.resumed_folder.empty() || std::filesystem::equivalent(request.resumed_folder, plan.folder, code)) return;
  throw error(errc::invalid_argument, "the run in " + request.resumed_folder.string() + " was begun as one in " +
                                          std::filesystem::absolute(plan.folder).string());
}

void print_warning(const std::string& warning) { std::cerr << "warning: " << warning << '\n'; }

void print_outcome(const sweep_plan& plan) {
  // One job has a report of its own beside the one of the sweep.
  std::cout << "\nreport: " << (common_folder(plan.jobs) / summary_html_name).string() << "\n";
  if (plan.jobs.size() == 1) {
    for (const char* name : {markdown_report_name, autoquant_html_name})
      std::cout << "        " << (plan.jobs.front().folder / name).string() << "\n";
  }
  const auto is_complete = [](const planned_job& job) { return job.state == folder_state::complete; };
  const auto complete = std::count_if(plan.jobs.begin(), plan.jobs.end(), is_complete);
  if (complete > 0) std::cout << complete << " of " << plan.jobs.size() << " jobs were complete already\n";
  if (!plan.illegal.empty()) std::cout << plan.illegal.size() << " jobs skipped, see skipped-jobs.json\n";
}

void run(const command_line& given, common::communicator* ranks) {
  const bool is_first = !common::is_divided(ranks) || ranks->rank() == 0;
  const int planned_ranks = ranks != nullptr ? ranks->size() : given.ranks;
  if (given.what != action::run) {
    if (!is_first) return;  // one answer is enough
    ranks = nullptr;
  }
  hydra::runtime_context context = process_context();
  const run_request request = request_for(given, context, ranks);
  const command_line& line = request.line;
  std::optional<pair_source> opened;
  together(ranks, [&] { opened.emplace(open_configuration(line)); });
  const pair_source& source = *opened;
  if (given.what == action::list) return print_list(source, given.list_group);
  if (given.what == action::show_config) {
    json::object shown = composed_configuration(line, source, context);
    if (given.resolve) shown = hydra::resolve(shown, context).config;
    std::cout << common::json_text(shown) << "\n";
    return;
  }
  sweep_plan plan;
  together(ranks, [&] {
    plan = make_plan(line, source, context);
    if (is_first) check_resumed(request, plan);
    check_exports(plan.jobs);
  });
  if (given.what == action::dry_run) {
    const run_estimate estimate = estimate_run(plan, planned_ranks);
    for (const std::string& warning : plan.warnings) print_warning(warning);
    print_plan(std::cout, plan);
    return print_estimate(std::cout, estimate);
  }
  progress_line progress(std::cerr, ::isatty(STDERR_FILENO) != 0);
  const run_control control{[&](double share, const std::string& what) { progress(share, what); },
                            [] { return stop_requested.load(); }, print_warning, ranks};
  listen_to_signals();
  try {
    if (plan.recipe_list) {
      run_recipe_list(plan, request, control);
      if (!is_first) return;
      progress.finish();
      std::cout << plan.recipe_list->folder.string() << "\n";
      return;
    }
    if (plan.runner.report_only) {
      if (!is_first) return;
      settle_illegal(plan);
      write_reports_again(plan);
    } else {
      const std::vector<finished_job> finished = run_jobs(plan, request, control);
      if (!is_first) return;
      progress.finish();
      print_summary(std::cout, finished);
    }
  } catch (const engine::interrupted&) {
    progress.finish();
    throw run_interrupted("interrupted; go on with runner.resume=" + plan.folder.string());
  }
  print_outcome(plan);
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  std::unique_ptr<qgrain::common::communicator> ranks;
  // What all ranks throw the first one says.
  const auto ends = [&](const std::exception& end, int code) {
    if (ranks == nullptr || ranks->rank() == 0) std::cerr << "qgrain-sweep: " << end.what() << '\n';
    return code;
  };
  try {
    ranks = qgrain::common::start_communicator(argc, argv);
    qgrain::sweep::together(ranks.get(), [] {
      qgrain::chosen_instruction_set();  // one that the processor lacks is refused before any work
    });
    run(std::get<command_line>(parsed), ranks.get());
  } catch (const run_interrupted& end) {
    return ends(end, 130);  // as a shell reports Ctrl-C
  } catch (const std::exception& failure) {
    return ends(failure, 1);
  }
  return 0;
}
