// What a composed configuration says about a job: scheme, samples, granularity, folders.
#ifndef QGRAIN_SWEEP_SETTINGS_JOB_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_JOB_SETTINGS_HPP

#include <sweep/formats/granularity_choice.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

// All functions throw errc::invalid_argument or errc::unknown_name, naming the key at fault.

/// The manifest's `scheme`: name, auto_quantize_bits (as asked), _method, _score_size, coverage_mode (default lm_only),
/// coverage_fraction (default 1.0), quant_formats.
[[nodiscard]] json::object scheme_of(const json::object& config, std::span<const std::string> quant_formats);

/// dataset.max_calib_samples, or where that is null the number that dataset.size_to_max_samples gives for dataset.size.
[[nodiscard]] std::int64_t max_calib_samples(const json::object& config);

/// quant_granularity; without one (or with null parts) the default, which overrides nothing.
[[nodiscard]] granularity_choice granularity_of(const json::object& config);

/// Where the job writes: runner.output_dir if set ("~" is the home folder); by output_layout.mode `tmp_dir` (tmp) or
/// <root_dir>/<pair dir>/<granularity>/<run dir> (publish).
[[nodiscard]] std::filesystem::path output_dir(const json::object& config, const std::filesystem::path& tmp_dir);

/// tmp/model-experiments/<experiment>/<model>/<pair>/<granularity>/<size>/<time>: the folder of a single run in layout
/// tmp.
[[nodiscard]] std::filesystem::path tmp_run_dir(const json::object& config, std::string_view time);

/// tmp/model-experiments/<experiment>/<model>/multirun/<time>: the folder of a multirun.
[[nodiscard]] std::filesystem::path sweep_dir(const json::object& config, std::string_view time);

/// <pair>/<granularity>/<size>: the folder of one job in it; `swept_dir` (naming.hpp) goes below for further swept
/// keys.
[[nodiscard]] std::filesystem::path sweep_subdir(const json::object& config);

}  // namespace qgrain::sweep

#endif
