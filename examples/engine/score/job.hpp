// What the engine is asked to score.
#ifndef QGRAIN_ENGINE_SCORE_JOB_HPP
#define QGRAIN_ENGINE_SCORE_JOB_HPP

#include <qgrain/host/fake_recipe.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::engine {

/// How the static range of an input is found, and what the input is multiplied by first. Weights keep the ranges of
/// their own largest magnitudes.
enum class calibration_method : std::uint8_t {
  max,          ///< the largest magnitude
  percentile,   ///< 99.99 % of all magnitudes lie below (calibration::percentile_amax)
  mse,          ///< the multiple of the largest magnitude with the least squared error (calibration::mse_observer)
  entropy,      ///< the least loss of information (calibration::entropy_amax); integers
  smoothquant,  ///< max, behind an input scale of alpha 1
  awq_lite,     ///< max, behind the input scale that the quantized weight suits best; from a quarter of the batches
};
inline constexpr std::array<std::string_view, 6> calibration_names{"max",     "percentile",  "mse",
                                                                   "entropy", "smoothquant", "awq_lite"};
/// Throws errc::unknown_name with the nearest names.
[[nodiscard]] calibration_method find_calibration(std::string_view name);
[[nodiscard]] constexpr std::string_view name_of(calibration_method method) noexcept {
  return calibration_names[static_cast<std::size_t>(method)];
}
/// Whether ranges are chosen from histograms of the inputs.
[[nodiscard]] constexpr bool is_of_histogram(calibration_method method) noexcept {
  return method == calibration_method::percentile || method == calibration_method::entropy;
}
/// Whether inputs are multiplied by a scale per channel, and the columns of weights divided by it.
[[nodiscard]] constexpr bool has_input_scale(calibration_method method) noexcept {
  return method == calibration_method::smoothquant || method == calibration_method::awq_lite;
}

/// A pair of recipe names, "fp16" standing for no quantization, and the name of a calibration method.
struct job {
  std::string weight;
  std::string activation;
  std::string calibration = "max";

  friend bool operator==(const job&, const job&) = default;
};

/// "weight:activation", and ":calibration" where it is not max.
[[nodiscard]] std::string job_text(const job& of);
/// The job of such a text; names are not looked up. Throws errc::invalid_argument where there is no colon.
[[nodiscard]] job parse_job(std::string_view text);

/// The distinct variants of a job list and which of them each job uses. An empty recipe is "fp16".
struct job_plan {
  struct pair {
    std::size_t weight = 0;
    std::size_t activation = 0;
  };
  /// Input scales of all Linears by one method: the same for all jobs of it or, with awq_lite, for those of a weight
  /// recipe.
  struct input_scale {
    calibration_method method = calibration_method::smoothquant;
    std::optional<fake_recipe> weight;  ///< of awq_lite
  };
  static constexpr std::size_t unscaled = static_cast<std::size_t>(-1);

  std::vector<std::optional<fake_recipe>> weights;
  std::vector<std::optional<fake_recipe>> activations;
  std::vector<pair> jobs;
  std::vector<input_scale> scales;
  std::vector<std::size_t> weight_scales;      ///< of each weight variant: place among `scales`, or `unscaled`
  std::vector<std::size_t> activation_scales;  ///< likewise
  std::vector<calibration_method> ranges;      ///< of each activation variant: max, percentile, mse or entropy
  std::vector<std::string> faults;             ///< combinations of recipes and calibration that make no sense

  std::vector<bool> left_to_others;  ///< [job] or empty: another rank of the run scores it (job_share)

  /// A job that quantizes nothing scores 0 and needs no product.
  [[nodiscard]] bool is_scored(std::size_t job) const {
    if (!left_to_others.empty() && left_to_others[job]) return false;
    const pair& p = jobs[job];
    return weights[p.weight].has_value() || activations[p.activation].has_value();
  }
  [[nodiscard]] std::size_t scored_jobs() const;
};

enum class recipe_role : std::uint8_t { weight, activation };

/// Why a calibration makes no sense for a pair of recipes (empty: unquantized), or nothing.
[[nodiscard]] std::string calibration_fault(const std::optional<fake_recipe>& weight,
                                            const std::optional<fake_recipe>& activation, calibration_method method);
/// Why a granularity does not suit a role ("is for activations"), or nothing.
[[nodiscard]] std::string role_fault(const grouping& groups, recipe_role role);
/// Whether `name` is "fp16" or a recipe.
[[nodiscard]] bool is_recipe(std::string_view name);
/// The recipes of a role in short, for messages: "int2|int3/per_tensor|group32" stands for all combinations; groups and
/// tiles of other sizes exist besides.
[[nodiscard]] std::vector<std::string> recipe_names(recipe_role role);

/// Looks the names up. An empty list, a repeated job and unknown names are errors; all of them are named in one
/// sentence. Throws errc::invalid_argument or errc::unknown_name. A calibration that has nothing to do (no static
/// range, no input scale) counts as max, so that variants are shared.
[[nodiscard]] job_plan plan_jobs(std::span<const job> jobs);

/// Jobs that are scored, those of a weight variant together.
[[nodiscard]] std::vector<std::size_t> jobs_by_weight(const job_plan& plan);
/// The plan of one of several ranks that share the scored jobs evenly: jobs of a weight variant stay together where
/// that is possible, and of the weight variants those remain that its jobs take. Jobs and activation variants keep
/// their places. One share: the plan as it is; behind the last share: none of its jobs.
[[nodiscard]] job_plan job_share(const job_plan& plan, std::size_t share, std::size_t shares);

}  // namespace qgrain::engine

#endif
