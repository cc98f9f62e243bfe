#include "job.hpp"

#include <qgrain/core/status.hpp>
#include <qgrain/host/fake_recipes.hpp>

#include <algorithm>

namespace qgrain::sweep {
namespace {

// The index of `name` among the distinct names seen so far.
std::size_t index_of(const std::string& name, std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  names.push_back(name);
  return names.size() - 1;
}

std::vector<std::optional<fake_recipe>> find_recipes(const std::vector<std::string>& names,
                                                     std::vector<std::string>& faults) {
  std::vector<std::optional<fake_recipe>> recipes;
  for (const std::string& name : names) {
    recipes.emplace_back();
    if (name == unquantized) continue;
    try {
      recipes.back() = find_fake_recipe(name);
    } catch (const error& fault) {
      if (std::find(faults.begin(), faults.end(), fault.what()) == faults.end()) faults.emplace_back(fault.what());
    }
  }
  return recipes;
}

}  // namespace

std::size_t job_plan::scored_jobs() const {
  return static_cast<std::size_t>(std::count_if(jobs.begin(), jobs.end(), [&](const pair& p) { return is_scored(p); }));
}

bool is_recipe(std::string_view name) { return name == unquantized || try_find_fake_recipe(name).has_value(); }

std::string role_fault(const grouping& groups, recipe_role role) {
  using enum granularity_kind;
  if (role == recipe_role::weight) {
    return groups.kind == per_token || groups.source == range_source::calibrated ? "is for activations" : "";
  }
  if (groups.kind == per_out_channel || groups.kind == per_tile) return "is for weights";
  if (groups.kind == per_in_channel && groups.source == range_source::own)
    return "is for weights; per_hidden_channel is meant?";
  return {};
}

std::vector<std::string> recipe_names(recipe_role role) {
  std::vector<std::string> stages;
  std::vector<std::string> groupings;
  std::vector<std::string> whole;
  const auto add = [](std::vector<std::string>& list, std::string name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(std::move(name));
  };
  const auto alternatives = [](const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& name : list) text.append(text.empty() ? "" : "|").append(name);
    return text;
  };
  for (const std::string& name : fake_recipe_names()) {
    if (!role_fault(find_fake_recipe(name).groups, role).empty()) continue;
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) {
      add(whole, name);
    } else {
      add(stages, name.substr(0, slash));
      add(groupings, name.substr(slash + 1));
    }
  }
  whole.insert(whole.begin(), alternatives(stages) + "/" + alternatives(groupings));
  return whole;
}

job_plan plan_jobs(std::span<const job> jobs) {
  if (jobs.empty()) throw error(errc::invalid_argument, "the list of jobs is empty");
  std::vector<std::string> repeated;
  std::vector<std::string> weights;
  std::vector<std::string> activations;
  job_plan plan;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (std::find(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(i), jobs[i]) !=
        jobs.begin() + static_cast<std::ptrdiff_t>(i)) {
      repeated.push_back("job " + std::to_string(i + 1) + " (" + jobs[i].weight + ", " + jobs[i].activation +
                         ") stands in the list before");
    }
    plan.jobs.push_back({index_of(jobs[i].weight, weights), index_of(jobs[i].activation, activations)});
  }
  std::vector<std::string> unknown;
  plan.weights = find_recipes(weights, unknown);
  plan.activations = find_recipes(activations, unknown);
  if (repeated.empty() && unknown.empty()) return plan;
  const errc code = unknown.empty() ? errc::invalid_argument : errc::unknown_name;
  unknown.insert(unknown.end(), repeated.begin(), repeated.end());
  std::string sentence;
  for (const std::string& fault : unknown) sentence += (sentence.empty() ? "" : "; ") + fault;
  throw error(code, sentence);
}

}  // namespace qgrain::sweep
