// From overrides to jobs that are ready to run: everything that can be refused is refused here, before any work.
#ifndef QGRAIN_SWEEP_RUN_PLAN_HPP
#define QGRAIN_SWEEP_RUN_PLAN_HPP

#include <engine/score/job.hpp>
#include <engine/score/sums.hpp>
#include <hydra/config_source.hpp>
#include <hydra/runtime_context.hpp>
#include <lm/rows.hpp>
#include <sweep/formats/base_formats.hpp>
#include <sweep/formats/quantization_job.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/command_line.hpp>
#include <sweep/run/pair_source.hpp>
#include <sweep/settings/autoquant_settings.hpp>
#include <sweep/summary/sweep_summary.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
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
  engine::cross_term cross = engine::cross_term::exact;
  std::vector<score_method> methods{score_method::gradient};
  std::uint64_t fisher_draws = 1;
  std::uint64_t fisher_seed = 0;
  bool kl_padding = true;
  std::optional<group_rules> groups;  ///< only where a method scores groups as a whole
  int threads = 1;                    ///< no part of the comparison: results do not depend on it

  friend bool operator==(const pass_settings& a, const pass_settings& b) {
    const auto all = [](const pass_settings& p) {
      return std::tie(p.model, p.captions, p.samples, p.padding, p.sequence_length, p.batch_size, p.score_size, p.cross,
                      p.methods, p.fisher_draws, p.fisher_seed, p.kl_padding, p.groups);
    };
    return all(a) == all(b);
  }
};

/// A candidate of a job's search.
struct planned_format {
  std::string pair;  ///< or base format, as asked
  quantization_job quantization;
};

struct planned_job {
  std::string label;                    ///< for people: pair, granularity and whatever else is swept
  std::string further;                  ///< whatever else is swept
  json::object config;                  ///< composed, interpolations resolved
  json::object scheme;                  ///< as the manifest has it, bits as asked
  std::vector<planned_format> formats;  ///< at least one
  autoquant_settings autoquant;
  compat rules = compat::qgrain;
  pass_settings pass;
  std::filesystem::path folder;
  folder_state state = folder_state::empty;

  /// False where the granularity leaves the recipes of every format as they are.
  [[nodiscard]] bool has_effect() const;
  /// The name of its last file: with it the job is complete.
  [[nodiscard]] std::string result_name() const;
};

/// A list of recipe pairs instead of pairs and granularities (the key `jobs`).
struct recipe_list_job {
  std::vector<engine::job> jobs;
  pass_settings pass;
  json::object config;
  std::filesystem::path folder;
  folder_state state = folder_state::empty;
};

inline constexpr const char* linear_scores_name = "linear-scores.json";  ///< the result of a recipe list

struct sweep_plan {
  std::vector<planned_job> jobs;
  std::optional<recipe_list_job> recipe_list;  ///< then there are no jobs
  std::filesystem::path folder;                ///< of the run as a whole: its state lies there
  double checkpoint_seconds = 60;
  bool skip_illegal = false;
  std::vector<skipped_job> illegal;   ///< jobs that no recipe can follow; not among the others
  std::vector<std::string> warnings;  ///< for people: patterns that match nothing
  bool report_only = false;
  bool is_multirun = false;
};

/// The recipes that this program has.
[[nodiscard]] recipe_catalog compiled_recipes();

/// The configuration tree: the user's folders, then the shipped one.
[[nodiscard]] pair_source open_configuration(const command_line& line);

/// Composes and checks every job. Faults of the jobs are collected: one error names them all, but for pairs and
/// granularities that no recipe can follow: those become plan.illegal.
[[nodiscard]] sweep_plan make_plan(const command_line& line, const pair_source& source,
                                   const hydra::runtime_context& context);

/// Throws errc::unsupported naming all illegal jobs, unless they are to be skipped and others remain.
void settle_illegal(const sweep_plan& plan);

/// The composed configuration of the run's own settings (of the first job in a multirun), for --cfg.
[[nodiscard]] json::object composed_configuration(const command_line& line, const hydra::config_source& source,
                                                  const hydra::runtime_context& context);

/// Environment and local time of this process.
[[nodiscard]] hydra::runtime_context process_context();

}  // namespace qgrain::sweep

#endif
