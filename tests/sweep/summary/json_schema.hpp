// The part of JSON Schema that docs/schema uses; any other keyword is an error, so no rule goes unchecked.
#ifndef QGRAIN_TESTS_SWEEP_SUMMARY_JSON_SCHEMA_HPP
#define QGRAIN_TESTS_SWEEP_SUMMARY_JSON_SCHEMA_HPP

#include <boost/json.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::test {

namespace json = boost::json;

class json_schema {
 public:
  explicit json_schema(json::value root) : root_(std::move(root)) {}

  /// The places where `value` breaks the schema, each with its rule; empty where it is valid.
  [[nodiscard]] std::vector<std::string> faults(const json::value& value) const {
    std::vector<std::string> found;
    check(value, root_, "$", found);
    return found;
  }

 private:
  static bool is_of_type(const json::value& value, std::string_view type) {
    if (type == "null") return value.is_null();
    if (type == "boolean") return value.is_bool();
    if (type == "string") return value.is_string();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    throw std::runtime_error("schema: unknown type " + std::string(type));
  }

  static bool has_type(const json::value& value, const json::value& rule) {
    if (rule.is_string()) return is_of_type(value, rule.get_string());
    const json::array& types = rule.as_array();
    return std::any_of(types.begin(), types.end(),
                       [&](const json::value& type) { return is_of_type(value, type.as_string()); });
  }

  [[nodiscard]] const json::value& resolved(std::string_view reference) const {
    constexpr std::string_view front = "#/$defs/";
    if (!reference.starts_with(front)) throw std::runtime_error("schema: reference " + std::string(reference));
    return root_.at("$defs").at(reference.substr(front.size()));
  }

  void check_members(const json::object& object, const json::object& rules, const std::string& at,
                     std::vector<std::string>& found) const {
    const json::value* properties = rules.if_contains("properties");
    const json::value* others = rules.if_contains("additionalProperties");
    for (const auto& [key, member] : object) {
      const std::string place = at + "." + std::string(key);
      const json::value* rule = properties != nullptr ? properties->as_object().if_contains(key) : nullptr;
      if (rule == nullptr) rule = others;
      if (rule != nullptr && rule->is_bool() && !rule->get_bool()) found.push_back(place + ": not allowed");
      if (rule != nullptr && rule->is_object()) check(member, *rule, place, found);
    }
  }

  void check(const json::value& value, const json::value& schema, const std::string& at,
             std::vector<std::string>& found) const {
    const json::object& rules = schema.as_object();
    for (const auto& [keyword, rule] : rules) {
      if (keyword == "$schema" || keyword == "$defs" || keyword == "title" || keyword == "description" ||
          keyword == "properties" || keyword == "additionalProperties") {
        continue;  // text, or checked with the members below
      }
      if (keyword == "$ref") {
        check(value, resolved(rule.as_string()), at, found);
      } else if (keyword == "type") {
        if (!has_type(value, rule)) found.push_back(at + ": type");
      } else if (keyword == "enum") {
        const json::array& values = rule.as_array();
        if (std::find(values.begin(), values.end(), value) == values.end()) found.push_back(at + ": enum");
      } else if (keyword == "minimum") {
        if (value.is_number() && value.to_number<double>() < rule.to_number<double>())
          found.push_back(at + ": minimum");
      } else if (keyword == "minLength") {
        if (value.is_string() && value.get_string().size() < rule.to_number<std::size_t>())
          found.push_back(at + ": minLength");
      } else if (keyword == "minItems") {
        if (value.is_array() && value.get_array().size() < rule.to_number<std::size_t>())
          found.push_back(at + ": minItems");
      } else if (keyword == "items") {
        if (!value.is_array()) continue;
        for (std::size_t i = 0; i < value.get_array().size(); ++i)
          check(value.get_array()[i], rule, at + "[" + std::to_string(i) + "]", found);
      } else if (keyword == "required") {
        if (!value.is_object()) continue;
        for (const json::value& key : rule.as_array()) {
          if (!value.get_object().contains(key.as_string()))
            found.push_back(at + ": required " + std::string(key.as_string()));
        }
      } else {
        throw std::runtime_error("schema: unknown keyword " + std::string(keyword));
      }
    }
    if (value.is_object()) check_members(value.get_object(), rules, at, found);
  }

  json::value root_;
};

}  // namespace qgrain::test

#endif
