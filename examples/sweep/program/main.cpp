// qgrain-sweep: scores the layers of a language model under pairs of dtypes and granularities.
#include "command_line.hpp"
#include "plan.hpp"
#include "run.hpp"
#include "terminal.hpp"

#include <config/config_source.hpp>
#include <json_text.hpp>
#include <reports.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <unistd.h>

#include <algorithm>
#include <iostream>

namespace {

using namespace qgrain;
using namespace qgrain::sweep;

void print_list(const config::config_source& source, const std::string& group) {
  if (group.empty()) {
    for (const std::string& name : config::groups(source)) {
      if (const auto found = config::choices(source, name); !found.empty())
        std::cout << name << ": " << join_names(found) << "\n";
    }
    return;
  }
  const std::vector<std::string> found = config::choices(source, group);
  if (found.empty()) throw unknown_name_error("group", group, config::groups(source));
  for (const std::string& choice : found) std::cout << choice << "\n";
}

// The deepest folder that holds all jobs.
std::filesystem::path common_folder(const std::vector<planned_job>& jobs) {
  std::filesystem::path common = jobs.front().folder;
  for (const planned_job& job : jobs) {
    const auto [end, ignored] = std::mismatch(common.begin(), common.end(), job.folder.begin(), job.folder.end());
    std::filesystem::path shared;
    for (auto part = common.begin(); part != end; ++part) shared /= *part;
    common = shared;
  }
  return common;
}

void run(const command_line& line) {
  const pair_source source = open_configuration(line);
  const config::runtime_context context = process_context();
  if (line.what == action::list) return print_list(source, line.list_group);
  if (line.what == action::show_config) {
    std::cout << json_text(composed_configuration(line, source, context)) << "\n";
    return;
  }
  const sweep_plan plan = make_plan(line, source, context);
  if (line.what == action::dry_run) return print_plan(std::cout, plan);

  progress_line progress(std::cerr, ::isatty(STDERR_FILENO) != 0);
  const auto report = [&](double share, const std::string& what) { progress(share, what); };
  if (plan.recipe_list) {
    run_recipe_list(*plan.recipe_list, report);
    progress.finish();
    std::cout << plan.recipe_list->folder.string() << "\n";
    return;
  }
  if (plan.report_only) {
    write_reports_again(plan.jobs);
  } else {
    const std::vector<finished_job> finished = run_jobs(plan.jobs, report);
    progress.finish();
    print_summary(std::cout, finished);
  }
  if (plan.jobs.size() == 1) {
    std::cout << "\nreport: " << (plan.jobs.front().folder / markdown_report_name).string() << "\n";
  } else {
    std::cout << "\n"
              << plan.jobs.size() << " reports: " << (common_folder(plan.jobs) / "**" / markdown_report_name).string()
              << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  try {
    run(std::get<command_line>(parsed));
  } catch (const std::exception& failure) {
    std::cerr << "qgrain-sweep: " << failure.what() << '\n';
    return 1;
  }
  return 0;
}
