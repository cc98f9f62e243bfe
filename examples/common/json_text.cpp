#include <common/json_text.hpp>
#include <common/number_text.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

namespace qgrain::common {
namespace {

// How a text is laid out; the default is for people.
struct layout {
  bool is_indented = true;
  int digits = 0;  // of a double; 0: those that read back exactly
  const json_digits* given = nullptr;

  [[nodiscard]] layout inside(std::string_view key) const {
    layout inner = *this;
    if (given == nullptr) return inner;
    for (const json_digits::of_member& member : given->members) {
      if (member.key == key) inner.digits = member.digits;
    }
    return inner;
  }
};

void write_value(std::string& out, const json::value& value, const layout& form, std::size_t depth);

void write_string(std::string& out, std::string_view text, const layout& form) {
  constexpr std::string_view hex = "0123456789abcdef";
  constexpr std::string_view named = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf";
  const auto is_plain = [&](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\' && (c != '<' || form.is_indented);
  };
  out += '"';
  for (auto rest = text.begin(); rest != text.end();) {
    const auto end = std::find_if_not(rest, text.end(), is_plain);
    out.append(rest, end);
    rest = end;
    if (rest == text.end()) break;
    const char c = *rest++;
    if (const auto at = named.find(c); at != std::string_view::npos) {
      out += '\\';
      out += letters[at];
    } else {
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4U];
      out += hex[static_cast<unsigned char>(c) & 15U];
    }
  }
  out += '"';
}

void write_double(std::string& out, double value, const layout& form) {
  if (form.digits == 0) {
    out += number_text(value);
  } else {
    out += value == 0 ? "0" : number_text(value, std::chars_format::general, form.digits);
  }
}

void new_line(std::string& out, const layout& form, std::size_t depth) {
  if (!form.is_indented) return;
  out += '\n';
  out.append(2 * depth, ' ');
}

template <class Container, class Write>
void write_container(std::string& out, const Container& items, std::string_view brackets, const layout& form,
                     std::size_t depth, const Write& write) {
  out += brackets[0];
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    new_line(out, form, depth + 1);
    write(item);
  }
  if (!first) new_line(out, form, depth);
  out += brackets[1];
}

void write_value(std::string& out, const json::value& value, const layout& form, std::size_t depth) {
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
      write_double(out, value.get_double(), form);
      break;
    case json::kind::string:
      write_string(out, value.get_string(), form);
      break;
    case json::kind::array:
      write_container(out, value.get_array(), "[]", form, depth,
                      [&](const json::value& element) { write_value(out, element, form, depth + 1); });
      break;
    case json::kind::object:
      write_container(out, value.get_object(), "{}", form, depth, [&](const json::key_value_pair& entry) {
        write_string(out, entry.key(), form);
        out += form.is_indented ? ": " : ":";
        write_value(out, entry.value(), form.inside(entry.key()), depth + 1);
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

std::string text_of(const json::value& value, const layout& form) {
  std::string place;
  if (finds_non_finite(value, place))
    throw error(errc::non_finite, "JSON has no numbers like infinity or NaN: " + (place.empty() ? "value" : place));
  std::string out;
  write_value(out, value, form, 0);
  return out;
}

}  // namespace

std::string json_text(const json::value& value) { return text_of(value, {}); }

std::string json_text(const json::value& value, const json_digits& digits) {
  return text_of(value, {.is_indented = false, .digits = digits.digits, .given = &digits});
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
