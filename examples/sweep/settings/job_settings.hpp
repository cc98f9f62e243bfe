// What a composed configuration says about a job, read once: nobody asks the configuration for a key after that.
#ifndef QGRAIN_SWEEP_SETTINGS_JOB_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_JOB_SETTINGS_HPP

#include <sweep/formats/granularity_choice.hpp>
#include <sweep/formats/recipe_mapping.hpp>
#include <sweep/settings/autoquant_settings.hpp>
#include <sweep/settings/export_settings.hpp>
#include <sweep/settings/scoring_settings.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

// All functions throw errc::invalid_argument, unknown_name, out_of_range or unsupported, naming the key at fault.

/// What a job's results are called, and what they are asked to cover.
struct scheme_settings {
  std::string name;
  double effective_bits = 8;  ///< as asked
  std::string method;         ///< of the search
  std::int64_t score_size = 128;
  std::string coverage_mode = "lm_only";
  double coverage_fraction = 1;

  /// The manifest's `scheme`: name, auto_quantize_bits, _method, _score_size, coverage_mode, coverage_fraction,
  /// quant_formats.
  [[nodiscard]] json::object description(std::span<const std::string> quant_formats) const;
};

[[nodiscard]] scheme_settings scheme_of(const json::object& config);

struct job_settings {
  std::string pair;  ///< by name; "mixed" where there are several formats
  granularity_choice granularity;
  compat rules = compat::qgrain;
  scheme_settings scheme;
  dataset_settings dataset;
  scoring_settings scoring;
  autoquant_settings autoquant;
  export_settings exports;
};

[[nodiscard]] job_settings job_settings_of(const json::object& config);

}  // namespace qgrain::sweep

#endif
