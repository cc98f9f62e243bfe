// Byte-pair encoding: a word's characters, merged pair by pair in the order of the trained merges.
#ifndef QGRAIN_LM_TOKENIZER_BPE_HPP
#define QGRAIN_LM_TOKENIZER_BPE_HPP

#include <lm/tokenizer/word_model.hpp>

#include <memory>

namespace qgrain::lm {

/// The BPE model of Sennrich et al. 2016, arXiv:1508.07909, with the options of tokenizer.json's `model`. Of the pairs
/// in a word, the earliest trained is merged first, the leftmost of equals first. O(n log n). A character that is no
/// token becomes the tokens of its bytes (`byte_fallback`), else `unk_token`; `fuse_unk` makes unknown ones in a row
/// one.
///
/// Throws `bad_file` for duplicate ids and for merges whose parts or result are not in the vocabulary, `unsupported`
/// for the options dropout, continuing_subword_prefix and end_of_word_suffix.
[[nodiscard]] std::unique_ptr<const word_model> read_bpe(const common::json_field& model);

/// SentencePiece's BPE: `scores` [ids] in the place of merges. Two neighbours merge where the vocabulary has what they
/// are together, the largest score of the results first, the leftmost of equals first.
[[nodiscard]] std::unique_ptr<const word_model> read_scored_bpe(const common::json_field& model);

}  // namespace qgrain::lm

#endif
