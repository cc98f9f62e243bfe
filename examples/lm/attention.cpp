// Causal attention in blocks of query rows, so that scratch memory does not grow with the square of the sequence.
//
// The forward pass repeats the reference implementation's operations in its order (a flash attention on a processor
// with vectors of 16 floats), so that the output agrees to the bit; see elementary.hpp for why that matters. The order
// depends on positions, and those count from the left edge of the padding: masked positions add exact zeros, but they
// decide which of the 16 running sums a probability joins and where a long sum of products is cut.
#include "operations.hpp"

#include "elementary.hpp"
#include "fused_kernels.hpp"
#include "fused_product.hpp"

#include <qgrain/core/arithmetic.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace qgrain::lm {
namespace {

constexpr index_t block_rows = 64;

const_matrix columns_of(const_matrix m, index_t begin, index_t count) {
  return {m.data() + begin, m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}
matrix columns_of(matrix m, index_t begin, index_t count) {
  return {m.data() + begin, m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}

constexpr index_t lanes = 16;
constexpr index_t block_keys = 512;  // positions whose scores exist at once
constexpr index_t score_width = block_keys + 2 * lanes;
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

constexpr index_t rounded_down(index_t n) { return n - n % lanes; }

// Sums of probability * value over a block of n positions are cut into partial sums of this many.
constexpr index_t partial_sum_length(index_t n) { return n >= 384 ? 192 : (n > 192 ? n / 2 : n); }

// Keys with one column per position, from the last multiple of 16 in front of the first key; columns without a key are
// 0.
struct transposed_keys {
  transposed_keys(const_matrix k, index_t padding)
      : first_position(rounded_down(padding)),
        columns(padding - first_position + k.rows() + 2 * lanes),
        values(k.cols() * columns) {
    matrix all = values.view(k.cols(), columns);
    all.setZero();
    all.middleCols(padding - first_position, k.rows()) = k.transpose();
  }
  [[nodiscard]] const float* at(index_t position) const { return values.data() + position - first_position; }

  index_t first_position;
  index_t columns;
  buffer values;
};

// exp(x), rounded once from double precision.
QGRAIN_ALWAYS_INLINE float exp_rounded(float x) { return static_cast<float>(std::exp(static_cast<double>(x))); }

// The running softmax of one query row over blocks of keys.
struct row_state {
  float largest = minus_infinity;
  float sum = 0;
};

// One row's scores of a block of keys, as products of query and key, become exp(score * scale - largest so far) in
// place; `rescale` is what earlier blocks' results must be multiplied by. Only scores [begin, end) are seen; all others
// become 0. Scores in front of `vector_end`, a multiple of 16, go through exp_fast into 16 running sums, the rest
// through exp_rounded into their total.
struct softmax_step {
  QGRAIN_ALWAYS_INLINE static void run(float* scores, index_t begin, index_t end, index_t vector_end, float scale,
                                       row_state* state, float* rescale) {
    const index_t padded_end = rounded_down(end + lanes - 1);
    for (index_t j = rounded_down(begin); j < begin; ++j) scores[j] = minus_infinity;
    for (index_t j = end; j < padded_end; ++j) scores[j] = minus_infinity;
    const index_t first = rounded_down(begin);

    float top[lanes];
    for (index_t i = 0; i < lanes; ++i) top[i] = state->largest;
    for (index_t j = first; j < padded_end; ++j) scores[j] *= scale;
    for (index_t j = first; j < padded_end; j += lanes) {
      for (index_t i = 0; i < lanes; ++i) top[i] = scores[j + i] > top[i] ? scores[j + i] : top[i];
    }
    const float largest = *std::max_element(top, top + lanes);

    float sums[lanes] = {};
    const index_t fast_end = std::min(vector_end, padded_end);
    for (index_t j = first; j < fast_end; ++j) scores[j] = exp_fast(scores[j] - largest);
    for (index_t j = first; j < fast_end; j += lanes) {
      for (index_t i = 0; i < lanes; ++i) sums[i] += scores[j + i];
    }
    for (index_t half = lanes / 2; half > 0; half /= 2) {
      for (index_t i = 0; i < half; ++i) sums[i] += sums[i + half];
    }
    float sum = sums[0];
    for (index_t j = std::max(fast_end, begin); j < end; ++j) {
      scores[j] = exp_rounded(scores[j] - largest);
      sum += scores[j];
    }
    for (index_t j = std::max(fast_end, end); j < padded_end; ++j) scores[j] = 0;

    *rescale = std::exp(state->largest - largest);
    *state = {largest, fma_rn(*rescale, state->sum, sum)};
  }
};

// One block of query rows, of which the first is token `begin`, against all keys they see.
void attend_rows(const_matrix queries, const transposed_keys& keys, const_matrix v, index_t padding, index_t begin,
                 matrix out, float* scores) {
  const index_t head_size = v.cols();
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_size));
  const index_t positions = padding + v.rows();
  const index_t seen_end = padding + begin + out.rows();  // positions that the block's last row sees
  std::vector<row_state> states(static_cast<std::size_t>(out.rows()));
  out.setZero();
  for (index_t block = padding - padding % block_keys; block < seen_end; block += block_keys) {
    const index_t size = std::min(block_keys, positions - block);
    const index_t first = std::max(block, keys.first_position);  // of `scores`
    const index_t first_seen = std::max(block, padding);
    const index_t end = std::min(block + size, seen_end);
    const index_t width = rounded_down(end - first + lanes - 1);

    std::fill_n(scores, out.rows() * score_width, 0.0F);
    run_fused<fused_product>(queries.data() + begin * queries.outerStride(), queries.outerStride(), keys.at(first),
                             keys.columns, scores, score_width, out.rows(), head_size, width);
    for (index_t i = 0; i < out.rows(); ++i) {
      const index_t row_end = std::min(end, padding + begin + i + 1);
      float* row = scores + i * score_width;
      if (row_end <= first_seen) {  // a later row of the block reaches into this block of keys, this one does not
        std::fill_n(row, width, 0.0F);
        continue;
      }
      float rescale = 1;
      run_fused<softmax_step>(row, first_seen - first, row_end - first, block + rounded_down(size) - first, scale,
                              &states[static_cast<std::size_t>(i)], &rescale);
      std::fill(row + rounded_down(row_end - first + lanes - 1), row + width, 0.0F);
      out.row(i) *= rescale;
    }
    const index_t step = partial_sum_length(size);
    for (index_t part = block; part < end; part += step) {
      const index_t from = std::max(part, first_seen);
      const index_t to = std::min(part + step, end);
      if (from >= to) continue;
      run_fused<fused_product>(static_cast<const float*>(scores + from - first), score_width,
                               v.data() + (from - padding) * v.outerStride(), v.outerStride(), out.data(),
                               out.outerStride(), out.rows(), to - from, head_size);
    }
  }
  for (index_t i = 0; i < out.rows(); ++i) out.row(i) *= 1.0F / states[static_cast<std::size_t>(i)].sum;
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

void attention(const_matrix q, const_matrix k, const_matrix v, index_t padding, matrix out) {
  const index_t head_size = k.cols();
  const transposed_keys keys(k, padding);
  buffer scores(block_rows * score_width);
  for (index_t column = 0; column < q.cols(); column += head_size) {
    const const_matrix queries = columns_of(q, column, head_size);
    const matrix attended = columns_of(out, column, head_size);
    for (index_t begin = 0; begin < q.rows(); begin += block_rows) {
      const index_t end = std::min(begin + block_rows, q.rows());
      attend_rows(queries, keys, v, padding, begin, rows_of(attended, begin, end), scores.data());
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
