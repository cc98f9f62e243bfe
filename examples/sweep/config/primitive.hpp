// Unquoted values: one lexeme has a type of its own, several make a text.
#ifndef QGRAIN_SWEEP_CONFIG_PRIMITIVE_HPP
#define QGRAIN_SWEEP_CONFIG_PRIMITIVE_HPP

#include <string_view>

#include "element.hpp"
#include "scalar_lexer.hpp"

namespace qgrain::sweep::config {

/// null, true, 7, 1.5, or the text of any other lexeme with its escapes removed.
[[nodiscard]] element typed_scalar(lexeme kind, std::string_view text);

/// The characters a lexeme adds to a text of several.
[[nodiscard]] std::string text_of_lexeme(lexeme kind, std::string_view text);

}  // namespace qgrain::sweep::config

#endif
