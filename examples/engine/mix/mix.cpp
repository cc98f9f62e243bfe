#include <common/json.hpp>
#include <engine/calibrate/fake_linear.hpp>
#include <engine/mix/mix.hpp>
#include <engine/score/job.hpp>
#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>

namespace qgrain::engine {
namespace {

// Faults of a whole file.
class fault_list {
 public:
  void add(errc code, const std::string& sentence) {
    if (sentences_.empty()) code_ = code;
    sentences_ += (sentences_.empty() ? "" : "; ") + sentence;
  }
  void raise(const std::string& where) const {
    if (!sentences_.empty()) throw error(code_, where + ": " + sentences_);
  }

 private:
  errc code_ = errc::bad_file;
  std::string sentences_;
};

std::optional<fake_recipe> recipe_called(const common::json_field& name, recipe_role role,
                                         const lm::linear_info& linear, fault_list& faults) {
  if (!name.is_string()) {
    faults.add(errc::bad_file, name.mismatch("a string, a recipe's name"));
    return {};
  }
  if (name.string() == recipes::unquantized) return {};
  fake_recipe recipe;
  try {
    recipe = recipes::find_fake_recipe(name.string());
  } catch (const error& fault) {
    faults.add(fault.code(), linear.name + ": " + fault.what());
    return {};
  }
  if (const std::string fault = role_fault(recipe.groups, role); !fault.empty()) {
    faults.add(errc::invalid_shape, linear.name + ": recipe \"" + recipe.name + "\" " + fault);
  }
  if (const status verdict = recipe.check({role == recipe_role::weight ? linear.out : 1, linear.in}); !verdict) {
    faults.add(errc::invalid_shape, linear.name + ": recipe \"" + recipe.name + "\" asks for rows of at least " +
                                        std::to_string(verdict.wanted()) + " elements, there are " +
                                        std::to_string(verdict.found()));
  }
  return recipe;
}

// -1 stands for what is no number.
std::vector<float> numbers_of(const common::json_field& field) {
  std::vector<float> numbers;
  for (const common::json_field& f : field.is_array() ? field.elements() : std::vector{field})
    numbers.push_back(f.value().is_number() ? f.value().to_number<float>() : -1.0F);
  return numbers;
}

std::vector<float> scale_of(const common::json_field& field, const lm::linear_info& linear, fault_list& faults) {
  std::vector<float> scale = numbers_of(field);
  const bool is_size = static_cast<index_t>(scale.size()) == linear.in;
  if (!is_size || std::any_of(scale.begin(), scale.end(), [](float v) { return !std::isfinite(v) || v <= 0; })) {
    faults.add(errc::bad_file, field.mismatch("an array of " + std::to_string(linear.in) + " positive numbers"));
  }
  return scale;
}

calibration_method calibration_called(const common::json_field& name, const lm::linear_info& linear,
                                      fault_list& faults) {
  if (!name.is_string()) {
    faults.add(errc::bad_file, name.mismatch("a string, a calibration's name"));
    return calibration_method::max;
  }
  try {
    return find_calibration(name.string());
  } catch (const error& fault) {
    faults.add(fault.code(), linear.name + ": " + fault.what());
    return calibration_method::max;
  }
}

std::vector<float> range_of(const common::json_field& field, const lm::linear_info& linear, fault_list& faults) {
  std::vector<float> range = numbers_of(field);
  const bool is_size = range.size() == 1 || static_cast<index_t>(range.size()) == linear.in;
  if (!is_size || std::any_of(range.begin(), range.end(), [](float v) { return !std::isfinite(v) || v < 0; })) {
    faults.add(errc::bad_file, field.mismatch("a number that is not negative, or an array of " +
                                              std::to_string(linear.in) + " of them"));
  }
  return range;
}

std::optional<float> weight_range_of(const common::json_field& field, fault_list& faults) {
  const std::vector<float> range = numbers_of(field);
  if (range.size() == 1 && !field.is_array() && std::isfinite(range.front()) && range.front() >= 0)
    return range.front();
  faults.add(errc::bad_file, field.mismatch("a number that is not negative"));
  return std::nullopt;
}

}  // namespace

recipe_mix parse_mix(const boost::json::value& value, const std::string& where, const lm::model& model) {
  recipe_mix mix;
  mix.linears.resize(model.linears().size());
  mix.input_amax.resize(model.linears().size());
  mix.input_scale.resize(model.linears().size());
  mix.weight_amax.resize(model.linears().size());
  std::vector<std::string> names;
  for (const lm::linear_info& l : model.linears()) names.push_back(l.name);
  fault_list faults;
  for (const auto& [name, recipes] : common::json_field(where, value).at("linears").members()) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      const std::vector<std::string> near = nearest_names(name, names);
      faults.add(errc::unknown_name, "the model has no Linear called \"" + std::string(name) + "\"" +
                                         (near.empty() ? "" : name_hint(name, names)));
      continue;
    }
    const auto l = static_cast<std::size_t>(found - names.begin());
    const lm::linear_info& linear = model.linears()[l];
    if (!recipes.value().is_object()) {
      faults.add(errc::bad_file, recipes.mismatch("an object with \"weight\" and \"activation\""));
      continue;
    }
    for (const auto& [what, entry] : recipes.members()) {
      if (what == "weight") {
        mix.linears[l].weight = recipe_called(entry, recipe_role::weight, linear, faults);
      } else if (what == "activation") {
        mix.linears[l].activation = recipe_called(entry, recipe_role::activation, linear, faults);
      } else if (what == "input_amax") {
        mix.input_amax[l] = range_of(entry, linear, faults);
      } else if (what == "input_scale") {
        mix.input_scale[l] = scale_of(entry, linear, faults);
      } else if (what == "weight_amax") {
        mix.weight_amax[l] = weight_range_of(entry, faults);
      } else if (what == "calibration") {
        mix.linears[l].calibration = calibration_called(entry, linear, faults);
      } else {
        constexpr std::array<std::string_view, 6> known{"weight",      "activation",  "input_amax",
                                                        "input_scale", "weight_amax", "calibration"};
        faults.add(errc::unknown_name,
                   linear.name + ": unknown entry \"" + std::string(what) + "\"" + name_hint(what, known));
      }
    }
    const linear_recipes& read = mix.linears[l];
    if (mix.weight_amax[l] && !(read.weight && read.weight->needs_tensor_range() && mix.scale_of(l).empty()))
      faults.add(errc::unsupported, linear.name + ": \"weight_amax\" goes with a weight recipe that has a range per " +
                                        "tensor and no input scale");
    if (const std::string fault = calibration_fault(read.weight, read.activation, read.calibration); !fault.empty())
      faults.add(errc::unsupported, linear.name + ": " + fault);
  }
  faults.raise(where);
  return mix;
}

