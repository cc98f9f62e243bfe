#include <engine/calibrate/fake_linear.hpp>
#include <engine/score/job.hpp>
#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::engine {
namespace {

// The index of `key` among the distinct keys seen so far.
template <class Key>
std::size_t index_of(const Key& key, std::vector<Key>& keys) {
  const auto found = std::find(keys.begin(), keys.end(), key);
  if (found != keys.end()) return static_cast<std::size_t>(found - keys.begin());
  keys.push_back(key);
  return keys.size() - 1;
}

void add_once(std::vector<std::string>& list, std::string text) {
  if (std::find(list.begin(), list.end(), text) == list.end()) list.push_back(std::move(text));
}

std::optional<fake_recipe> find_recipe(const std::string& name, std::vector<std::string>& faults) {
  if (name == recipes::unquantized) return {};
  try {
    return recipes::find_fake_recipe(name);
  } catch (const error& fault) {
    add_once(faults, fault.what());
    return {};
  }
}

bool is_static(const std::optional<fake_recipe>& activation) {
  return activation && input_range_of(*activation) == input_range::calibrated;
}

// What of a calibration changes anything.
calibration_method effective(calibration_method method, const std::optional<fake_recipe>& activation) {
  return has_input_scale(method) || is_static(activation) ? method : calibration_method::max;
}

// Distinct weights and activations, by name, input scale and range.
struct weight_key {
  std::string name;
  std::size_t scale;
  friend bool operator==(const weight_key&, const weight_key&) = default;
};
struct activation_key {
  std::string name;
  std::size_t scale;
  calibration_method range;
  friend bool operator==(const activation_key&, const activation_key&) = default;
};

}  // namespace

std::size_t job_plan::scored_jobs() const {
  std::size_t count = 0;
  for (std::size_t j = 0; j < jobs.size(); ++j) count += is_scored(j) ? 1U : 0U;
  return count;
}

