#include <hydra/element.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

template <typename... Visitors>
struct overloaded : Visitors... {
  using Visitors::operator()...;
};
template <typename... Visitors>
overloaded(Visitors...) -> overloaded<Visitors...>;  // clang 14 does not deduce aggregates

std::string escaped(const std::string& characters) {
  constexpr std::string_view special = "\\()[]{}:=, \t";
  std::string result;
  for (const char c : characters) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

// Quotes are escaped, and so are the backslashes directly before a quote, the closing one included.
std::string quoted(const text_value& text) {
  const char mark = static_cast<char>(text.quote);
  std::string result(1, mark);
  std::size_t backslashes = 0;
  for (const char c : text.characters) {
    if (c == mark) result += std::string(backslashes + 1, '\\');
    backslashes = c == '\\' ? backslashes + 1 : 0;
    result += c;
  }
  return result + std::string(backslashes, '\\') + mark;
}

json::value number_to_json(const number& value) {
  return std::visit([](auto real) { return json::value(real); }, value);
}

bool equal_keys(const element& a, const element& b) {
  const auto number_a = numeric(a), number_b = numeric(b);
  if (number_a && number_b) return compare(*number_a, *number_b) == 0;
  const auto* text_a = std::get_if<text_value>(&a.value);
  const auto* text_b = std::get_if<text_value>(&b.value);
  if (text_a && text_b) return text_a->characters == text_b->characters;
  return a.value.index() == b.value.index() && std::holds_alternative<std::nullptr_t>(a.value);
}

}  // namespace

void assign(element_dictionary& dictionary, element key, element value) {
  const auto place = std::find_if(dictionary.begin(), dictionary.end(),
                                  [&key](const dictionary_entry& entry) { return equal_keys(entry.key, key); });
  if (place != dictionary.end()) {
    place->value = std::move(value);
  } else {
    dictionary.push_back({std::move(key), std::move(value)});
  }
}

const char* type_name(const element& value) noexcept {
  constexpr const char* names[] = {"null", "bool", "number", "text", "list", "dictionary"};
  return names[value.value.index()];
}

std::optional<number> numeric(const element& value) {
  if (const auto* real = std::get_if<number>(&value.value)) return *real;
  if (const auto* flag = std::get_if<bool>(&value.value)) return number(whole_number(*flag ? 1 : 0));
  return std::nullopt;
}

std::string canonical_text(const element& value) {
  return std::visit(overloaded{
                        [](std::nullptr_t) { return std::string("null"); },
                        [](bool flag) { return std::string(flag ? "True" : "False"); },
                        [](const number& real) { return text_of(real); },
                        [](const text_value& text) {
                          return text.quote == quote_mark::none ? escaped(text.characters) : quoted(text);
                        },
                        [](const element_list& list) {
                          std::string text = "[";
                          for (const auto& item : list) {
                            if (text.size() > 1) text += ',';
                            text += canonical_text(item);
                          }
                          return text + ']';
                        },
                        [](const element_dictionary& dictionary) {
                          std::string text = "{";
                          for (const auto& entry : dictionary) {
                            if (text.size() > 1) text += ',';
                            text.append(canonical_text(entry.key)).append(":").append(canonical_text(entry.value));
                          }
                          return text + '}';
                        },
                    },
                    value.value);
}

std::string key_to_json(const element& key) {
  if (const auto* text = std::get_if<text_value>(&key.value)) return text->characters;
  if (const auto* flag = std::get_if<bool>(&key.value)) return *flag ? "true" : "false";
  return canonical_text(key);
}

json::value to_json(const element& value) {
  return std::visit(overloaded{
                        [](std::nullptr_t) { return json::value(nullptr); },
                        [](bool flag) { return json::value(flag); },
                        [](const number& real) { return number_to_json(real); },
                        [](const text_value& text) { return json::value(text.characters); },
                        [](const element_list& list) {
                          json::array array;
                          for (const auto& item : list) array.push_back(to_json(item));
                          return json::value(std::move(array));
                        },
                        [](const element_dictionary& dictionary) {
                          json::object object;
                          for (const auto& entry : dictionary) object[key_to_json(entry.key)] = to_json(entry.value);
                          return json::value(std::move(object));
                        },
                    },
                    value.value);
}

}  // namespace qgrain::hydra
