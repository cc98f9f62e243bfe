#include <common/json_field.hpp>

#include <boost/json/stream_parser.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

namespace qgrain::common {

json_document read_json_document(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream.is_open() || std::filesystem::is_directory(file)) {
    throw error(errc::io_failure, file.string() + ": the file cannot be opened");
  }
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (stream.bad()) throw error(errc::io_failure, file.string() + ": the file cannot be read");
  boost::json::stream_parser parser;
  boost::json::error_code failure;
  const std::size_t parsed = parser.write(text.data(), text.size(), failure);
  if (!failure) parser.finish(failure);
  if (failure) {
    const auto stop = text.begin() + static_cast<std::ptrdiff_t>(parsed);
    const auto line = 1 + std::count(text.begin(), stop, '\n');
    const auto column = 1 + std::distance(std::find(std::make_reverse_iterator(stop), text.rend(), '\n').base(), stop);
    throw error(errc::bad_file, file.string() + ": not valid JSON at line " + std::to_string(line) + ", column " +
                                    std::to_string(column) + " (" + failure.message() + ")");
  }
  return {file.string(), parser.release()};
}

json_field json_field::member(std::string_view key, const boost::json::value& value) const {
  std::string path = path_;
  if (!path.empty()) path += '.';
  return {*this, path.append(key), value};
}

json_field json_field::at(std::string_view key) const {
  if (!value_->is_object()) fail(errc::bad_file, "must be an object");
  const boost::json::value* value = value_->get_object().if_contains(key);
  if (value == nullptr) fail(errc::bad_file, "lacks the key \"" + std::string(key) + "\"");
  return member(key, *value);
}

std::optional<json_field> json_field::find(std::string_view key) const {
  if (!value_->is_object()) fail(errc::bad_file, "must be an object");
  const boost::json::value* value = value_->get_object().if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return member(key, *value);
}

bool json_field::flag(std::string_view key) const {
  const std::optional<json_field> value = find(key);
  return value && value->boolean();
}

bool json_field::boolean() const {
  if (!value_->is_bool()) fail(errc::bad_file, "must be true or false");
  return value_->get_bool();
}

std::string_view json_field::string() const {
  if (!value_->is_string()) fail(errc::bad_file, "must be a string");
  return value_->get_string();
}

double json_field::number() const {
  if (!value_->is_number()) fail(errc::bad_file, "must be a number");
  return value_->to_number<double>();
}

std::int32_t json_field::id() const {
  if (!value_->is_int64() || value_->get_int64() < 0 ||
      value_->get_int64() >= std::numeric_limits<std::int32_t>::max()) {
    fail(errc::bad_file, "must be a token id, an integer in [0, 2147483647)");
  }
  return static_cast<std::int32_t>(value_->get_int64());
}

std::vector<json_field> json_field::elements() const {
  if (!value_->is_array()) fail(errc::bad_file, "must be an array");
  std::vector<json_field> fields;
  fields.reserve(value_->get_array().size());
  for (const boost::json::value& value : value_->get_array()) {
    fields.push_back({*this, path_ + '[' + std::to_string(fields.size()) + ']', value});
  }
  return fields;
}

std::vector<std::pair<std::string_view, json_field>> json_field::members() const {
  if (!value_->is_object()) fail(errc::bad_file, "must be an object");
  std::vector<std::pair<std::string_view, json_field>> fields;
  fields.reserve(value_->get_object().size());
  for (const auto& entry : value_->get_object()) fields.emplace_back(entry.key(), member(entry.key(), entry.value()));
  return fields;
}

void json_field::fail(errc code, std::string_view predicate) const {
  throw error(code, document_->file + ": " + (path_.empty() ? "the document" : path_) + " " + std::string(predicate));
}

}  // namespace qgrain::common
