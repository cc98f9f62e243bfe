#include <engine/mix/mix_study.hpp>
#include <engine/score/checkpoint.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/search/knapsack.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

namespace qgrain::engine {
namespace {

using score_table = std::vector<std::vector<double>>;

void check_study_groups(std::span<const study_group> groups, std::size_t linears) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const study_group& group = groups[g];
    const auto is_stray = [&](std::size_t l) { return l >= linears; };
    const bool fits = !group.formats.empty() && group.formats.size() == group.costs.size() &&
                      group.formats.back() == no_format &&
                      std::none_of(group.members.begin(), group.members.end(), is_stray);
    if (!fits) {
      throw error(errc::invalid_shape, "group " + std::to_string(g) +
                                           " of the study needs one cost for every choice, \"unquantized\" as its last "
                                           "choice and Linears that the model has");
    }
  }
}

void check_scores(std::span<const study_group> groups, const method_table& table) {
  const auto raise = [&](errc code, const std::string& fault) {
    throw error(code, "scores of the method " + table.method + ": " + fault);
  };
  if (table.scores.size() != groups.size()) {
    raise(errc::invalid_shape,
          std::to_string(table.scores.size()) + " groups, " + std::to_string(groups.size()) + " are studied");
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const std::string where = "group " + std::to_string(g);
    if (table.scores[g].size() != groups[g].formats.size()) {
      raise(errc::invalid_shape, where + " has " + std::to_string(table.scores[g].size()) + " scores for " +
                                     std::to_string(groups[g].formats.size()) + " choices");
    }
    for (std::size_t c = 0; c < table.scores[g].size(); ++c) {
      if (!std::isfinite(table.scores[g][c]))
        raise(errc::non_finite, "that of " + where + ", choice " + std::to_string(c) + " is not finite");
    }
  }
}

double weights_of(std::span<const study_group> groups) {
  double weights = 0;
  for (const study_group& group : groups) weights += group.costs.back();
  return weights;
}

search::multiple_choice_knapsack problem_of(std::span<const study_group> groups, const score_table& scores) {
  std::vector<std::vector<search::choice>> choices(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t c = 0; c < scores[g].size(); ++c) choices[g].push_back({scores[g][c], groups[g].costs[c]});
  }
  return search::multiple_choice_knapsack(choices);
}

void check_budgets(std::span<const study_group> groups, std::span<const double> budgets) {
  double least = 0;
  for (const study_group& group : groups) least += *std::min_element(group.costs.begin(), group.costs.end());
  least *= 16 / weights_of(groups);
  for (const double bits : budgets) {
    if (!(bits > 0 && bits <= 16)) {
      throw error(errc::out_of_range,
                  "a budget of the study is " + std::to_string(bits) + " effective bits; it must lie in (0, 16]");
    }
    if (bits < least) {
      throw error(errc::out_of_range, "a budget of the study is " + std::to_string(bits) +
                                          " effective bits; the least that the formats can do is " +
                                          std::to_string(least));
    }
  }
}

// Measures each mix once.
class measured_mixes {
 public:
  measured_mixes(const lm::model& model, const mix_measure& measure, const study_request& request,
                 const study_options& options)
      : model_(model), measure_(measure), request_(request), options_(options) {}

  /// What will be asked for, so that the share that is done is known.
  void announce(const std::vector<std::size_t>& picks) { static_cast<void>(reports_[formats_of(picks)]); }

  const mix_report& at(const std::vector<std::size_t>& picks) {
    const std::vector<std::size_t> formats = formats_of(picks);
    std::optional<mix_report>& report = reports_[formats];
    if (report) return *report;
    if (options_.stop_requested && options_.stop_requested()) throw interrupted();
    report = measure_(request_.make_mix(formats));
    ++done_;
    if (options_.progress) options_.progress(static_cast<double>(done_) / static_cast<double>(reports_.size()));
    return *report;
  }
  [[nodiscard]] std::size_t size() const noexcept { return reports_.size(); }

 private:
  [[nodiscard]] std::vector<std::size_t> formats_of(const std::vector<std::size_t>& picks) const {
    std::vector<std::size_t> formats(model_.linears().size(), no_format);
    for (std::size_t g = 0; g < picks.size(); ++g) {
      for (const std::size_t l : request_.groups[g].members) formats[l] = request_.groups[g].formats[picks[g]];
    }
    return formats;
  }

  const lm::model& model_;
  const mix_measure& measure_;
  const study_request& request_;
  const study_options& options_;
  std::map<std::vector<std::size_t>, std::optional<mix_report>> reports_;  // by format of each Linear
  std::size_t done_ = 0;
};

struct uniform_choice {
  std::size_t format;
  std::vector<std::size_t> picks;
  double effective_bits;
};

std::vector<uniform_choice> uniform_choices(std::span<const study_group> groups) {
  std::vector<std::size_t> formats;
  for (const study_group& group : groups) {
    formats.insert(formats.end(), group.formats.begin(), group.formats.end() - 1);
  }
  std::sort(formats.begin(), formats.end());
  formats.erase(std::unique(formats.begin(), formats.end()), formats.end());
  std::vector<uniform_choice> choices;
  for (const std::size_t format : formats) {
    uniform_choice choice{format, {}, 0};
    double cost = 0;
    for (const study_group& group : groups) {
      const auto found = std::find(group.formats.begin(), group.formats.end() - 1, format);
      choice.picks.push_back(static_cast<std::size_t>(found - group.formats.begin()));
      cost += group.costs[choice.picks.back()];
    }
    choice.effective_bits = 16 * cost / weights_of(groups);
    choices.push_back(std::move(choice));
  }
  return choices;
}

