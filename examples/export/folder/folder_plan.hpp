// The plan of a checkpoint folder: a format for each Linear, and from it tensors and metadata.
#ifndef QGRAIN_EXPORT_FOLDER_FOLDER_PLAN_HPP
#define QGRAIN_EXPORT_FOLDER_FOLDER_PLAN_HPP

#include <lm/model.hpp>

#include <export/folder/stored_format.hpp>
#include <export/folder/weight_rule.hpp>
#include <export/plan/plan.hpp>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::exports {

struct folder_settings {
  target to = target::compressed_tensors;
  /// A tied head becomes a tensor of its own.
  bool untie = false;
};

/// How one Linear is coded.
struct layer_coding {
  weight_rule rule;
  stored_format format;  ///< with the kind of the input
  float input_amax = 0;  ///< where the format has a static input; one for all Linears that share the input
  /// Linears whose range is shared (by their numbers, this one among them); empty: the range is its own.
  std::vector<std::size_t> shares_range_with = {};
  std::vector<float> column_divisors = {};  ///< the input scale, [cols] or empty
  std::vector<float> row_factors = {};      ///< the input scale of a later Linear, [rows] or empty: of the scales
};

struct folder_plan {
  folder_settings settings;
  export_plan table;
  std::vector<std::optional<layer_coding>> codings;  ///< [Linear]; none: not quantized
  /// What norms are multiplied by, by their tensors; those become float32.
  std::map<std::string, std::vector<float>> norm_factors = {};

  /// Linears that are coded alike, in order of their first ones.
  struct scheme_group {
    stored_format format;
    std::vector<std::size_t> linears;
  };
  [[nodiscard]] std::vector<scheme_group> groups() const;
};

/// choices: [Linear]; their weights may also be names of folder_schemes. What the target, or the engines that read it,
/// cannot hold is in the table's refusals: recipes without a format there, groups that do not divide, parts of a fused
/// layer (q, k, v; gate, up) of several formats, a quantized head that is tied, ranges that are missing, input
/// scales that go nowhere (input_folds).
/// Notes say where values differ from those that were chosen. What holds for many layers is said once.
/// @throws error errc::invalid_argument where the number of choices is not that of the Linears; errc::unsupported for a
/// model that is no folder, and as linears_of
[[nodiscard]] folder_plan plan_folder(const lm::model& model, std::span<const layer_choice> choices,
                                      const folder_settings& settings);

/// The activation recipe of a choice, also where the scheme that it names has one; empty: none.
[[nodiscard]] std::string activation_of(const layer_choice& choice, target to);

/// Whether the static input of a choice lacks its range.
[[nodiscard]] bool lacks_range(const layer_choice& choice, target to);

}  // namespace qgrain::exports

#endif
