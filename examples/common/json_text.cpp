#include <common/json_text.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace qgrain::common {
namespace {

void write_value(std::string& out, const json::value& value, std::size_t depth);

void write_string(std::string& out, std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  constexpr std::string_view named = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf";
  out += '"';
  for (const char c : text) {
    if (const auto at = named.find(c); at != std::string_view::npos) {
      out += '\\';
      out += letters[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4U];
      out += hex[static_cast<unsigned char>(c) & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void new_line(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(2 * depth, ' ');
}

template <class Container, class Write>
void write_container(std::string& out, const Container& items, std::string_view brackets, std::size_t depth,
                     const Write& write) {
  out += brackets[0];
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    new_line(out, depth + 1);
    write(item);
  }
  if (!first) new_line(out, depth);
  out += brackets[1];
}

void write_value(std::string& out, const json::value& value, std::size_t depth) {
  switch (value.kind()) {
    case json::kind::null:
      out += "null";
      break;
    case json::kind::bool_:
      out += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      out += std::to_string(value.get_int64());
      break;
    case json::kind::uint64:
      out += std::to_string(value.get_uint64());
      break;
    case json::kind::double_:
      out += number_text(value.get_double());
      break;
    case json::kind::string:
      write_string(out, value.get_string());
      break;
    case json::kind::array:
      write_container(out, value.get_array(), "[]", depth,
                      [&](const json::value& element) { write_value(out, element, depth + 1); });
      break;
    case json::kind::object:
      write_container(out, value.get_object(), "{}", depth, [&](const json::key_value_pair& entry) {
        write_string(out, entry.key());
        out += ": ";
        write_value(out, entry.value(), depth + 1);
      });
      break;
  }
}

// Whether a number stands there that JSON cannot hold; its place is added then: ".scores[2].loss".
bool finds_non_finite(const json::value& value, std::string& place) {
  const std::size_t size = place.size();
  const auto finds = [&](const json::value& element) {
    if (finds_non_finite(element, place)) return true;
    place.resize(size);
    return false;
  };
  if (value.is_double()) return !std::isfinite(value.get_double());
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.get_array().size(); ++i) {
      place.append("[").append(std::to_string(i)).append("]");
      if (finds(value.get_array()[i])) return true;
    }
  }
  if (value.is_object()) {
    for (const auto& entry : value.get_object()) {
      place.append(".").append(entry.key());
      if (finds(entry.value())) return true;
    }
  }
  return false;
}

}  // namespace

std::string number_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[32];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  const auto e = text.find('e');
  const int exponent = std::atoi(std::string(text.substr(e + 1)).c_str());
  if (exponent < -4 || exponent >= 16) return std::string(text);  // "1e-05": two digits at least, as in Python
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string result(buffer, fixed);
  return result.find('.') == std::string::npos ? result + ".0" : result;
}

std::string json_text(const json::value& value) {
  std::string place;
  if (finds_non_finite(value, place))
    throw error(errc::non_finite, "JSON has no numbers like infinity or NaN: " + (place.empty() ? "value" : place));
  std::string out;
  write_value(out, value, 0);
  return out;
}

json::value with_sorted_keys(const json::value& value) {
  if (value.is_array()) {
    json::array result;
    for (const auto& element : value.get_array()) result.push_back(with_sorted_keys(element));
    return result;
  }
  if (!value.is_object()) return value;
  std::vector<std::string_view> keys;
  for (const auto& entry : value.get_object()) keys.push_back(entry.key());
  std::sort(keys.begin(), keys.end());
  json::object result;
  for (const auto key : keys) result[key] = with_sorted_keys(value.get_object().at(key));
  return result;
}

}  // namespace qgrain::common
