// What a composed configuration says about the texts and the pass over them.
#ifndef QGRAIN_SWEEP_SETTINGS_SCORING_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_SCORING_SETTINGS_HPP

#include <sweep/settings/dataset_texts.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

// All functions throw errc::invalid_argument, unknown_name or unsupported, naming the key at fault.

/// The group dataset.
struct dataset_settings {
  std::optional<std::string> name;
  std::optional<std::string> size;
  std::optional<std::string> root;
  std::string captions_path;  ///< as asked
  dataset_format format = dataset_format::lines;
  std::string field;      ///< of a line's object, or the tensor
  bool is_padded = true;  ///< on the left, to one length
  std::int64_t sequence_length = 512;
  std::optional<std::int64_t> samples;  ///< nothing: the whole file
};

/// dataset.max_calib_samples, or where that is null the number that dataset.size_to_max_samples gives for dataset.size.
[[nodiscard]] std::int64_t max_calib_samples(const json::object& config);

/// With the samples by `max_calib_samples`.
[[nodiscard]] dataset_settings dataset_of(const json::object& config);
/// With the whole file, unless dataset.max_calib_samples says a number.
[[nodiscard]] dataset_settings whole_dataset_of(const json::object& config);

/// How the model is run over the texts.
struct scoring_settings {
  std::string model_path;  ///< as asked
  std::int64_t batch_size = 8;
  std::int64_t score_size = 128;
  std::string cross_term = "exact";  ///< a name that the engine knows
  std::optional<int> threads;        ///< nothing: one per processor
  std::int64_t kept_weight_megabytes = 0;
};

[[nodiscard]] scoring_settings scoring_of(const json::object& config);

}  // namespace qgrain::sweep

#endif
