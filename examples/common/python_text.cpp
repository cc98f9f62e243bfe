#include <common/number_text.hpp>
#include <common/python_text.hpp>

#include <string_view>

namespace qgrain::common {
namespace {

std::string quoted_text(const std::string& text) {
  const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote || c == '\\') result += '\\';
    result += c;
  }
  return result + quote;
}

std::string element_text(const json::value& value) {
  return value.is_string() ? quoted_text(std::string(value.get_string())) : python_text(value);
}

}  // namespace

std::string python_text(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "None";
    case json::kind::bool_:
      return value.get_bool() ? "True" : "False";
    case json::kind::int64:
      return std::to_string(value.get_int64());
    case json::kind::uint64:
      return std::to_string(value.get_uint64());
    case json::kind::double_:
      return number_text(value.get_double());
    case json::kind::string:
      return std::string(value.get_string());
    case json::kind::array: {
      std::string text = "[";
      for (const auto& element : value.get_array()) text += (text.size() > 1 ? ", " : "") + element_text(element);
      return text + "]";
    }
    case json::kind::object:
      break;
  }
  std::string text = "{";
  for (const auto& entry : value.get_object()) {
    text += (text.size() > 1 ? ", " : "") + quoted_text(std::string(entry.key())) + ": " + element_text(entry.value());
  }
  return text + "}";
}

}  // namespace qgrain::common
