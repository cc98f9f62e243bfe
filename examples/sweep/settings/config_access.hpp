// Reading a composed configuration by dotted keys: for the settings alone, nobody behind them asks it for a key.
#ifndef QGRAIN_SWEEP_SETTINGS_CONFIG_ACCESS_HPP
#define QGRAIN_SWEEP_SETTINGS_CONFIG_ACCESS_HPP

#include <common/dotted_keys.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

using common::find_value;
using common::flag_at;
using common::integer_at;
using common::number_at;
using common::optional_text_at;
using common::refuse_as_mapping;
using common::text_at;

/// The value, a null pointer where it is missing or null.
[[nodiscard]] const json::value* given(const json::object& config, std::string_view key) noexcept;

/// Text that is not empty: "key=" with nothing behind it is errc::invalid_argument.
[[nodiscard]] std::string filled_text_at(const json::object& config, std::string_view key);

/// A whole number. @throws error errc::invalid_argument besides where it is below `least`.
[[nodiscard]] std::int64_t count_at(const json::object& config, std::string_view key, std::int64_t least = 1);

/// The texts of a list, none of them empty; one text counts as a list of it, nothing as an empty one.
[[nodiscard]] std::vector<std::string> texts_at(const json::object& config, std::string_view key);

}  // namespace qgrain::sweep

#endif
