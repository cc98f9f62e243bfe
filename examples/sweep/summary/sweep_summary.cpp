#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/manifest_access.hpp>
#include <sweep/search/pareto.hpp>
#include <sweep/summary/sweep_summary.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>

namespace qgrain::sweep {
namespace {

constexpr std::string_view reference_granularity = "default";

// Index of `value` in `list`, where it is put if it is new.
template <class T>
std::size_t index_in(std::vector<T>& list, const T& value) {
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) return static_cast<std::size_t>(found - list.begin());
  list.push_back(value);
  return list.size() - 1;
}

// Weight bits per element of a recipe.
class bit_count {
 public:
  explicit bit_count(const std::string& recipe) {
    if (recipe != recipes::unquantized) recipe_ = recipes::find_fake_recipe(recipe);
  }
  [[nodiscard]] double operator()(const layer_shape& shape) const {
    return recipe_ ? recipe_->bits_per_element({shape.out, shape.in}) : 16.0;
  }

 private:
  std::optional<fake_recipe> recipe_;
};

// The chosen format of each layer of a model; "" where the manifest does not say.
std::vector<std::string> chosen_formats(const summary_source& source) {
  std::vector<std::string> chosen(source.layers.size());
  const json::value* recipe = find_value(source.manifest, "autoquant_state.recipe");
  const json::value* stats = find_value(source.manifest, "autoquant_state.candidate_stats");
  if (recipe == nullptr || !recipe->is_object() || stats == nullptr || !stats->is_object()) return chosen;
  std::map<std::string_view, std::string_view> of_layer;
  for (const auto& entry : stats->get_object()) {
    const json::value* format = recipe->get_object().if_contains(entry.key());
    const json::value* members =
        entry.value().is_object() ? entry.value().get_object().if_contains("module_names") : nullptr;
    if (format == nullptr || !format->is_string() || members == nullptr || !members->is_array()) continue;
    for (const json::value& name : members->get_array()) {
      if (name.is_string()) of_layer[name.get_string()] = format->get_string();
    }
  }
  for (std::size_t l = 0; l < chosen.size(); ++l) {
    const auto found = of_layer.find(source.layers[l].name);
    if (found != of_layer.end()) chosen[l] = found->second;
  }
  return chosen;
}

void add_job(sweep_summary& summary, const summary_source& source) {
  const json::object& manifest = source.manifest;
  summary_job job;
  std::tie(job.label, job.pair, job.granularity, job.variant, job.folder, job.nominal_bits) =
      std::tie(source.label, source.pair, source.granularity, source.variant, source.folder, source.nominal_bits);
  const std::size_t models_before = summary.models.size();
  job.model = index_in(summary.models, {text_in(manifest, "model.id"), text_in(manifest, "model_fingerprint")});
  if (summary.models.size() > models_before) {
    for (const layer_shape& shape : source.layers) summary.layers.push_back({job.model, shape, place_of(shape.name)});
  }
  job.base_format = text_in(manifest, "quantization.base_format_name");
  job.weight = text_at(manifest, "recipes.weight.name");
  job.activation = text_at(manifest, "recipes.activation.name");
  const json::value* has_effect = find_value(manifest, "quantization.has_effect");
  job.has_effect = has_effect == nullptr || !has_effect->is_bool() || has_effect->get_bool();
  job.target_bits = number_at(manifest, "scheme.auto_quantize_bits");
  job.effective_bits = number_at(manifest, "autoquant_state.constraints.effective_bits");
  job.mix_score = number_at(manifest, "autoquant_state.score");
  job.is_satisfied = flag_at(manifest, "autoquant_state.is_satisfied");
  if (find_value(manifest, "loss.mean_over_targets") != nullptr) {
    job.loss = number_at(manifest, "loss.mean_over_targets");
  }

  const json::object& scores = mapping_in(manifest, "linear_scores");
  const std::vector<std::string> chosen = chosen_formats(source);
  std::map<std::string_view, std::size_t> place;
  for (std::size_t l = 0; l < source.layers.size(); ++l) place[source.layers[l].name] = l;
  const bit_count bits(job.weight);
  for (const summary_layer& layer : summary.layers) {
    const auto known = place.find(layer.shape.name);
    const json::value* score = scores.if_contains(layer.shape.name);
    if (layer.model != job.model || known == place.end() || score == nullptr || !score->is_number()) {
      job.layers.emplace_back();
      continue;
    }
    const layer_result result{score->to_number<double>(), bits(layer.shape),
                              index_in(summary.formats, chosen[known->second])};
    job.layers.emplace_back(result);
    job.score += result.score;
    job.elements += layer.elements();
    job.weight_bits += result.bits * layer.elements();
  }
  summary.jobs.push_back(std::move(job));
}

void compare_jobs(sweep_summary& summary) {
  std::vector<std::pair<std::size_t, std::string>> families;
  for (summary_job& job : summary.jobs) {
    job.layers.resize(summary.layers.size());  // layers of models that came later
    job.family = index_in(families, {job.model, job.variant});
  }
  for (std::size_t family = 0; family < families.size(); ++family) {
    std::vector<summary_job*> members;
    std::vector<size_and_score> points;
    for (summary_job& job : summary.jobs) {
      if (job.family != family) continue;
      members.push_back(&job);
      points.push_back({job.weight_bits, job.score});
    }
    const std::vector<bool> front = pareto_front(points);
    for (std::size_t i = 0; i < members.size(); ++i) members[i]->is_on_front = front[i];
  }
  for (summary_job& job : summary.jobs) {
    const auto reference_of = [&](bool by_name) {
      return std::find_if(summary.jobs.begin(), summary.jobs.end(), [&](const summary_job& other) {
        return other.family == job.family && other.pair == job.pair &&
               (!by_name || other.granularity == reference_granularity);
      });
    };
    auto reference = reference_of(true);
    if (reference == summary.jobs.end()) reference = reference_of(false);
    job.reference = static_cast<std::size_t>(reference - summary.jobs.begin());
    if (reference->score > 0) job.ratio = job.score / reference->score;
  }
}

// Scores that one table puts side by side must be of the same weights, texts and numerics; of other families, which are
// compared in nothing, the numerics alone.
void require_one_identity(const sweep_summary& summary, std::span<const summary_source> sources) {
  const auto scores_of = [&](std::size_t j) { return scores_identity(identity_in(sources[j].manifest)); };
  const auto numerics_of = [&](std::size_t j) {
    const json::object scores = scores_of(j);
    const json::value* numerics = scores.if_contains("numerics");
    return numerics != nullptr ? json::object{{"numerics", *numerics}} : json::object();
  };
  for (std::size_t j = 0; j < sources.size(); ++j) {
    const auto same_family = [&](const summary_job& job) { return job.family == summary.jobs[j].family; };
    const auto first = static_cast<std::size_t>(std::find_if(summary.jobs.begin(), summary.jobs.end(), same_family) -
                                                summary.jobs.begin());
    const std::vector<std::string> different =
        first < j ? differing_parts(scores_of(first), scores_of(j)) : differing_parts(numerics_of(0), numerics_of(j));
    if (different.empty()) continue;
    throw error(errc::invalid_argument, "one table cannot hold " + sources[first < j ? first : 0].label + " and " +
                                            sources[j].label + ": their results differ in " + join_names(different) +
                                            " (the first there, the second here)");
  }
}

}  // namespace

sweep_summary summarize(std::span<const summary_source> sources, std::span<const skipped_job> skipped) {
  sweep_summary summary;
  summary.skipped.assign(skipped.begin(), skipped.end());
  std::set<std::string> labels;
  for (const summary_source& source : sources) {
    if (!labels.insert(source.label).second)
      throw error(errc::invalid_argument, "two jobs of the sweep are called " + source.label);
    try {
      add_job(summary, source);
    } catch (const error& fault) {
      throw error(fault.code(), source.label + ": " + fault.what());
    }
  }
  if (!sources.empty()) {
    const json::object& first = sources.front().manifest;
    summary.program = text_in(first, "program.version");
  }
  compare_jobs(summary);
  require_one_identity(summary, sources);
  return summary;
}

}  // namespace qgrain::sweep
