// Cosines and sines of the packed rows' positions, for each rotation of a model.
#ifndef QGRAIN_LM_ROW_ANGLES_HPP
#define QGRAIN_LM_ROW_ANGLES_HPP

#include <lm/buffer.hpp>
#include <lm/config.hpp>
#include <lm/rows.hpp>

#include <memory>
#include <span>
#include <vector>

namespace qgrain::lm {

/// Tables over positions, shared by all sequences whose lengths give the same frequencies.
class row_angles {
 public:
  row_angles(const model_config& config, const packed_rows& rows);
  /// Of rows [begin, end): [rotation.size / 2] cosines, then as many sines each.
  [[nodiscard]] std::span<const float* const> of(index_t rotation, index_t begin, index_t end) const {
    return std::span(pointers_[static_cast<std::size_t>(rotation)])
        .subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  }

 private:
  std::vector<buffer> tables_;
  std::vector<std::vector<const float*>> pointers_;  // [rotation][row]
};

}  // namespace qgrain::lm

#endif
