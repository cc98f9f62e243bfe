// Runs texts through what was written, and compares with the model and the mix that it was written from.
#ifndef QGRAIN_EXPORT_VERIFY_VERIFY_HPP
#define QGRAIN_EXPORT_VERIFY_VERIFY_HPP

#include <engine/measure/verification.hpp>
#include <lm/model.hpp>

#include <qgrain/host/parallel.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <iosfwd>
#include <optional>

namespace qgrain::exports {

struct verified_export {
  engine::mix_report written;             ///< what the file or folder holds, against the model
  std::optional<engine::mix_report> mix;  ///< the weights of the mix, where there is one of the sweep's recipes

  /// Largest of the differences of loss and divergence; nothing without a mix.
  [[nodiscard]] std::optional<double> difference() const;
};

/// `written`: a folder or GGUF file, read back as qgrain-lm reads it. `text`: one sequence a line, in the model's
/// tokens. Weights alone are compared: a file does not say how engines quantize inputs, so that activation recipes of
/// the mix are left out (input scales stay). `mix`: empty for none; where a weight of it is a recipe of
/// qgrain-quantize's catalogue there is no second way to its values, and `verified_export::mix` stays empty.
/// @throws error as lm::model, engine::read_mix; errc::invalid_argument for a text without tokens
[[nodiscard]] verified_export verify_export(const lm::model& model, const std::filesystem::path& written,
                                            const std::filesystem::path& mix, const std::filesystem::path& text,
                                            thread_pool& pool);

void print_verified(std::ostream& out, const verified_export& found);
[[nodiscard]] boost::json::object verified_json(const verified_export& found);

}  // namespace qgrain::exports

#endif
