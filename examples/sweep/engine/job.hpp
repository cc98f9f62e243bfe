// What the engine is asked to score.
#ifndef QGRAIN_SWEEP_ENGINE_JOB_HPP
#define QGRAIN_SWEEP_ENGINE_JOB_HPP

#include <qgrain/host/fake_recipe.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

/// A pair of recipe names. "fp16" stands for no quantization.
struct job {
  std::string weight;
  std::string activation;

  friend bool operator==(const job&, const job&) = default;
};

inline constexpr std::string_view unquantized = "fp16";

/// The distinct recipes of a job list and which of them each job uses. An empty optional is "fp16".
struct job_plan {
  struct pair {
    std::size_t weight = 0;
    std::size_t activation = 0;
  };
  std::vector<std::optional<fake_recipe>> weights;
  std::vector<std::optional<fake_recipe>> activations;
  std::vector<pair> jobs;

  /// A job that quantizes nothing scores 0 and needs no product.
  [[nodiscard]] bool is_scored(const pair& p) const {
    return weights[p.weight].has_value() || activations[p.activation].has_value();
  }
  [[nodiscard]] std::size_t scored_jobs() const;
};

enum class recipe_role : std::uint8_t { weight, activation };

/// Why a granularity does not suit a role ("is for activations"), or nothing.
[[nodiscard]] std::string role_fault(const grouping& groups, recipe_role role);
/// Whether `name` is "fp16" or a recipe.
[[nodiscard]] bool is_recipe(std::string_view name);
/// The recipes of a role in short, for messages: "int2|int3/per_tensor|group32" stands for all combinations; groups and
/// tiles of other sizes exist besides.
[[nodiscard]] std::vector<std::string> recipe_names(recipe_role role);

/// Looks the recipes up. An empty list, a repeated job and unknown names are errors; all of them are named in one
/// sentence. Throws errc::invalid_argument or errc::unknown_name.
[[nodiscard]] job_plan plan_jobs(std::span<const job> jobs);

}  // namespace qgrain::sweep

#endif
