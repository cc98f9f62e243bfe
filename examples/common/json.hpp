// Reading JSON: one rule for numbers and comments, and errors that name the file and the key.
#ifndef QGRAIN_COMMON_JSON_HPP
#define QGRAIN_COMMON_JSON_HPP

#include <qgrain/core/status.hpp>

#include <boost/json/value.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::common {

namespace json = boost::json;

/// The value that `text` holds; // and /* */ comments and trailing commas are allowed. Floating-point numbers are the
/// nearest doubles (Boost.JSON 1.81 by itself may be off by one unit in the last place). Of equal keys the last counts.
/// Throws errc::bad_file: "NAME: not valid JSON at line L, column C (cause)".
[[nodiscard]] json::value parse_json(std::string_view text, std::string_view name);

/// The value that a file holds, by `parse_json`; the byte order mark that some editors put in front of UTF-8 is passed
/// over. Throws errc::io_failure where the file cannot be read.
[[nodiscard]] json::value read_json_file(const std::filesystem::path& path);

/// The same for a file that must hold an object.
[[nodiscard]] json::object read_json_object(const std::filesystem::path& path);

/// The member of an object, a null pointer where it is missing or null.
[[nodiscard]] inline const json::value* find_member(const json::object& object, std::string_view key) noexcept {
  const json::value* value = object.if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

template <class T>
[[nodiscard]] json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value();
}

/// A value and what errors call its origin: a file, as a rule.
struct json_document {
  std::string name;
  json::value root;
};

[[nodiscard]] json_document read_json_document(const std::filesystem::path& path);

/// A view of one value of a document, which must outlive it. What the value is asked to be and is not is
/// errc::bad_file: "config.json: rope_scaling.factor must be a positive number, not "x"".
class json_field {
 public:
  explicit json_field(const json_document& document) : json_field(document.name, document.root) {}
  json_field(const std::string& name, const json::value& root) : name_(&name), root_(&root), value_(&root) {}
  explicit json_field(json_document&&) = delete;
  json_field(std::string&&, const json::value&) = delete;
  json_field(const std::string&, json::value&&) = delete;

  [[nodiscard]] const json::value& value() const noexcept { return *value_; }
  [[nodiscard]] bool is_null() const noexcept { return value_->is_null(); }
  [[nodiscard]] bool is_string() const noexcept { return value_->is_string(); }
  [[nodiscard]] bool is_array() const noexcept { return value_->is_array(); }

  /// The member of an object; an error if it is missing.
  [[nodiscard]] json_field at(std::string_view key) const;
  /// The member of an object, or nothing if it is missing or null.
  [[nodiscard]] std::optional<json_field> find(std::string_view key) const;
  /// A boolean member of an object; `otherwise` if it is missing or null.
  [[nodiscard]] bool flag(std::string_view key, bool otherwise = false) const;

  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::string_view string() const;
  [[nodiscard]] double number() const;
  [[nodiscard]] double positive_number() const;
  /// A whole number within 64 bits, if the value is one; 8.0 counts as 8.
  [[nodiscard]] std::optional<std::int64_t> whole() const noexcept;
  [[nodiscard]] std::int64_t positive_integer() const;
  /// A whole number of at least 0.
  [[nodiscard]] std::int64_t count() const;
  [[nodiscard]] std::vector<json_field> elements() const;
  [[nodiscard]] std::vector<std::pair<std::string_view, json_field>> members() const;

  /// The way from the root: model.merges[3]; keys that are no plain words are quoted. Empty for the root.
  [[nodiscard]] std::string path() const;
  /// "FILE: PATH", the beginning of a sentence about what the value holds; the name alone for the root.
  [[nodiscard]] std::string place() const;
  /// "PATH must be WANTED, not VALUE", for those who gather the faults of a file.
  [[nodiscard]] std::string mismatch(std::string_view wanted) const;
  /// Throws `error(errc::bad_file, "FILE: PATH must be WANTED, not VALUE")`.
  [[noreturn]] void must_be(std::string_view wanted) const;
  /// Throws `error(code, "FILE: PATH predicate")`.
  [[noreturn]] void fail(errc code, std::string_view predicate) const;

 private:
  [[nodiscard]] json_field member(const json::value& value) const;
  [[nodiscard]] const json::object& object() const;
  [[nodiscard]] std::string subject() const;

  const std::string* name_;
  const json::value* root_;
  const json::value* value_;  // its path is searched for once an error needs it: large files have many fields
};

}  // namespace qgrain::common

#endif
