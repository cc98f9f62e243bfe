// What a model on disk makes of some ids.
#ifndef QGRAIN_TESTS_LM_LOGITS_OF_HPP
#define QGRAIN_TESTS_LM_LOGITS_OF_HPP

#include <lm/model.hpp>
#include <lm/pass.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <cstddef>
#include <filesystem>
#include <vector>

namespace qgrain::lm::testing {

/// [positions, vocabulary]
inline std::vector<float> logits_of(const std::filesystem::path& place, const token_ids& ids) {
  const model m(place);
  const packed_rows rows = pack(std::vector<token_ids>{ids}, {}, m.config().vocabulary);
  thread_pool pool(1);
  layer_pass pass({m, rows, pool});
  pass.forward(layer_pass::keep::last_state);
  std::vector<float> all(static_cast<std::size_t>(rows.rows() * m.config().vocabulary));
  pass.logits([&](index_t first_row, index_t first_output, const_matrix logits) {
    as_matrix(all.data(), rows.rows(), m.config().vocabulary)
        .block(first_row, first_output, logits.rows(), logits.cols()) = logits;
  });
  return all;
}

}  // namespace qgrain::lm::testing

#endif
