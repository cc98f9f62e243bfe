// Where a job writes.
#ifndef QGRAIN_SWEEP_SETTINGS_OUTPUT_PLACE_HPP
#define QGRAIN_SWEEP_SETTINGS_OUTPUT_PLACE_HPP

#include <boost/json.hpp>

#include <filesystem>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

// All functions throw errc::invalid_argument or errc::unknown_name, naming the key at fault.

struct output_place {
  std::filesystem::path base;    ///< the part that all jobs of a multirun have in common by rule
  std::filesystem::path folder;  ///< of the job; `swept_dir` (naming.hpp) goes below for further swept keys
};

/// The place of a job that a run begun at `time` composed.
[[nodiscard]] output_place place_of(const json::object& config, bool is_multirun, std::string_view time);

/// runner.output_dir if set ("~" is the home folder); by output_layout.mode `tmp_dir` (tmp) or
/// <root_dir>/<pair dir>/<granularity>/<run dir> (publish).
[[nodiscard]] std::filesystem::path output_dir(const json::object& config, const std::filesystem::path& tmp_dir);

/// tmp/model-experiments/<experiment>/<model>/<pair>/<granularity>/<size>/<time>: the folder of a single run in layout
/// tmp.
[[nodiscard]] std::filesystem::path tmp_run_dir(const json::object& config, std::string_view time);

/// tmp/model-experiments/<experiment>/<model>/multirun/<time>: the folder of a multirun.
[[nodiscard]] std::filesystem::path sweep_dir(const json::object& config, std::string_view time);

/// <pair>/<granularity>/<size>: the folder of one job in it.
[[nodiscard]] std::filesystem::path sweep_subdir(const json::object& config);

}  // namespace qgrain::sweep

#endif
