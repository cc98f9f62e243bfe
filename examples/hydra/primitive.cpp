#include <hydra/primitive.hpp>

namespace qgrain::hydra {

std::string text_of_lexeme(lexeme kind, std::string_view text) {
  return kind == lexeme::escape ? unescaped(text) : std::string(text);
}

element typed_scalar(lexeme kind, std::string_view text) {
  switch (kind) {
    case lexeme::null:
      return {nullptr};
    case lexeme::boolean:
      return {text.size() == 4};
    case lexeme::integer:
      return {number(read_integer(text).value())};
    case lexeme::floating:
      return {number(read_double(text).value())};
    default:
      return {text_value{text_of_lexeme(kind, text)}};
  }
}

}  // namespace qgrain::hydra
