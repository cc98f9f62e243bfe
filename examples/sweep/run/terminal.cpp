#include <common/number_text.hpp>
#include <sweep/run/terminal.hpp>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <numeric>
#include <ostream>
#include <sstream>

namespace qgrain::sweep {
namespace {

constexpr std::size_t shown_groups = 3;
constexpr std::string_view shades = " .:-=+*#%@";  // from least to most sensitive

// The first format's score, or 0 where a group has none but NONE.
double score_of(const candidate_row& row) { return row.formats.size() > 1 ? row.scores.front() : 0; }

std::string short_name(const layer_group& group) {
  std::string name = group.key.substr(0, group.key.rfind(".quant_recipe"));
  for (const std::string_view noise : {"model.language_model.layers.", "model.layers.", "self_attn.", "mlp."}) {
    if (const std::size_t at = name.find(noise); at != std::string::npos) name.erase(at, noise.size());
  }
  if (group.members.size() > 1) name += "+";
  return name;
}

std::string scientific(double value) {
  std::ostringstream text;
  text << std::scientific << std::setprecision(2) << value;
  return text.str();
}

void print_most_sensitive(std::ostream& out, const std::vector<finished_job>& jobs) {
  std::size_t width = 3;
  for (const finished_job& job : jobs) width = std::max(width, job.label.size());
  out << std::left << std::setw(static_cast<int>(width)) << "job"
      << "  " << std::setw(9) << "sum"
      << "  " << std::setw(4) << "bits"
      << "  most sensitive groups (+: fused)\n";
  for (const finished_job& job : jobs) {
    std::vector<std::size_t> order(job.rows.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return score_of(job.rows[a]) > score_of(job.rows[b]); });
    double sum = 0;
    for (const candidate_row& row : job.rows) sum += score_of(row);
    out << std::left << std::setw(static_cast<int>(width)) << job.label << "  " << std::setw(9) << scientific(sum)
        << "  " << std::setw(4) << common::number_text(std::round(job.outcome.effective_bits * 100) / 100) << " ";
    for (std::size_t i = 0; i < std::min(shown_groups, order.size()); ++i) {
      out << " " << short_name(job.rows[order[i]].group) << " " << scientific(score_of(job.rows[order[i]]))
          << (i + 1 < shown_groups ? "," : "");
    }
    out << (job.has_effect ? "" : "  (no effect)") << "\n";
  }
}

// What the searches over several formats found, and every choice that is not proven to be the best.
void print_searches(std::ostream& out, const std::vector<finished_job>& jobs) {
  for (const finished_job& job : jobs) {
    const search_outcome& found = job.outcome;
    const bool is_mix =
        std::any_of(job.rows.begin(), job.rows.end(), [](const candidate_row& row) { return row.formats.size() > 2; });
    if (!is_mix && found.gap == 0 && found.is_satisfied) continue;
    out << job.label << ": " << common::number_text(std::round(found.effective_bits * 1000) / 1000)
        << " bits a weight, score " << scientific(found.score);
    out << (found.gap > 0 ? ", at most " + scientific(found.gap) + " above the least possible" : ", the least possible")
        << (found.is_satisfied ? "\n" : ", above the budget\n");
  }
}

// One column per job, one row per group; shades on a logarithmic scale over all scores.
void print_picture(std::ostream& out, const std::vector<finished_job>& jobs) {
  const std::vector<candidate_row>& groups = jobs.front().rows;
  const auto fits = [&](const finished_job& job) { return job.rows.size() == groups.size(); };
  if (!std::all_of(jobs.begin(), jobs.end(), fits)) return;  // several models or groupings
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  for (const finished_job& job : jobs) {
    for (const candidate_row& row : job.rows) {
      if (score_of(row) > 0) least = std::min(least, score_of(row));
      most = std::max(most, score_of(row));
    }
  }
  if (!(most > least)) return;
  const double range = std::log(most / least);
  out << "\nlayers by jobs, logarithmic from " << scientific(least) << " (" << shades[1] << ") to " << scientific(most)
      << " (" << shades.back() << "); columns are the jobs above, in order\n";
  std::size_t width = 0;
  for (const candidate_row& row : groups) width = std::max(width, short_name(row.group).size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    out << std::right << std::setw(static_cast<int>(width)) << short_name(groups[g].group) << " |";
    for (const finished_job& job : jobs) {
      const double score = score_of(job.rows[g]);
      const double share = score > 0 ? std::log(score / least) / range : -1;
      const auto steps = static_cast<double>(shades.size() - 2);
      out << (share < 0 ? ' ' : shades[1 + static_cast<std::size_t>(std::lround(share * steps))]);
    }
    out << "|\n";
  }
}

void print_format(std::ostream& out, const quantization_job& format) {
  const auto attributes = [&](const char* key) {
    const json::value* entry = format.config.at("quant_cfg").as_object().if_contains(key);
    return entry != nullptr ? json::serialize(*entry) : std::string("as default");
  };
  out << "   base format " << format.base_format << "\n   weight     " << format.recipes.weight << "  "
      << attributes("*weight_quantizer") << "\n   activation " << format.recipes.activation << "  "
      << attributes("*input_quantizer") << "\n";
}

}  // namespace

std::string duration_text(double seconds) {
  std::ostringstream text;
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole >= 3600)
    text << whole / 3600 << " h " << whole % 3600 / 60 << " min";
  else if (whole >= 60)
    text << whole / 60 << " min " << whole % 60 << " s";
  else
    text << whole << " s";
  return text.str();
}

void progress_line::operator()(double share, const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  const double seconds = std::chrono::duration<double>(now - start_).count();
  const int percent = static_cast<int>(share * 100);
  const std::string left = share > 0.02 ? ", " + duration_text(seconds / share * (1 - share)) + " left" : "";
  if (is_terminal_) {
    if (now - shown_ < std::chrono::milliseconds(100) && share < 1) return;
    shown_ = now;
    out_ << "\r" << what << ": " << percent << " %" << left << "    " << std::flush;
  } else if (percent / 10 > tenth_) {
    tenth_ = percent / 10;
    out_ << what << ": " << percent << " %" << left << "\n" << std::flush;
  }
}

void progress_line::finish() {
  if (is_terminal_) out_ << "\n";
}

void print_plan(std::ostream& out, const sweep_plan& plan) {
  if (plan.recipe_list) {
    for (const engine::job& j : plan.recipe_list->jobs) out << j.weight << " : " << j.activation << "\n";
    out << plan.recipe_list->folder.string() << "\n";
    return;
  }
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    const planned_job& job = plan.jobs[j];
    out << j + 1 << ". " << job.label << (job.has_effect() ? "" : " (no effect)") << "\n";
    for (const planned_format& format : job.formats) print_format(out, format.quantization);
    out << "   folder     " << job.folder.string() << "\n";
  }
  out << plan.jobs.size() << (plan.jobs.size() == 1 ? " job\n" : " jobs\n");
}

void print_summary(std::ostream& out, const std::vector<finished_job>& jobs) {
  print_most_sensitive(out, jobs);
  print_searches(out, jobs);
  print_picture(out, jobs);
}

}  // namespace qgrain::sweep
