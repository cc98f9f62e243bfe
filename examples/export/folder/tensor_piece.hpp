// Coded rows in the layout of the tensors that hold them.
#ifndef QGRAIN_EXPORT_FOLDER_TENSOR_PIECE_HPP
#define QGRAIN_EXPORT_FOLDER_TENSOR_PIECE_HPP

#include <cstddef>
#include <cstdint>
#include <export/folder/weight_coder.hpp>
#include <vector>

namespace qgrain::exports {

struct tensor_piece {
  std::int64_t offset = 0;  ///< in the tensor
  std::vector<std::byte> bytes;
};

/// What rows from `first_row` on, a multiple of weight_coder::row_alignment, put into a tensor of their Linear. Empty
/// where the tensor is one number and these are not the first rows.
[[nodiscard]] tensor_piece piece_of(const planned_tensor& tensor, const model_linear& linear,
                                    const layer_coding& coding, const weight_coder& coder, const coded_rows& rows,
                                    std::int64_t first_row);

}  // namespace qgrain::exports

#endif
