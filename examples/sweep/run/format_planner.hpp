// From the formats that a job asks for to what is computed.
#ifndef QGRAIN_SWEEP_RUN_FORMAT_PLANNER_HPP
#define QGRAIN_SWEEP_RUN_FORMAT_PLANNER_HPP

#include <hydra/config_source.hpp>
#include <hydra/runtime_context.hpp>
#include <sweep/formats/base_formats.hpp>
#include <sweep/formats/quantization_job.hpp>
#include <sweep/formats/recipe_mapping.hpp>
#include <sweep/settings/autoquant_settings.hpp>
#include <sweep/settings/quantization_settings.hpp>

#include <string>
#include <vector>

namespace qgrain::sweep {

/// The recipes that this program has.
[[nodiscard]] recipe_catalog compiled_recipes();

/// A candidate of a job's search.
struct planned_format {
  std::string pair;  ///< or base format, as asked
  quantization_job quantization;
};

/// Composes the configurations of a job's formats and resolves them. What it is made with must outlive it.
class format_planner {
 public:
  format_planner(const hydra::config_source& source, const hydra::runtime_context& context, const base_formats& shipped)
      : source_(source), context_(context), shipped_(shipped), recipes_(compiled_recipes()) {}

  /// The settings of one of autoquant.formats, in a job with these overrides.
  /// @throws error errc::unknown_name with the nearest pairs and base formats, and what composing throws.
  [[nodiscard]] quantization_settings settings_of(const format_request& wanted,
                                                  const std::vector<std::string>& overrides) const;

  /// Throws what loading a base format throws.
  void check_base_format(const quantization_settings& wanted) const;

  /// Throws what `resolve_quantization` throws.
  [[nodiscard]] planned_format resolve(const quantization_settings& wanted) const;

 private:
  [[nodiscard]] base_formats formats_for(const quantization_settings& wanted) const;

  const hydra::config_source& source_;
  const hydra::runtime_context& context_;
  const base_formats& shipped_;
  recipe_catalog recipes_;
};

}  // namespace qgrain::sweep

#endif
