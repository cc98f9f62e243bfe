// Post-processors: the ids that are put around those of the text.
#ifndef QGRAIN_LM_TOKENIZER_POST_PROCESSOR_HPP
#define QGRAIN_LM_TOKENIZER_POST_PROCESSOR_HPP

#include <lm/tokenizer/pipeline.hpp>

#include <cstdint>

namespace qgrain::lm {

using token_ids = std::vector<std::int32_t>;

/// Types: `ByteLevel` (concerns character offsets only, which qgrain does not keep), `TemplateProcessing` (its
/// `single` template: special tokens before and after the text), `RobertaProcessing` and `BertProcessing` (`cls` before
/// the text and `sep` behind it).
[[nodiscard]] pipeline<token_ids> read_post_processor(const common::json_field& component);

}  // namespace qgrain::lm

#endif