bool is_recipe(std::string_view name) {
  return name == recipes::unquantized || recipes::try_find_fake_recipe(name).has_value();
}

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
  for (const std::string& name : recipes::fake_recipe_names()) {
    if (!role_fault(recipes::find_fake_recipe(name).groups, role).empty()) continue;
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

std::string calibration_fault(const std::optional<fake_recipe>& weight, const std::optional<fake_recipe>& activation,
                              calibration_method method) {
  using enum calibration_method;
  const std::string name(name_of(method));
  switch (effective(method, activation)) {
    case max:
    case mse:
    case percentile:
      return {};
    case entropy:
      if (!activation->elements.format.starts_with("int")) {
        return "calibration \"entropy\" counts the levels of an integer, which recipe \"" + activation->name +
               "\" is not: percentile and mse go";
      }
      return {};
    case smoothquant:
    case awq_lite:
      if (!weight) return "calibration \"" + name + "\" needs a weight recipe: it moves difficulty into the weight";
      if (method == smoothquant && !activation)
        return "calibration \"smoothquant\" needs an activation recipe: unquantized inputs gain nothing from it";
      if (activation && input_range_of(*activation) == input_range::batch) {
        return "calibration \"" + name + "\" has no range of a batch, which recipe \"" + activation->name +
               "\" asks for: per_tensor_static and ranges of rows go";
      }
      return {};
  }
  return {};
}

calibration_method find_calibration(std::string_view name) {
  const auto found = std::find(calibration_names.begin(), calibration_names.end(), name);
  if (found == calibration_names.end()) throw unknown_name_error("calibration", name, calibration_names);
  return static_cast<calibration_method>(found - calibration_names.begin());
}

std::string job_text(const job& of) {
  const std::string pair = of.weight + ":" + of.activation;
  return of.calibration == name_of(calibration_method::max) ? pair : pair + ":" + of.calibration;
}

job parse_job(std::string_view text) {
  const std::size_t first = text.find(':');
  if (first == std::string_view::npos) {
    std::string sentence("\"");
    sentence.append(text).append("\" is no \"<weight recipe>:<activation recipe>[:<calibration>]\"");
    throw error(errc::invalid_argument, sentence);
  }
  const std::size_t second = text.find(':', first + 1);
  job found{std::string(text.substr(0, first)), std::string(text.substr(first + 1, second - first - 1))};
  if (second != std::string_view::npos) found.calibration = text.substr(second + 1);
  return found;
}

job_plan plan_jobs(std::span<const job> jobs) {
  if (jobs.empty()) throw error(errc::invalid_argument, "the list of jobs is empty");
  std::vector<std::string> repeated;
  std::vector<std::string> unknown;
  std::vector<std::string> scaled;  // weights of awq_lite, "" for smoothquant
  std::vector<weight_key> weights;
  std::vector<activation_key> activations;
  job_plan plan;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const job& wanted = jobs[i];
    if (std::find(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(i), wanted) !=
        jobs.begin() + static_cast<std::ptrdiff_t>(i)) {
      repeated.push_back("job " + std::to_string(i + 1) + " (" + wanted.weight + ", " + wanted.activation +
                         (wanted.calibration == "max" ? "" : ", " + wanted.calibration) +
                         ") stands in the list before");
    }
    const std::optional<fake_recipe> weight = find_recipe(wanted.weight, unknown);
    const std::optional<fake_recipe> activation = find_recipe(wanted.activation, unknown);
    calibration_method method = calibration_method::max;
    try {
      method = effective(find_calibration(wanted.calibration), activation);
    } catch (const error& fault) {
      add_once(unknown, fault.what());
    }
    if (std::string fault = calibration_fault(weight, activation, method); !fault.empty())
      add_once(plan.faults, std::move(fault));
    std::size_t scale = job_plan::unscaled;
    if (has_input_scale(method)) {
      const bool is_awq = method == calibration_method::awq_lite;
      scale = index_of(is_awq ? wanted.weight : std::string(), scaled);
      if (scale == plan.scales.size()) plan.scales.push_back({method, is_awq ? weight : std::optional<fake_recipe>()});
    }
    const auto range = has_input_scale(method) ? calibration_method::max : method;
    const job_plan::pair pair{index_of({wanted.weight, scale}, weights),
                              index_of({wanted.activation, scale, range}, activations)};
    if (pair.weight == plan.weights.size()) {
      plan.weights.push_back(weight);
      plan.weight_scales.push_back(scale);
    }
    if (pair.activation == plan.activations.size()) {
      plan.activations.push_back(activation);
      plan.activation_scales.push_back(scale);
      plan.ranges.push_back(range);
    }
    plan.jobs.push_back(pair);
  }
  if (repeated.empty() && unknown.empty()) return plan;
  const errc code = unknown.empty() ? errc::invalid_argument : errc::unknown_name;
  unknown.insert(unknown.end(), repeated.begin(), repeated.end());
  std::string sentence;
  for (const std::string& fault : unknown) sentence += (sentence.empty() ? "" : "; ") + fault;
  throw error(code, sentence);
}

std::vector<std::size_t> jobs_by_weight(const job_plan& plan) {
  std::vector<std::size_t> order;
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    if (plan.is_scored(j)) order.push_back(j);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return plan.jobs[a].weight < plan.jobs[b].weight; });
  return order;
}

job_plan job_share(const job_plan& plan, std::size_t share, std::size_t shares) {
  if (shares == 1) return plan;
  job_plan part = plan;
  part.left_to_others.assign(plan.jobs.size(), true);
  part.weights.clear();
  part.weight_scales.clear();
  const std::vector<std::size_t> order = jobs_by_weight(plan);
  const std::size_t end = std::min(order.size() * (share + 1) / shares, order.size());
  std::size_t last = plan.weights.size();
  for (std::size_t at = order.size() * share / shares; at < end; ++at) {
    const std::size_t weight = plan.jobs[order[at]].weight;
    if (weight != last) {
      part.weights.push_back(plan.weights[weight]);
      part.weight_scales.push_back(plan.weight_scales[weight]);
    }
    last = weight;
    part.jobs[order[at]].weight = part.weights.size() - 1;
    part.left_to_others[order[at]] = false;
  }
  return part;
}

}  // namespace qgrain::engine
