// A value written in an override: what it is, and how it is written back.
#ifndef QGRAIN_HYDRA_ELEMENT_HPP
#define QGRAIN_HYDRA_ELEMENT_HPP

#include <hydra/number.hpp>

#include <boost/json.hpp>

#include <string>
#include <variant>
#include <vector>

namespace qgrain::hydra {

namespace json = boost::json;

/// How a text was written; the canonical writing keeps it.
enum class quote_mark : char { none = '\0', apostrophe = '\'', quotation = '"' };

struct text_value {
  std::string characters;
  quote_mark quote = quote_mark::none;
};

struct element;
struct dictionary_entry;
using element_list = std::vector<element>;
using element_dictionary = std::vector<dictionary_entry>;

/// Null, bool, number, text, list or dictionary. A dictionary keeps the order of its keys, which are scalars of any
/// kind; `assign` keeps them unique.
struct element {
  std::variant<std::nullptr_t, bool, number, text_value, element_list, element_dictionary> value;
};

struct dictionary_entry {
  element key;
  element value;
};

/// Sets a key; one that is equal by Python's rules (1, 1.0 and true are) keeps its place and first writing.
void assign(element_dictionary& dictionary, element key, element value);

/// "null", "True", "int", ... : what a sentence calls the value's type.
[[nodiscard]] const char* type_name(const element& value) noexcept;

/// The number that a number or a bool (0, 1) stands for; empty for everything else.
[[nodiscard]] std::optional<number> numeric(const element& value);

/// Hydra's canonical writing: `[a,'b c',{-1:128}]`, True, null; special characters of unquoted text get a backslash.
/// Parses back to the same value.
[[nodiscard]] std::string canonical_text(const element& value);

/// A dictionary key in JSON: text as it is, `true`, `-1`, `null`.
[[nodiscard]] std::string key_to_json(const element& key);

/// The value in JSON. Dictionary keys become text (`-1` -> "-1").
[[nodiscard]] json::value to_json(const element& value);

}  // namespace qgrain::hydra

#endif
