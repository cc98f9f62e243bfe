#include <sweep/settings/config_access.hpp>
#include <sweep/settings/scoring_settings.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <vector>

namespace qgrain::sweep {
namespace {

// All but the samples.
dataset_settings texts_of(const json::object& config) {
  dataset_settings settings;
  settings.name = optional_text_at(config, "dataset.name");
  settings.size = optional_text_at(config, "dataset.size");
  settings.root = optional_text_at(config, "dataset.root");
  settings.captions_path = filled_text_at(config, "dataset.captions_path");
  settings.format = dataset_format_from(optional_text_at(config, "dataset.format").value_or("lines"));
  settings.field = optional_text_at(config, "dataset.field").value_or(std::string(usual_field_of(settings.format)));
  const std::string padding = text_at(config, "dataset.padding");
  if (padding != "left" && padding != "none")
    throw error(errc::invalid_argument, "dataset.padding: must be left or none, not " + padding);
  settings.is_padded = padding == "left";
  settings.sequence_length = count_at(config, "dataset.calib_seq_len");
  return settings;
}

}  // namespace

std::int64_t max_calib_samples(const json::object& config) {
  if (given(config, "dataset.max_calib_samples") != nullptr) return integer_at(config, "dataset.max_calib_samples");
  const auto size = text_at(config, "dataset.size");
  const auto* sizes = find_value(config, "dataset.size_to_max_samples");
  if (sizes != nullptr && !sizes->is_object()) {
    throw error(errc::invalid_argument, "dataset.size_to_max_samples must be a mapping of sizes to numbers, but is " +
                                            std::string(json::serialize(*sizes)));
  }
  std::vector<std::string> known;
  if (sizes != nullptr && sizes->is_object()) {
    for (const auto& entry : sizes->get_object()) known.emplace_back(entry.key());
  }
  if (std::find(known.begin(), known.end(), size) == known.end()) {
    throw error(errc::unknown_name, "dataset.size: no size is called " + size + "; there are " + join_names(known));
  }
  return integer_at(sizes->get_object(), size);
}

dataset_settings dataset_of(const json::object& config) {
  dataset_settings settings = texts_of(config);
  settings.samples = max_calib_samples(config);
  return settings;
}

dataset_settings whole_dataset_of(const json::object& config) {
  constexpr std::string_view key = "dataset.max_calib_samples";
  dataset_settings settings = texts_of(config);
  if (given(config, key) != nullptr) settings.samples = count_at(config, key);
  return settings;
}

scoring_settings scoring_of(const json::object& config) {
  scoring_settings settings;
  settings.model_path = filled_text_at(config, "model.path");
  settings.batch_size = count_at(config, "autoquant.batch_size");
  settings.score_size = integer_at(config, "autoquant.score_size");
  settings.cross_term = text_at(config, "autoquant.cross_term");
  if (given(config, "runner.threads") != nullptr)
    settings.threads = static_cast<int>(count_at(config, "runner.threads"));
  if (given(config, "runner.kept_weight_megabytes") != nullptr)
    settings.kept_weight_megabytes = count_at(config, "runner.kept_weight_megabytes", 0);
  if (const std::string device = text_at(config, "autoquant.device"); device != "cpu")
    throw error(errc::unsupported, "autoquant.device: must be cpu, not " + device);
  return settings;
}

}  // namespace qgrain::sweep
