// A JSON value that knows where it stands, so that each complaint names the file and the key.
#ifndef QGRAIN_COMMON_JSON_FIELD_HPP
#define QGRAIN_COMMON_JSON_FIELD_HPP

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

/// A parsed file and its name.
struct json_document {
  std::string file;
  boost::json::value root;
};

/// Reads a whole JSON file. Throws `io_failure` if it cannot be read, `bad_file` with line and column on a syntax
/// error.
[[nodiscard]] json_document read_json_document(const std::filesystem::path& file);

/// A view of one value; the document must outlive it. Accessors throw `bad_file` when the value has another type.
class json_field {
 public:
  explicit json_field(const json_document& document) : document_(&document), value_(&document.root) {}

  /// The member of an object; throws if it is missing.
  [[nodiscard]] json_field at(std::string_view key) const;
  /// The member of an object, or nothing if it is missing or null.
  [[nodiscard]] std::optional<json_field> find(std::string_view key) const;
  /// A boolean member of an object; false if it is missing or null.
  [[nodiscard]] bool flag(std::string_view key) const;

  [[nodiscard]] bool is_null() const noexcept { return value_->is_null(); }
  [[nodiscard]] bool is_string() const noexcept { return value_->is_string(); }
  [[nodiscard]] bool boolean() const;
  [[nodiscard]] std::string_view string() const;
  [[nodiscard]] double number() const;
  /// A token id: an integer in [0, 2^31 - 1).
  [[nodiscard]] std::int32_t id() const;
  [[nodiscard]] std::vector<json_field> elements() const;
  [[nodiscard]] std::vector<std::pair<std::string_view, json_field>> members() const;

  /// Throws `error(code, "FILE: KEY predicate")`.
  [[noreturn]] void fail(errc code, std::string_view predicate) const;

 private:
  json_field(const json_field& parent, std::string path, const boost::json::value& value)
      : document_(parent.document_), path_(std::move(path)), value_(&value) {}
  [[nodiscard]] json_field member(std::string_view key, const boost::json::value& value) const;

  const json_document* document_;
  std::string path_;  // from the root, e.g. model.merges[3]
  const boost::json::value* value_;
};

}  // namespace qgrain::common

#endif
