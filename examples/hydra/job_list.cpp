#include <common/python_text.hpp>
#include <hydra/job_list.hpp>
#include <hydra/sweep_expand.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

// The texts that one override takes in turn.
struct sweep_axis {
  std::string key;
  std::vector<std::string> texts;
};

sweep_axis axis_of(const config_override& parsed, const config_source& source) {
  sweep_axis axis{key_text(parsed), {}};
  const auto add = [&axis](const element& value) { axis.texts.push_back(axis.key + "=" + canonical_text(value)); };
  if (swept_value(parsed)) {
    for (const auto& value : sweep_elements(parsed, source)) add(value);
  } else {
    add(parsed.value ? *plain_value(parsed) : element{nullptr});
  }
  return axis;
}

std::size_t count_jobs(const std::vector<sweep_axis>& axes) {
  std::size_t jobs = 1;
  for (const auto& axis : axes) {
    if (axis.texts.empty()) return 0;
    if (jobs > most_sweep_elements / axis.texts.size()) {
      throw error(errc::invalid_argument, "the sweep has more than " + std::to_string(most_sweep_elements) + " jobs");
    }
    jobs *= axis.texts.size();
  }
  return jobs;
}

}  // namespace

std::vector<job> expand_jobs(const std::vector<std::string>& overrides, const config_source& source) {
  std::vector<sweep_axis> axes;
  for (const auto& text : overrides) {
    auto axis = axis_of(parse_override(text), source);
    const auto known =
        std::find_if(axes.begin(), axes.end(), [&axis](const auto& other) { return other.key == axis.key; });
    if (known == axes.end()) {
      axes.push_back(std::move(axis));
    } else {
      *known = std::move(axis);
    }
  }
  std::vector<job> jobs(count_jobs(axes));
  std::size_t repeats = jobs.size();
  for (const auto& axis : axes) {
    if (jobs.empty()) break;
    repeats /= axis.texts.size();
    for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].push_back(axis.texts[i / repeats % axis.texts.size()]);
  }
  return jobs;
}

std::vector<std::string> sweep_section_overrides(const json::value& section) {
  if (!section.is_object())
    throw error(errc::invalid_argument, "'sweep' is a mapping of keys to sweep texts, not " + json::serialize(section));
  std::vector<std::string> overrides;
  for (const auto& entry : section.get_object()) {
    const std::string key = entry.key();
    if (entry.value().is_object() || entry.value().is_array()) {
      throw error(errc::invalid_argument, "'sweep." + key + "' is a text like \"a,b\" or \"range(1,4)\", not " +
                                              json::serialize(entry.value()));
    }
    overrides.push_back(key + "=" + (entry.value().is_null() ? "null" : common::python_text(entry.value())));
  }
  return overrides;
}

}  // namespace qgrain::hydra
