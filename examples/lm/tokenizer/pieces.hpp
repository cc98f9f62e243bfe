// The words that the model sees, as pre-tokenizers cut them out of a normalized text.
#ifndef QGRAIN_LM_TOKENIZER_PIECES_HPP
#define QGRAIN_LM_TOKENIZER_PIECES_HPP

#include <lm/tokenizer/pipeline.hpp>
#include <lm/tokenizer/text_parts.hpp>

namespace qgrain::lm {

struct piece {
  std::string text;
  bool begins_text = false;  ///< nothing of the text as given lies before it
};

/// Consecutive pieces of a text, none of them empty.
using pieces = std::vector<piece>;

/// What becomes of the matches of a pattern.
enum class cut_behaviour : std::uint8_t {
  removed,
  isolated,              ///< each a piece of its own
  merged_with_previous,  ///< each the end of the piece before it, but not of another match
  merged_with_next,
  contiguous,  ///< neighbouring matches are one piece
};

/// By its name in the file ("MergedWithNext"). Throws `unsupported` with the list of those known.
[[nodiscard]] cut_behaviour read_cut_behaviour(const common::json_field& name);

/// `inverted`: matches and gaps change places.
[[nodiscard]] step<pieces> cut_by(text_pattern pattern, cut_behaviour behaviour, bool inverted = false);

}  // namespace qgrain::lm

#endif
