// Causal attention in blocks of query rows, so that scratch memory does not grow with the square of the sequence.
//
// The forward pass repeats the reference implementation's operations in its order (a flash attention on a processor
// with vectors of 16 floats), so that the output agrees to the bit; see elementary.hpp for why that matters. The order
// depends on positions, and those count from the left edge of the padding: masked positions add exact zeros, but they
// decide which of the 16 running sums a probability joins and where a long sum of products is cut. One difference is
// known: where a sequence without padding ends in a block of 1 to 3 queries, or is shorter than 12 tokens, the
// reference's matrix library takes other kernels, and single results differ in the last bit.
#include <lm/elementary.hpp>
#include <lm/fused_product.hpp>
#include <lm/operations.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/host/run_fused.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace qgrain::lm {
namespace {

constexpr index_t block_rows = 64;
constexpr index_t block_keys = 512;  // positions whose scores exist at once
constexpr index_t lanes = 16;
constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

const_matrix columns_of(const_matrix m, index_t begin, index_t count) {
  return {m.data() + begin, m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}
matrix columns_of(matrix m, index_t begin, index_t count) {
  return {m.data() + begin, m.rows(), count, Eigen::OuterStride<>(m.outerStride())};
}

constexpr index_t rounded_down(index_t n) { return n - n % lanes; }
constexpr index_t rounded_up(index_t n) { return rounded_down(n + lanes - 1); }

// Sums of probability * value over a block of n positions are cut into partial sums of this many (as MKL's sgemm does,
// which the reference calls).
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
    const index_t first = rounded_down(begin);
    const index_t padded_end = rounded_up(end);
    for (index_t j = first; j < begin; ++j) scores[j] = minus_infinity;
    for (index_t j = end; j < padded_end; ++j) scores[j] = minus_infinity;

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

// A block of keys as a block of query rows sees it, in positions. Scores exist for [first, first + width).
struct key_block {
  index_t begin;  // a multiple of block_keys
  index_t size;   // with keys behind the last query's
  index_t first_seen;
  index_t end;  // of the keys that the last query sees
  index_t first;
  index_t width;
};

// The first position that a query sees.
index_t first_seen_of(index_t position, const attention_rule& rule) {
  return rule.window > 0 ? std::max<index_t>(position - rule.window + 1, 0) : 0;
}

// scores [queries, width] := exp(q * k * scale - largest) for the keys each query sees, else 0. The first query is at
// `position`; what `out` holds of earlier blocks is rescaled.
void softmax_block(const_matrix q, const transposed_keys& keys, const key_block& block, index_t position,
                   const attention_rule& rule, float* scores, std::vector<row_state>& states, matrix out) {
  float scale = rule.scale;
  std::fill_n(scores, q.rows() * block.width, 0.0F);
  run_fused<fused_product>(q.data(), q.outerStride(), keys.at(block.first), keys.columns, scores, block.width, q.rows(),
                           q.cols(), block.width);
  if (rule.cap != 0) {
    matrix all = as_matrix(scores, q.rows(), block.width);
    all *= scale;
    soft_cap(all, rule.cap);
    scale = 1;
  }
  for (index_t i = 0; i < q.rows(); ++i) {
    float* row = scores + i * block.width;
    const index_t seen_begin = std::max(block.first_seen, first_seen_of(position + i, rule));
    const index_t seen_end = std::min(block.end, position + i + 1);
    index_t written = 0;
    if (seen_end > seen_begin) {  // else only later queries see this block, or only earlier ones
      float rescale = 1;
      run_fused<softmax_step>(row, seen_begin - block.first, seen_end - block.first,
                              block.begin + rounded_down(block.size) - block.first, scale,
                              &states[static_cast<std::size_t>(i)], &rescale);
      out.row(i) *= rescale;
      written = rounded_up(seen_end - block.first);
      std::fill(row, row + seen_begin - block.first, 0.0F);
    }
    std::fill(row + written, row + block.width, 0.0F);
  }
}

// out [queries, head_size] += scores * v for one block of keys. v starts at position `padding`.
void add_values(const float* scores, const key_block& block, const_matrix v, index_t padding, matrix out) {
  const index_t step = partial_sum_length(block.size);
  for (index_t part = block.begin; part < block.end; part += step) {
    const index_t begin = std::max(part, block.first_seen);
    const index_t end = std::min(part + step, block.end);
    if (begin >= end) continue;
    run_fused<fused_product>(scores + begin - block.first, block.width, v.data() + (begin - padding) * v.outerStride(),
                             v.outerStride(), out.data(), out.outerStride(), out.rows(), end - begin, out.cols());
  }
}

// One block of query rows, of which the first is token `begin`, against all keys they see.
void attend_rows(const_matrix q, const transposed_keys& keys, const_matrix v, index_t padding, index_t begin,
                 const attention_rule& rule, float* scores, matrix out) {
  const index_t positions = padding + v.rows();
  const index_t seen_end = padding + begin + q.rows();
  std::vector<row_state> states(static_cast<std::size_t>(q.rows()));
  out.setZero();
  const index_t first = std::max(padding, first_seen_of(padding + begin, rule));
  for (index_t position = first - first % block_keys; position < seen_end; position += block_keys) {
    key_block block{};
    block.begin = position;
    block.size = std::min(block_keys, positions - position);
    block.first_seen = std::max(position, first);
    block.end = std::min(position + block.size, seen_end);
    block.first = std::max(position, keys.first_position);
    block.width = rounded_up(block.end - block.first);
    softmax_block(q, keys, block, padding + begin, rule, scores, states, out);
    add_values(scores, block, v, padding, out);
  }
  for (index_t i = 0; i < q.rows(); ++i) out.row(i) *= 1.0F / states[static_cast<std::size_t>(i)].sum;
}

// p [rows, keys] := softmax over the keys each row sees, of keys [first, first + keys); row i of the block is query
// `begin` + i. Keys that it does not see get 0. `slope` [rows, keys], where scores are capped: of the capped score over
// the plain one.
void probabilities(const_matrix q, const_matrix k, index_t begin, index_t first, const attention_rule& rule, matrix p,
                   matrix slope) {
  p.noalias() = rows_of(q, begin, begin + p.rows()) * rows_of(k, first, first + p.cols()).transpose();
  float scale = rule.scale;
  if (rule.cap != 0) {
    p *= scale;
    scale = 1;
    soft_cap(p, rule.cap);
    slope.array() = 1.0F - (p.array() / rule.cap).square();
  }
  for (index_t i = 0; i < p.rows(); ++i) {
    auto row = p.row(i).array();
    const index_t unseen = std::max(first_seen_of(begin + i, rule), first) - first;
    const index_t end = begin + i + 1 - first;
    auto seen = row.segment(unseen, end - unseen);
    seen = ((seen - seen.maxCoeff()) * scale).exp();
    seen *= 1.0F / seen.sum();
    row.head(unseen) = 0.0F;
    row.tail(p.cols() - end) = 0.0F;
  }
}

}  // namespace

void attention(const_matrix q, const_matrix k, const_matrix v, index_t padding, const attention_rule& rule,
               matrix out) {
  const index_t head_size = k.cols();
  const transposed_keys keys(k, padding);
  buffer scores(std::min(block_rows, q.rows()) * (std::min(block_keys, k.rows()) + 2 * lanes));
  for (index_t column = 0; column < q.cols(); column += head_size) {
    const const_matrix queries = columns_of(q, column, head_size);
    const matrix attended = columns_of(out, column, head_size);
    for (index_t begin = 0; begin < q.rows(); begin += block_rows) {
      const index_t end = std::min(begin + block_rows, q.rows());
      attend_rows(rows_of(queries, begin, end), keys, v, padding, begin, rule, scores.data(),
                  rows_of(attended, begin, end));
    }
  }
}

void attention_backward(const_matrix q, const_matrix k, const_matrix v, const_matrix dout, const attention_rule& rule,
                        matrix dq, matrix dk, matrix dv) {
  const index_t length = q.rows();
  const index_t head_size = k.cols();
  dk.setZero();
  dv.setZero();
  const index_t most = std::min(block_rows, length) * length;
  buffer scratch((rule.cap != 0 ? 3 : 2) * most);
  for (index_t column = 0; column < q.cols(); column += head_size) {
    const const_matrix queries = columns_of(q, column, head_size);
    for (index_t begin = 0; begin < length; begin += block_rows) {
      const index_t end = std::min(begin + block_rows, length);
      const index_t first = first_seen_of(begin, rule);
      matrix p = scratch.view(end - begin, end - first);
      matrix dp = as_matrix(scratch.data() + most, end - begin, end - first);
      const matrix slope = as_matrix(scratch.data() + (rule.cap != 0 ? 2 * most : 0), end - begin, end - first);
      const const_matrix dy = rows_of(columns_of(dout, column, head_size), begin, end);
      probabilities(queries, k, begin, first, rule, p, slope);
      rows_of(dv, first, end).noalias() += p.transpose() * dy;
      dp.noalias() = dy * rows_of(v, first, end).transpose();
      for (index_t i = 0; i < p.rows(); ++i) {
        const float mean = (p.row(i).array() * dp.row(i).array()).sum();
        dp.row(i).array() = p.row(i).array() * (dp.row(i).array() - mean) * rule.scale;
      }
      if (rule.cap != 0) dp.array() *= slope.array();
      rows_of(columns_of(dq, column, head_size), begin, end).noalias() = dp * rows_of(k, first, end);
      rows_of(dk, first, end).noalias() += dp.transpose() * rows_of(queries, begin, end);
    }
  }
}

}  // namespace qgrain::lm
