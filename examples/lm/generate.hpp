// Greedy continuation of a prompt.
#ifndef QGRAIN_LM_GENERATE_HPP
#define QGRAIN_LM_GENERATE_HPP

#include <lm/linear_override.hpp>
#include <lm/model.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

namespace qgrain::lm {

/// The ids that follow `prompt`, at most `count`; ends early behind an id that ends a text. Among equal logits the
/// smallest id wins. Every id costs one pass over the whole sequence: a pass reads each block's weights from the file
/// anyway, which a cache of keys and values would not spare. `instead`, unless it is null, takes the place of Linears.
[[nodiscard]] token_ids generate(const model& m, const token_ids& prompt, index_t count, thread_pool& pool,
                                 linear_override* instead = nullptr);

}  // namespace qgrain::lm

#endif
