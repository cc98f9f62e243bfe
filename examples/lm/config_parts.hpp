// Parts of reading a configuration; for config*.cpp alone.
#ifndef QGRAIN_LM_CONFIG_PARTS_HPP
#define QGRAIN_LM_CONFIG_PARTS_HPP

#include <common/json.hpp>
#include <lm/config.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <string>
#include <string_view>

namespace qgrain::lm {

[[noreturn]] void refuse_setting(const common::json_field& config, const std::string& what);

/// A positive integer that fits 32 bits: sizes are products of two such counts at most, which then fit 64.
[[nodiscard]] index_t count_of(const common::json_field& field);
/// The same where the key is there and not null; else `otherwise`.
[[nodiscard]] index_t count_at(const common::json_field& config, std::string_view key, index_t otherwise);
/// Whether the object has the key, with null as its value or another.
[[nodiscard]] bool says(const common::json_field& config, std::string_view key);

/// "KIND "NAME" is not supported (nearest: B); supported are A, B, C"
template <class Names>
[[nodiscard]] std::string not_supported(std::string_view kind, std::string_view name, const Names& known) {
  const std::vector<std::string> near = nearest_names(name, known, 1);
  return std::string(kind) + " \"" + std::string(name) + "\" is not supported" +
         (near.empty() ? "" : " (nearest: " + near.front() + ")") + "; supported are " + join_names(known);
}

/// Needs the head size; fills `rotations`.
void read_rotations(const common::json_field& config, model_config& out);
/// How many experts there are, and of what size.
void read_experts(const common::json_field& config, model_config& out);
/// Needs rotations and experts; fills `layer_rules`.
void read_layer_rules(const common::json_field& config, model_config& out);

}  // namespace qgrain::lm

#endif
