// What a mix or one scheme chooses for each Linear.
#ifndef QGRAIN_EXPORT_CHOICES_CHOICES_HPP
#define QGRAIN_EXPORT_CHOICES_CHOICES_HPP

#include <lm/model.hpp>

#include <export/plan/plan.hpp>
#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::exports {

/// [Linear] of a mix (engine::parse_mix has its form), in which "weight" may also name a scheme of the target or a
/// recipe of qgrain-quantize's catalogue. A name that the sweep has too is the sweep's, whose values were scored.
/// @throws error as engine::read_mix
[[nodiscard]] std::vector<layer_choice> read_choices(const std::filesystem::path& mix, const lm::model& model,
                                                     target to);

/// Whether a mix names weights that the sweep does not run: schemes, recipes of the catalogue.
[[nodiscard]] bool has_foreign_names(const std::filesystem::path& mix);

/// [Linear]: `scheme` for the Linears of the blocks but routers, `head` for the head; empty or "fp16" stands for not
/// quantized.
[[nodiscard]] std::vector<layer_choice> choices_of_scheme(const lm::model& model, const std::string& scheme,
                                                          const std::string& head);

}  // namespace qgrain::exports

#endif
