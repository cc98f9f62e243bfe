// What block.cpp and block_backward.cpp share.
#ifndef QGRAIN_LM_BLOCK_PARTS_HPP
#define QGRAIN_LM_BLOCK_PARTS_HPP

#include <lm/block.hpp>

#include <qgrain/core/matrix_view.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace qgrain::lm {

// body(from, to) for each row of two matrices, as matrices of one row for each `size` elements.
template <class Body>
void for_each_row_of_heads(const_matrix from, matrix to, index_t size, const Body& body) {
  for (index_t row = 0; row < to.rows(); ++row) {
    body(as_matrix(from.data() + row * from.outerStride(), from.cols() / size, size),
         as_matrix(to.data() + row * to.outerStride(), to.cols() / size, size));
  }
}

inline void add(const_matrix a, const_matrix b, matrix sum) { sum = a + b; }

inline std::vector<std::int32_t> row_numbers(const chunk& part) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(part.rows()));
  std::iota(numbers.begin(), numbers.end(), static_cast<std::int32_t>(part.begin));
  return numbers;
}

// body(begin, end) for the tasks of a chunk, in rows of the chunk.
template <class Body>
void for_each_task(thread_pool& pool, const chunk& part, const Body& body) {
  for_each_task(pool, part.rows(), part.bundles, body);
}

// One task per sequence and key head: body(sequence, view), where view(matrix, row, rows) is that head's columns of
// some rows of a matrix that has the chunk's rows.
template <class Body>
void block_runner::for_each_head(const chunk& part, const Body& body) {
  const index_t heads = config_.key_value_heads;
  pool_.run((part.end_sequence - part.first_sequence) * heads, [&](index_t task) {
    const sequence_rows& s = rows_.sequences[static_cast<std::size_t>(part.first_sequence + task / heads)];
    body(s, [&](matrix all, index_t first_row, index_t rows) {
      const index_t head_width = all.cols() / heads;
      return matrix(all.data() + (first_row - part.begin) * all.outerStride() + task % heads * head_width, rows,
                    head_width, Eigen::OuterStride<>(all.outerStride()));
    });
  });
}

}  // namespace qgrain::lm

#endif
