// From overrides to jobs that are ready to run: everything that can be refused is refused here, before any work.
#ifndef QGRAIN_SWEEP_PROGRAM_PLAN_HPP
#define QGRAIN_SWEEP_PROGRAM_PLAN_HPP

#include "command_line.hpp"
#include "pair_source.hpp"

#include <base_formats.hpp>
#include <config/config_source.hpp>
#include <config/runtime_context.hpp>
#include <quantization_job.hpp>

#include <engine/job.hpp>
#include <lm/rows.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// What decides the forward and backward pass. Jobs with equal settings are scored in one pass.
struct pass_settings {
  std::filesystem::path model;
  std::filesystem::path captions;
  std::optional<std::int64_t> samples;  ///< nothing: the whole file
  lm::padding padding = lm::padding::left;
  std::int64_t sequence_length = 512;
  std::int64_t batch_size = 8;
  std::int64_t score_size = 128;
  int threads = 1;

  friend bool operator==(const pass_settings&, const pass_settings&) = default;
};

struct planned_job {
  std::string label;    ///< for people: pair, granularity and whatever else is swept
  json::object config;  ///< composed, interpolations resolved
  json::object scheme;  ///< as the manifest has it, bits as asked
  quantization_job quantization;
  pass_settings pass;
  std::filesystem::path folder;
};

/// A list of recipe pairs instead of pairs and granularities (the key `jobs`).
struct recipe_list_job {
  std::vector<job> jobs;
  pass_settings pass;
  json::object config;
  std::filesystem::path folder;
};

struct sweep_plan {
  std::vector<planned_job> jobs;
  std::optional<recipe_list_job> recipe_list;  ///< then there are no jobs
  bool report_only = false;
  bool is_multirun = false;
};

/// The configuration tree: the user's folders, then the shipped one.
[[nodiscard]] pair_source open_configuration(const command_line& line);

/// Composes and checks every job. Faults of the jobs are collected: one error names them all.
[[nodiscard]] sweep_plan make_plan(const command_line& line, const pair_source& source,
                                   const config::runtime_context& context);

/// The composed configuration of the run's own settings (of the first job in a multirun), for --cfg.
[[nodiscard]] json::object composed_configuration(const command_line& line, const config::config_source& source,
                                                  const config::runtime_context& context);

/// Environment and local time of this process.
[[nodiscard]] config::runtime_context process_context();

}  // namespace qgrain::sweep

#endif
