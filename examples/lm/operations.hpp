// The operations of a decoder block, one function each, forward and backward. Rows are independent; all matrices are
// row-major f32. n: rows (tokens), d: width.
#ifndef QGRAIN_LM_OPERATIONS_HPP
#define QGRAIN_LM_OPERATIONS_HPP

#include <lm/buffer.hpp>
#include <lm/config.hpp>

#include <cstdint>
#include <span>

namespace qgrain::lm {

/// y [n, out] = x [n, in] * w [out, in]^T, plus `bias` [out] unless it is empty.
void linear(const_matrix x, const_matrix w, std::span<const float> bias, matrix y);

/// dx [n, in] = g [n, out] * w [out, in].
void linear_backward(const_matrix g, const_matrix w, matrix dx);
/// dx [n, in] += g [n, out] * w [out, in].
void linear_backward_add(const_matrix g, const_matrix w, matrix dx);

/// y [n, d] = x / sqrt(mean(x^2) + epsilon) * weight [d], per row.
void rms_norm(const_matrix x, std::span<const float> weight, float epsilon, matrix y);
/// dx [n, d] from dy [n, d] and the input x of the forward call. dx may be dy.
void rms_norm_backward(const_matrix x, std::span<const float> weight, float epsilon, const_matrix dy, matrix dx);

/// Cosines and sines of rotary position embedding for positions [0, count).
class rope_table {
 public:
  rope_table(const model_config& config, index_t count);
  [[nodiscard]] index_t positions() const noexcept { return positions_; }
  /// [head_size / 2] cosines, then as many sines.
  [[nodiscard]] const float* at(index_t position) const noexcept { return values_.data() + position * 2 * half_; }

 private:
  index_t positions_;
  index_t half_;
  buffer values_;
};

/// Turns each head of x [n, heads * head_size] in place by its row's position: elements i and i + head_size / 2 are a
/// pair.
void rope(matrix x, index_t head_size, const rope_table& table, std::span<const std::int32_t> positions);
/// The inverse turn, which is the backward pass of `rope`.
void rope_backward(matrix dx, index_t head_size, const rope_table& table, std::span<const std::int32_t> positions);

/// y [n, d] = silu(gate) * up, silu(v) = v / (1 + exp(-v)).
void swiglu(const_matrix gate, const_matrix up, matrix y);
/// dgate and dup [n, d] from dy. dup may be dy.
void swiglu_backward(const_matrix gate, const_matrix up, const_matrix dy, matrix dgate, matrix dup);

/// Causal attention of one sequence and one key/value head.
/// q [t, group * head_size] holds the query heads that share the key head, k and v [t, head_size], out like q.
/// `padding` positions in front of the sequence are not attended to; they only shift the order of summation.
void attention(const_matrix q, const_matrix k, const_matrix v, index_t padding, matrix out);
/// dq, dk, dv from dout; all are overwritten. Probabilities are computed again from q and k.
void attention_backward(const_matrix q, const_matrix k, const_matrix v, const_matrix dout, matrix dq, matrix dk,
                        matrix dv);

}  // namespace qgrain::lm

#endif
