#include <common/file.hpp>
#include <common/json.hpp>
#include <common/number_text.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

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

// A key as it stands in a path: names of tensors have dots, which would look like the path's own.
std::string key_text(std::string_view key) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '$';
  };
  const bool is_word = !key.empty() && std::all_of(key.begin(), key.end(), is_plain);
  return is_word ? std::string(key) : json::serialize(json::value(json::string(key)));
}

// Whether `wanted` is `value` or lies in it; its path from there is appended then.
bool finds(const json::value& value, const json::value* wanted, std::string& path) {
  if (&value == wanted) return true;
  const std::size_t size = path.size();
  const auto enters = [&](const std::string& step, const json::value& inner) {
    path.append(step);
    if (finds(inner, wanted, path)) return true;
    path.resize(size);
    return false;
  };
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      if (enters("[" + std::to_string(i) + "]", value.get_array()[i])) return true;
    }
  }
  if (value.is_object()) {
    for (const auto& entry : value.get_object()) {
      if (enters((path.empty() ? "" : ".") + key_text(entry.key()), entry.value())) return true;
    }
  }
  return false;
}

// The value as JSON, the beginning of a long one.
std::string shown(const json::value& value) {
  constexpr std::size_t limit = 60;
  const std::string text = value.is_double() ? number_text(value.get_double()) : json::serialize(value);
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // no part of a character
  return text.substr(0, end) + "...";
}

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
    const std::string_view before = text.substr(0, used);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t newline = before.rfind('\n');
    const std::size_t column = used - (newline == std::string_view::npos ? 0 : newline + 1) + 1;
    throw error(errc::bad_file, std::string(name) + ": not valid JSON at line " + std::to_string(line) + ", column " +
                                    std::to_string(column) + " (" + code.message() + ")");
  }
  return parser.handler().release();
}

json::value read_json_file(const std::filesystem::path& path) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const std::string file = read_text_file(path);
  std::string_view text = file;
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  return parse_json(text, path.string());
}

json::object read_json_object(const std::filesystem::path& path) {
  json_document document = read_json_document(path);
  if (!document.root.is_object()) json_field(document).must_be("an object");
  return std::move(document.root.get_object());
}

json_document read_json_document(const std::filesystem::path& path) { return {path.string(), read_json_file(path)}; }

json_field json_field::member(const json::value& value) const {
  json_field field = *this;
  field.value_ = &value;
  return field;
}

const json::object& json_field::object() const {
  if (!value_->is_object()) must_be("an object");
  return value_->get_object();
}

json_field json_field::at(std::string_view key) const {
  if (const json::value* value = object().if_contains(key)) return member(*value);
  const std::string way = path();
  throw error(errc::bad_file, *name_ + ": " + way + (way.empty() ? "" : ".") + key_text(key) + " is missing");
}

std::optional<json_field> json_field::find(std::string_view key) const {
  const json::value* value = object().if_contains(key);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return member(*value);
}

bool json_field::flag(std::string_view key, bool otherwise) const {
  const std::optional<json_field> value = find(key);
  return value ? value->boolean() : otherwise;
}

bool json_field::boolean() const {
  if (!value_->is_bool()) must_be("true or false");
  return value_->get_bool();
}

std::string_view json_field::string() const {
  if (!value_->is_string()) must_be("a string");
  return value_->get_string();
}

double json_field::number() const {
  const double number = value_->is_number() ? value_->to_number<double>() : HUGE_VAL;
  if (!std::isfinite(number)) must_be("a number");
  return number;
}

double json_field::positive_number() const {
  const double number = value_->is_number() ? value_->to_number<double>() : -1;
  if (!std::isfinite(number) || number <= 0) must_be("a positive number");
  return number;
}

std::optional<std::int64_t> json_field::whole() const noexcept {
  json::error_code failure;
  const auto number = value_->to_number<std::int64_t>(failure);
  return failure ? std::nullopt : std::optional(number);
}

std::int64_t json_field::positive_integer() const {
  const std::optional<std::int64_t> number = whole();
  if (!number || *number <= 0) must_be("a positive integer");
  return *number;
}

std::int64_t json_field::count() const {
  const std::optional<std::int64_t> number = whole();
  if (!number || *number < 0) must_be("an integer of at least 0");
  return *number;
}

std::vector<json_field> json_field::elements() const {
  if (!value_->is_array()) must_be("an array");
  std::vector<json_field> fields;
  fields.reserve(value_->get_array().size());
  for (const json::value& value : value_->get_array()) fields.push_back(member(value));
  return fields;
}

std::vector<std::pair<std::string_view, json_field>> json_field::members() const {
  std::vector<std::pair<std::string_view, json_field>> fields;
  fields.reserve(object().size());
  for (const auto& entry : object()) fields.emplace_back(entry.key(), member(entry.value()));
  return fields;
}

std::string json_field::path() const {
  std::string path;
  (void)finds(*root_, value_, path);
  return path;
}

std::string json_field::place() const {
  const std::string way = path();
  return way.empty() ? *name_ : *name_ + ": " + way;
}

std::string json_field::subject() const {
  std::string way = path();
  return way.empty() ? "the document" : way;
}

std::string json_field::mismatch(std::string_view wanted) const {
  return subject() + " must be " + std::string(wanted) + ", not " + shown(*value_);
}

void json_field::must_be(std::string_view wanted) const {
  throw error(errc::bad_file, *name_ + ": " + mismatch(wanted));
}

void json_field::fail(errc code, std::string_view predicate) const {
  throw error(code, *name_ + ": " + subject() + " " + std::string(predicate));
}

}  // namespace qgrain::common
