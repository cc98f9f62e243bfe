// The unigram language model of SentencePiece: the likeliest way to cut a word into pieces.
#ifndef QGRAIN_LM_TOKENIZER_UNIGRAM_HPP
#define QGRAIN_LM_TOKENIZER_UNIGRAM_HPP

#include <lm/tokenizer/word_model.hpp>

#include <memory>

namespace qgrain::lm {

/// Kudo 2018, arXiv:1804.10959: of all ways to cut a word into pieces of the vocabulary the one with the largest sum of
/// scores, the first found of equals (from the left, shorter pieces first). A character with no piece of its own may
/// stand as unknown, 10 below the smallest score; unknown ones in a row are one, by their bytes with `byte_fallback`
/// where all of them have tokens, else as `unk_id`. O(n m) with m the longest piece. Scores are added in double
/// precision.
///
/// Throws `bad_file` for a piece that is there twice, an entry that is no [piece, score] and an `unk_id` outside of
/// them.
[[nodiscard]] std::unique_ptr<const word_model> read_unigram(const common::json_field& model);

}  // namespace qgrain::lm

#endif
