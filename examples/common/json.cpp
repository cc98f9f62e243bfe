#include <common/json.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::common {

boost::json::value parse_json(std::string_view text, const std::string& where) {
  boost::json::stream_parser parser;
  boost::system::error_code failure;
  const std::size_t read = parser.write_some(text, failure);
  if (!failure && read == text.size()) parser.finish(failure);
  if (failure || read < text.size()) {
    const std::string_view before = text.substr(0, std::min(read, text.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = before.size() - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    throw error(errc::bad_file, where + ": not valid JSON at line " + std::to_string(line) + ", column " +
                                    std::to_string(column) + (failure ? " (" + failure.message() + ")" : ""));
  }
  return parser.release();
}

boost::json::value read_json_file(const std::filesystem::path& path) {
  return parse_json(read_text_file(path), path.string());
}

const boost::json::value* json_object::find(std::string_view key) const {
  const boost::json::value* value = fields.if_contains(key);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

const boost::json::value& json_object::required(std::string_view key) const {
  if (const boost::json::value* value = find(key)) return *value;
  throw error(errc::bad_file, where + ": field \"" + std::string(key) + "\" is missing");
}

json_object json_object::object(std::string_view key) const {
  return as_object(required(key), where + ": " + std::string(key));
}

std::int64_t json_object::positive_integer(std::string_view key) const {
  const boost::json::value& value = required(key);
  boost::system::error_code failure;
  const auto number = value.to_number<std::int64_t>(failure);
  if (failure || number <= 0) {
    throw error(errc::bad_file, where + ": field \"" + std::string(key) + "\" must be a positive integer, not " +
                                    boost::json::serialize(value));
  }
  return number;
}

double json_object::positive_number(std::string_view key) const {
  const boost::json::value& value = required(key);
  boost::system::error_code failure;
  const auto number = value.to_number<double>(failure);
  if (failure || !(number > 0)) {
    throw error(errc::bad_file, where + ": field \"" + std::string(key) + "\" must be a positive number, not " +
                                    boost::json::serialize(value));
  }
  return number;
}

std::string json_object::text(std::string_view key) const {
  const boost::json::value& value = required(key);
  if (!value.is_string()) {
    throw error(errc::bad_file,
                where + ": field \"" + std::string(key) + "\" must be a text, not " + boost::json::serialize(value));
  }
  return std::string(value.get_string());
}

bool json_object::boolean_or(std::string_view key, bool otherwise) const {
  const boost::json::value* value = find(key);
  if (value == nullptr) return otherwise;
  if (!value->is_bool()) {
    throw error(errc::bad_file, where + ": field \"" + std::string(key) + "\" must be true or false, not " +
                                    boost::json::serialize(*value));
  }
  return value->get_bool();
}

json_object as_object(const boost::json::value& value, std::string where) {
  if (!value.is_object()) throw error(errc::bad_file, where + ": a JSON object is expected");
  return {value.get_object(), std::move(where)};
}

}  // namespace qgrain::common
