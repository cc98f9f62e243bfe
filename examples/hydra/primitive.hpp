// Unquoted values: one lexeme has a type of its own, several make a text.
#ifndef QGRAIN_HYDRA_PRIMITIVE_HPP
#define QGRAIN_HYDRA_PRIMITIVE_HPP

#include <hydra/element.hpp>
#include <hydra/scalar_lexer.hpp>

#include <string_view>

namespace qgrain::hydra {

/// null, true, 7, 1.5, or the text of any other lexeme with its escapes removed. Throws for integers beyond 64 bits.
[[nodiscard]] element typed_scalar(lexeme kind, std::string_view text);

/// The characters a lexeme adds to a text of several.
[[nodiscard]] std::string text_of_lexeme(lexeme kind, std::string_view text);

}  // namespace qgrain::hydra

#endif
