#include <lm/generate.hpp>
#include <lm/pass.hpp>

#include <algorithm>
#include <limits>

namespace qgrain::lm {

token_ids generate(const model& m, const token_ids& prompt, index_t count, thread_pool& pool,
                   linear_override* instead) {
  token_ids ids = prompt;
  while (static_cast<index_t>(ids.size() - prompt.size()) < count) {
    const packed_rows rows = pack(std::vector<token_ids>{ids}, {}, m.config().vocabulary);
    layer_pass pass({m, rows, pool}, 0, instead);
    pass.forward(layer_pass::keep::last_state);
    float largest = -std::numeric_limits<float>::infinity();
    std::int32_t next = 0;
    pass.logits(rows.rows() - 1, [&](index_t, index_t first_output, const_matrix logits) {
      for (index_t i = 0; i < logits.cols(); ++i) {
        if (logits(0, i) > largest) {
          largest = logits(0, i);
          next = static_cast<std::int32_t>(first_output + i);
        }
      }
    });
    ids.push_back(next);
    const std::vector<std::int32_t>& ends = m.config().end_of_text;
    if (std::find(ends.begin(), ends.end(), next) != ends.end()) break;
  }
  return {ids.begin() + static_cast<std::ptrdiff_t>(prompt.size()), ids.end()};
}

}  // namespace qgrain::lm
