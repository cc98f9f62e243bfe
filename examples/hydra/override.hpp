// One override of the command line: key=value, +key=value, ++key=value, ~key, group@package=choice.
#ifndef QGRAIN_HYDRA_OVERRIDE_HPP
#define QGRAIN_HYDRA_OVERRIDE_HPP

#include <hydra/sweep_value.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qgrain::hydra {

enum class override_type : std::uint8_t { change, add, force_add, remove };

/// The parsed form. Whether `key` names a group depends on the configuration source: see `targets_group`.
struct config_override {
  std::string input;  ///< as written
  override_type type = override_type::change;
  std::string key = {};                      ///< a dotted path (a.b.0) or a group (a/b); may be empty
  std::optional<std::string> package = {};   ///< behind @; empty text where nothing follows it
  std::optional<override_value> value = {};  ///< absent for a deletion without an equals sign
};

/// Reads one override by the grammar of Hydra 1.3. Nothing after the equals sign is the empty text.
/// Throws errc::invalid_argument (unknown_name for a function): the override, the column, the reason. A range that
/// cannot be enumerated and a sweep inside a list or dictionary are refused here.
[[nodiscard]] config_override parse_override(std::string_view text);

/// The operator, key and package as written: "++group@package".
[[nodiscard]] std::string key_text(const config_override& parsed);

/// Null where the value is a sweep or absent.
[[nodiscard]] const element* plain_value(const config_override& parsed) noexcept;
[[nodiscard]] const sweep_value* swept_value(const config_override& parsed) noexcept;

}  // namespace qgrain::hydra

#endif