recipe_mix read_mix(const std::filesystem::path& path, const lm::model& model) {
  return parse_mix(common::read_json_file(path), path.string(), model);
}

recipe_mix chosen_mix(const lm::model& model, std::span<const job> jobs, const calibration_table& calibrations,
                      std::span<const std::optional<std::size_t>> choice) {
  const std::size_t linears = model.linears().size();
  if (choice.size() != linears) {
    throw error(errc::invalid_shape, "the model has " + std::to_string(linears) + " Linears, " +
                                         std::to_string(choice.size()) + " are chosen for");
  }
  const job_plan plan = plan_jobs(jobs);
  recipe_mix mix{std::vector<linear_recipes>(linears), std::vector<std::vector<float>>(linears),
                 std::vector<std::vector<float>>(linears), std::vector<std::optional<float>>(linears)};
  for (std::size_t l = 0; l < linears; ++l) {
    if (!choice[l]) continue;
    const job_plan::pair& pair = plan.jobs.at(*choice[l]);
    mix.linears[l] = {plan.weights[pair.weight], plan.activations[pair.activation],
                      find_calibration(jobs[*choice[l]].calibration)};
    mix.input_amax[l] = calibrations.at(*choice[l], l).amax;
    mix.input_scale[l] = calibrations.at(*choice[l], l).input_scale;
    const auto& weight = mix.linears[l].weight;
    if (weight && weight->needs_tensor_range() && mix.scale_of(l).empty() && !calibrations.weight_amax.empty())
      mix.weight_amax[l] = calibrations.weight_amax.at(l);
  }
  return mix;
}

