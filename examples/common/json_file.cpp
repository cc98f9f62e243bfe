#include <common/file.hpp>
#include <common/json_file.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json/basic_parser_impl.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace qgrain::common {
namespace {

// Builds a value as json::parser does, but converts the digits of floating-point numbers itself.
class exact_number_handler {
 public:
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  json::value release() { return stack_.release(); }

  bool on_document_begin(json::error_code&) {
    stack_.reset();
    return true;
  }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t size, json::error_code&) { return stack_.push_object(size), true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_array_end(std::size_t size, json::error_code&) { return stack_.push_array(size), true; }
  bool on_key_part(json::string_view text, std::size_t, json::error_code&) { return stack_.push_chars(text), true; }
  bool on_key(json::string_view text, std::size_t, json::error_code&) { return stack_.push_key(text), true; }
  bool on_string_part(json::string_view text, std::size_t, json::error_code&) { return stack_.push_chars(text), true; }
  bool on_string(json::string_view text, std::size_t, json::error_code&) { return stack_.push_string(text), true; }
  bool on_number_part(json::string_view text, json::error_code&) {
    digits_.append(text.data(), text.size());
    return true;
  }
  bool on_int64(std::int64_t value, json::string_view, json::error_code&) {
    digits_.clear();
    return stack_.push_int64(value), true;
  }
  bool on_uint64(std::uint64_t value, json::string_view, json::error_code&) {
    digits_.clear();
    return stack_.push_uint64(value), true;
  }
  bool on_double(double approximate, json::string_view text, json::error_code&) {
    digits_.append(text.data(), text.size());
    double value = approximate;  // stays where the number overflows or underflows
    (void)std::from_chars(digits_.data(), digits_.data() + digits_.size(), value);
    digits_.clear();
    return stack_.push_double(value), true;
  }
  bool on_bool(bool value, json::error_code&) { return stack_.push_bool(value), true; }
  bool on_null(json::error_code&) { return stack_.push_null(), true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  json::value_stack stack_;
  std::string digits_;
};

}  // namespace

json::value parse_json(std::string_view text, std::string_view name) {
  json::parse_options options;
  options.allow_comments = true;
  options.allow_trailing_commas = true;
  json::basic_parser<exact_number_handler> parser(options);
  json::error_code code;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), code);
  if (!code && used < text.size()) code = json::error::extra_data;
  if (code) {
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(used), '\n');
    throw error(errc::bad_file, std::string(name) + ", line " + std::to_string(line) + ": " + code.message());
  }
  return parser.handler().release();
}

json::object read_json_object(const std::filesystem::path& path) {
  auto value = parse_json(read_text_file(path), path.string());
  if (!value.is_object()) throw error(errc::bad_file, path.string() + " holds no JSON object");
  return std::move(value.get_object());
}

}  // namespace qgrain::common
