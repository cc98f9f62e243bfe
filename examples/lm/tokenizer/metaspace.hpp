// SentencePiece's spelling of spaces: a visible character in their place, one of them often put before a text.
#ifndef QGRAIN_LM_TOKENIZER_METASPACE_HPP
#define QGRAIN_LM_TOKENIZER_METASPACE_HPP

#include <lm/tokenizer/decoder.hpp>
#include <lm/tokenizer/pieces.hpp>

namespace qgrain::lm {

/// Spells spaces by `replacement`, puts one before a piece that has none (`prepend_scheme` always), before the one that
/// begins the text (first) or nowhere (never), and cuts before each unless `split` is false. Older files have
/// `add_prefix_space` instead of the scheme.
[[nodiscard]] step<pieces> make_metaspace_pieces(const common::json_field& component);

/// The other way: a leading one disappears unless the scheme is never.
[[nodiscard]] step<token_texts> make_metaspace_decoder(const common::json_field& component);

}  // namespace qgrain::lm

#endif
