// A quantizer type with a published name and a source.
#ifndef QGRAIN_QUANTIZER_NAMED_RECIPE_HPP
#define QGRAIN_QUANTIZER_NAMED_RECIPE_HPP

#include <qgrain/core/concepts.hpp>

#include <cstddef>
#include <string_view>

namespace qgrain {

/// A string literal as a template argument.
template <std::size_t Size>
struct literal {
  char letters[Size];
  constexpr literal(const char (&text)[Size]) noexcept {  // NOLINT: implicit on purpose
    for (std::size_t i = 0; i < Size; ++i) letters[i] = text[i];
  }
  [[nodiscard]] constexpr std::string_view view() const noexcept { return {letters, Size - 1}; }
};

/// `Quantizer` under a name of its own. `Source` says whose convention it is: the tool and function, or the standard.
template <literal Name, literal Source, quantizer_type Quantizer>
struct named_recipe : Quantizer {
  [[nodiscard]] static constexpr std::string_view name() noexcept { return Name.view(); }
  [[nodiscard]] static constexpr std::string_view source() noexcept { return Source.view(); }
};

}  // namespace qgrain

#endif
