// The grammar of interpolated text: "out/${model.name}/${now:%Y}".
#ifndef QGRAIN_HYDRA_INTERPOLATION_TEXT_HPP
#define QGRAIN_HYDRA_INTERPOLATION_TEXT_HPP

#include <hydra/element.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace qgrain::hydra {

struct text_part;
using interpolated_text = std::vector<text_part>;

/// ${a.b[0]}, ${.a}, ${a.${b}}: a key, absolute or from the list or mapping that holds the text.
struct key_reference {
  std::size_t dots = 0;   ///< 0: absolute; 1: from the holder; each further dot is one level up
  interpolated_text key;  ///< without the leading dots
};

struct resolver_argument;
using argument_list = std::vector<resolver_argument>;
using argument_dictionary = std::vector<std::pair<element, resolver_argument>>;

/// ${name:argument,argument}.
struct resolver_call {
  interpolated_text name;
  argument_list arguments;
};

/// Literal characters, or something to resolve.
struct text_part {
  std::variant<std::string, key_reference, resolver_call> value;
};

/// A text in quotes, which stays text even where it is a single interpolation.
struct quoted_argument {
  interpolated_text text;
};

struct resolver_argument {
  std::variant<element, interpolated_text, quoted_argument, argument_list, argument_dictionary> value;
};

/// Whether a text has to be parsed at all: it holds "${".
[[nodiscard]] bool is_interpolated(std::string_view text) noexcept;

/// Parses a configuration text. `\${` stands for "${"; backslashes count only before "${".
/// Throws errc::invalid_argument: the text, the column, the reason.
[[nodiscard]] interpolated_text parse_interpolated(std::string_view text);

/// Parses a whole text as one resolver argument: a scalar, quoted text, [list] or {dictionary}.
[[nodiscard]] resolver_argument parse_argument(std::string_view text);

}  // namespace qgrain::hydra

#endif