// Every (group, format) of a table.
std::vector<double> flat(std::span<const study_group> groups, const score_table& scores) {
  std::vector<double> all;
  for (std::size_t g = 0; g < groups.size(); ++g) all.insert(all.end(), scores[g].begin(), scores[g].end() - 1);
  return all;
}

std::vector<method_agreement> agreement_with_truth(const study_request& request) {
  std::vector<method_scores> methods;
  std::vector<double> truth;
  for (const method_table& table : request.methods) {
    std::vector<double> scores = flat(request.groups, table.scores);
    if (table.method == request.truth) {
      truth = std::move(scores);
    } else {
      methods.push_back({table.method, std::move(scores)});
    }
  }
  if (truth.empty()) return {};
  return compare_methods(methods, truth);
}

}  // namespace

std::vector<std::vector<double>> reversed_ranking(std::span<const study_group> groups, const score_table& scores) {
  std::map<std::vector<std::size_t>, std::vector<std::size_t>> alike;  // groups by their formats
  for (std::size_t g = 0; g < groups.size(); ++g) alike[groups[g].formats].push_back(g);
  score_table reversed = scores;
  for (const auto& [formats, members] : alike) {
    std::vector<std::size_t> ranked = members;
    const auto largest = [&](std::size_t g) { return *std::max_element(scores[g].begin(), scores[g].end()); };
    std::stable_sort(ranked.begin(), ranked.end(),
                     [&](std::size_t a, std::size_t b) { return largest(a) < largest(b); });
    for (std::size_t r = 0; r < ranked.size(); ++r) reversed[ranked[r]] = scores[ranked[ranked.size() - 1 - r]];
  }
  return reversed;
}

double uniform_divergence(std::span<const uniform_point> points, double effective_bits) {
  std::vector<std::pair<double, double>> line{{16.0, 0.0}};
  for (const uniform_point& p : points) line.emplace_back(p.effective_bits, p.measured.mean_divergence);
  std::sort(line.begin(), line.end());
  // Of several formats of one size the best.
  line.erase(std::unique(line.begin(), line.end(), [](const auto& a, const auto& b) { return a.first == b.first; }),
             line.end());
  const auto above = std::lower_bound(line.begin(), line.end(), std::pair(effective_bits, 0.0));
  if (above == line.begin()) return above->second;
  if (above == line.end()) return 0;
  const auto below = above - 1;
  const double share = (effective_bits - below->first) / (above->first - below->first);
  return below->second + share * (above->second - below->second);
}

mix_maker mixes_of(const lm::model& model, std::span<const job> formats, const calibration_table& calibrations) {
  return [&model, formats, &calibrations](std::span<const std::size_t> format_of_linear) {
    std::vector<std::optional<std::size_t>> choice;
    for (const std::size_t format : format_of_linear)
      choice.push_back(format == no_format ? std::nullopt : std::optional(format));
    return chosen_mix(model, formats, calibrations, choice);
  };
}

std::vector<std::vector<double>> scores_of_groups(std::span<const study_group> groups, const score_table& per_linear) {
  score_table per_group(per_linear.size());
  for (std::size_t j = 0; j < per_linear.size(); ++j) {
    for (const study_group& group : groups) {
      double sum = 0;
      for (const std::size_t l : group.members) sum += per_linear[j].at(l);
      per_group[j].push_back(sum);
    }
  }
  return scores_by_group(groups, per_group);
}

std::vector<std::vector<double>> scores_by_group(std::span<const study_group> groups, const score_table& per_group) {
  score_table scores(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (const std::size_t format : groups[g].formats)
      scores[g].push_back(format == no_format ? 0.0 : per_group.at(format).at(g));
  }
  return scores;
}

study_result mix_study(const lm::model& model, const mix_measure& measure, const study_request& request,
                       const study_options& options) {
  check_study_groups(request.groups, model.linears().size());
  for (const method_table& table : request.methods) check_scores(request.groups, table);
  check_budgets(request.groups, request.effective_bits);

  // All choices first: they cost little, and what is to be measured is then known.
  const double weights = weights_of(request.groups);
  measured_mixes measured(model, measure, request, options);
  study_result result;
  const std::vector<uniform_choice> uniform = uniform_choices(request.groups);
  for (const uniform_choice& choice : uniform) measured.announce(choice.picks);
  std::vector<std::vector<std::size_t>> reversed_picks;
  for (const method_table& table : request.methods) {
    const auto problem = problem_of(request.groups, table.scores);
    const auto mirrored = problem_of(request.groups, reversed_ranking(request.groups, table.scores));
    for (const double bits : request.effective_bits) {
      search::selection best = problem.solve(weights * bits / 16);
      measured.announce(best.picks);
      if (request.reversed) {
        reversed_picks.push_back(mirrored.solve(weights * bits / 16).picks);
        measured.announce(reversed_picks.back());
      }
      study_point point;
      point.method = table.method;
      point.effective_bits_asked = bits;
      point.effective_bits = 16 * best.cost / weights;
      point.score = best.score;
      point.picks = std::move(best.picks);
      result.points.push_back(std::move(point));
    }
  }

  for (const uniform_choice& choice : uniform)
    result.uniform.push_back({choice.format, choice.effective_bits, measured.at(choice.picks)});
  for (std::size_t p = 0; p < result.points.size(); ++p) {
    study_point& point = result.points[p];
    point.measured = measured.at(point.picks);
    point.uniform_divergence = uniform_divergence(result.uniform, point.effective_bits);
    point.reversed_divergence =
        request.reversed ? measured.at(reversed_picks[p]).mean_divergence : std::numeric_limits<double>::quiet_NaN();
  }
  result.agreement = agreement_with_truth(request);
  result.mixes = measured.size();
  return result;
}

}  // namespace qgrain::engine
