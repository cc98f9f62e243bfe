// What a GGUF file can hold of a chosen recipe: a type of ggml, and how its codes are made.
#ifndef QGRAIN_EXPORT_GGUF_GGUF_SCHEME_HPP
#define QGRAIN_EXPORT_GGUF_GGUF_SCHEME_HPP

#include <lm/gguf/ggml_type.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::exports {

struct gguf_scheme {
  const lm::ggml_type* type = nullptr;
  /// Of qgrain-quantize's catalogue, that gives codes and scales; empty: the type's own encoder.
  std::string recipe;
  /// Whether the file's values are those of the chosen recipe. (ggml's integers have float16 scales of 32 elements.)
  bool keeps_values = true;
};

/// The scheme of a recipe (of the sweep or of the catalogue) or of a type by its name, "Q8_0"; nothing where GGUF has
/// none.
[[nodiscard]] std::optional<gguf_scheme> find_gguf_scheme(std::string_view recipe);

/// Types by name that can be written: those of `--scheme` and `--list`.
[[nodiscard]] std::vector<std::string_view> gguf_scheme_names();

}  // namespace qgrain::exports

#endif