boost::json::object mix_json(const recipe_mix& mix, const lm::model& model) {
  boost::json::object linears;
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    const linear_recipes& recipes = mix.linears[l];
    if (!recipes.weight && !recipes.activation) continue;
    boost::json::object entry;
    if (recipes.weight) entry["weight"] = recipes.weight->name;
    if (recipes.activation) entry["activation"] = recipes.activation->name;
    if (recipes.calibration != calibration_method::max) entry["calibration"] = name_of(recipes.calibration);
    const std::vector<float>& amax = mix.input_amax[l];
    if (!amax.empty())
      entry["input_amax"] = amax.size() == 1 ? boost::json::value(amax.front()) : boost::json::value_from(amax);
    if (const auto range = mix.weight_range_of(l)) entry["weight_amax"] = *range;
    if (!mix.scale_of(l).empty()) entry["input_scale"] = boost::json::value_from(mix.input_scale.at(l));
    linears[model.linears()[l].name] = std::move(entry);
  }
  return {{"linears", std::move(linears)}};
}

std::vector<std::string> missing_ranges(const recipe_mix& mix, const lm::model& model) {
  std::vector<std::string> missing;
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    if (has_input_scale(mix.linears[l].calibration) && mix.scale_of(l).empty()) {
      missing.push_back(model.linears()[l].name);
      continue;
    }
    const auto& recipe = mix.linears[l].activation;
    if (!recipe || input_range_of(*recipe) != input_range::calibrated) continue;
    const std::vector<float>& range = mix.input_amax[l];
    const bool fits =
        recipe->needs_column_range() ? static_cast<index_t>(range.size()) == model.linears()[l].in : !range.empty();
    if (!fits) missing.push_back(model.linears()[l].name);
  }
  return missing;
}

void require_ranges(const recipe_mix& mix, const lm::model& model) {
  for (std::size_t l = 0; l < mix.linears.size(); ++l) {
    const auto& recipe = mix.linears[l].activation;
    if (mix.scale_of(l).empty() || !recipe || input_range_of(*recipe) != input_range::batch) continue;
    throw error(errc::unsupported,
                model.linears()[l].name +
                    ": an input scale goes with ranges that are calibrated or those of rows, recipe \"" + recipe->name +
                    "\" takes that of a batch");
  }
  const std::vector<std::string> missing = missing_ranges(mix, model);
  if (missing.empty()) return;
  const std::size_t l =
      static_cast<std::size_t>(std::find_if(model.linears().begin(), model.linears().end(),
                                            [&](const lm::linear_info& info) { return info.name == missing.front(); }) -
                               model.linears().begin());
  const std::string more =
      missing.size() > 1 ? " (and of " + std::to_string(missing.size() - 1) + " Linears more)" : "";
  if (has_input_scale(mix.linears[l].calibration) && mix.scale_of(l).empty()) {
    throw error(errc::invalid_argument, "the calibration \"" + std::string(name_of(mix.linears[l].calibration)) +
                                            "\" of " + missing.front() + more +
                                            " has not run: give its result as \"input_scale\", one value per channel");
  }
  throw error(errc::invalid_argument,
              "the static activation recipe \"" + mix.linears[l].activation->name + "\" of " + missing.front() + more +
                  " needs the calibrated range of its input: give it as \"input_amax\"" +
                  (mix.linears[l].activation->needs_column_range() ? ", one value per channel" : ""));
}

}  // namespace qgrain::engine
