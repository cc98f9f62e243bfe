// Where no merge can reach across: a word falls into parts there.
#ifndef QGRAIN_LM_TOKENIZER_CHARACTER_NEIGHBOURS_HPP
#define QGRAIN_LM_TOKENIZER_CHARACTER_NEIGHBOURS_HPP

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// Which characters stand next to each other in some token. What merges is a token afterwards; between two characters
/// that are tokens themselves and neighbours in none, BPE leaves a cut whatever stands around them. Texts without
/// pre-tokenizer fall into words this way.
class character_neighbours {
 public:
  character_neighbours();

  void add_token(std::string_view token);

  /// Calls `visit(part)` for the parts of a word in order. Both are well-formed UTF-8.
  void for_each_part(std::string_view word, const std::function<void(std::string_view part)>& visit) const;

 private:
  std::vector<bool> tokens_;  // of one character, by code point
  std::vector<bool> pairs_;   // by hash: a pair too many only leaves a part larger
};

}  // namespace qgrain::lm

#endif
