// Ranges of inputs that a choice needs and does not have, found on texts.
#ifndef QGRAIN_EXPORT_CHOICES_INPUT_RANGES_HPP
#define QGRAIN_EXPORT_CHOICES_INPUT_RANGES_HPP

#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <export/plan/plan.hpp>
#include <filesystem>
#include <span>

namespace qgrain::exports {

/// Gives each choice that lacks one the range of its input: the largest magnitude over the lines of a text file in the
/// unquantized model, or what the choice's calibration makes of them. One forward pass, one more where a calibration
/// needs it; none where nothing is missing.
/// @throws error errc::io_failure and errc::invalid_argument for the text, errc::non_finite
void find_input_ranges(const lm::model& model, std::span<layer_choice> choices, target to,
                       const std::filesystem::path& text, thread_pool& pool);

}  // namespace qgrain::exports

#endif
