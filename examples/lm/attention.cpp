// Causal attention in blocks of query rows, so that scratch memory grows with the sequence, not with its square.
#include "operations.hpp"

#include <algorithm>
#include <cmath>

namespace qgrain::lm {
namespace {

constexpr index_t block_rows = 64;

const_matrix columns_of(const_matrix m, index_t begin, index_t count) {
  return {m.data() + begin, m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}
matrix columns_of(matrix m, index_t begin, index_t count) {
  return {m.data() + begin, m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}

// p [rows, end] := softmax over the keys each row sees; row i of the block is query `begin` + i. Keys behind it get 0.
void probabilities(const_matrix q, const_matrix k, index_t begin, float scale, matrix p) {
  p.noalias() = rows_of(q, begin, begin + p.rows()) * rows_of(k, 0, p.cols()).transpose();
  for (index_t i = 0; i < p.rows(); ++i) {
    auto row = p.row(i).array();
    auto seen = row.head(begin + i + 1);
    seen = ((seen - seen.maxCoeff()) * scale).exp();
    seen *= 1.0F / seen.sum();
    row.tail(p.cols() - begin - i - 1) = 0.0F;
  }
}

}  // namespace

void attention(const_matrix q, const_matrix k, const_matrix v, matrix out) {
  const index_t length = q.rows();
  const index_t head_size = k.cols();
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
  buffer scratch(std::min(block_rows, length) * length);
  for (index_t column = 0; column < q.cols(); column += head_size) {
    const const_matrix queries = columns_of(q, column, head_size);
    for (index_t begin = 0; begin < length; begin += block_rows) {
      const index_t end = std::min(begin + block_rows, length);
      matrix p = scratch.view(end - begin, end);
      probabilities(queries, k, begin, scale, p);
      rows_of(columns_of(out, column, head_size), begin, end).noalias() = p * rows_of(v, 0, end);
    }
  }
}

void attention_backward(const_matrix q, const_matrix k, const_matrix v, const_matrix dout, matrix dq, matrix dk,
                        matrix dv) {
  const index_t length = q.rows();
  const index_t head_size = k.cols();
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
  dk.setZero();
  dv.setZero();
  buffer scratch(2 * std::min(block_rows, length) * length);
  for (index_t column = 0; column < q.cols(); column += head_size) {
    const const_matrix queries = columns_of(q, column, head_size);
    for (index_t begin = 0; begin < length; begin += block_rows) {
      const index_t end = std::min(begin + block_rows, length);
      matrix p = scratch.view(end - begin, end);
      matrix dp = as_matrix(scratch.data() + scratch.size() / 2, end - begin, end);
      const const_matrix dy = rows_of(columns_of(dout, column, head_size), begin, end);
      probabilities(queries, k, begin, scale, p);
      rows_of(dv, 0, end).noalias() += p.transpose() * dy;
      dp.noalias() = dy * rows_of(v, 0, end).transpose();
      for (index_t i = 0; i < p.rows(); ++i) {
        const float mean = (p.row(i).array() * dp.row(i).array()).sum();
        dp.row(i).array() = p.row(i).array() * (dp.row(i).array() - mean) * scale;
      }
      rows_of(columns_of(dq, column, head_size), begin, end).noalias() = dp * rows_of(k, 0, end);
      rows_of(dk, 0, end).noalias() += dp.transpose() * rows_of(queries, begin, end);
    }
  }
}

}  // namespace qgrain::lm
