// JSON files of the project: comments and trailing commas are allowed, numbers are read exactly.
#ifndef QGRAIN_COMMON_JSON_FILE_HPP
#define QGRAIN_COMMON_JSON_FILE_HPP

#include <boost/json.hpp>

#include <filesystem>
#include <string>
#include <string_view>

namespace qgrain::common {

namespace json = boost::json;

/// The value that `text` holds; // and /* */ comments and trailing commas are allowed. Floating-point numbers are the
/// nearest doubles (Boost.JSON 1.81 by itself may be off by one unit in the last place). Of equal keys the last counts.
/// Throws errc::bad_file: `name`, line, cause.
[[nodiscard]] json::value parse_json(std::string_view text, std::string_view name);

/// The object that a file holds, by `parse_json`. Throws errc::io_failure where the file cannot be read, errc::bad_file
/// where it holds something else.
[[nodiscard]] json::object read_json_object(const std::filesystem::path& path);

}  // namespace qgrain::common

#endif
