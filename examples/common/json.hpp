// JSON files with errors that name the file and the key.
#ifndef QGRAIN_COMMON_JSON_HPP
#define QGRAIN_COMMON_JSON_HPP

#include <common/file.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace qgrain::common {

/// Parses `text`; `where` names its origin in the error (errc::bad_file), which gives line and column.
[[nodiscard]] boost::json::value parse_json(std::string_view text, const std::string& where);

[[nodiscard]] boost::json::value read_json_file(const std::filesystem::path& path);

/// An object together with the words that name it in errors ("config.json" or "config.json: text_config").
struct json_object {
  const boost::json::object& fields;
  std::string where;

  /// Null where the field is absent or null.
  [[nodiscard]] const boost::json::value* find(std::string_view key) const;
  [[nodiscard]] json_object object(std::string_view key) const;
  [[nodiscard]] std::int64_t positive_integer(std::string_view key) const;
  [[nodiscard]] double positive_number(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] bool boolean_or(std::string_view key, bool otherwise) const;

 private:
  [[nodiscard]] const boost::json::value& required(std::string_view key) const;
};

/// `value` as an object, or errc::bad_file.
[[nodiscard]] json_object as_object(const boost::json::value& value, std::string where);

}  // namespace qgrain::common

#endif
