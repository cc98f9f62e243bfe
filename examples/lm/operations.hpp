// The operations of a decoder block, one function each, forward and backward. Rows are independent; all matrices are
// row-major f32. n: rows (tokens), d: width.
#ifndef QGRAIN_LM_OPERATIONS_HPP
#define QGRAIN_LM_OPERATIONS_HPP

#include <lm/buffer.hpp>
#include <lm/families/architecture.hpp>

#include <span>

namespace qgrain::lm {

/// y [n, out] = x [n, in] * w [out, in]^T, plus `bias` [out] unless it is empty.
void linear(const_matrix x, const_matrix w, std::span<const float> bias, matrix y);
/// The same of w [in, out]: matrix libraries copy such a weight faster than the other.
void linear_transposed(const_matrix x, const_matrix w, std::span<const float> bias, matrix y);

/// dx [n, in] = g [n, out] * w [out, in].
void linear_backward(const_matrix g, const_matrix w, matrix dx);
/// dx [n, in] += g [n, out] * w [out, in].
void linear_backward_add(const_matrix g, const_matrix w, matrix dx);

/// y [n, d] = x / sqrt(mean(x^2) + epsilon) * weight [d], per row.
void rms_norm(const_matrix x, std::span<const float> weight, float epsilon, matrix y);
/// dx [n, d] from dy [n, d] and the input x of the forward call. dx may be dy.
void rms_norm_backward(const_matrix x, std::span<const float> weight, float epsilon, const_matrix dy, matrix dx);

/// Turns the first `size` dimensions of each head of x [n, heads * head_size] in place: elements i and i + size / 2 are
/// a pair. `angles` [n] has for each row size / 2 cosines, then as many sines.
void rope(matrix x, index_t head_size, index_t size, std::span<const float* const> angles);
/// The inverse turn, but for the magnitude that the angles have: the backward pass of `rope`.
void rope_backward(matrix dx, index_t head_size, index_t size, std::span<const float* const> angles);

/// y [n, d] = f(gate) * up; see gate_activation.
void gated(gate_activation f, const_matrix gate, const_matrix up, matrix y);
/// dgate and dup [n, d] from dy. dup may be dy.
void gated_backward(gate_activation f, const_matrix gate, const_matrix up, const_matrix dy, matrix dgate, matrix dup);

/// y := cap tanh(y / cap), unless cap is 0.
void soft_cap(matrix y, float cap);
/// gradient *= 1 - tanh^2(y / cap), unless cap is 0: from behind `soft_cap` to in front of it, where y was.
void soft_cap_backward(const_matrix y, float cap, matrix gradient);

/// How the queries of a layer see keys.
struct attention_rule {
  float scale = 0;     ///< of query times key
  float cap = 0;       ///< see soft_cap
  index_t window = 0;  ///< keys up to its own that a query sees; 0: all
};

/// Causal attention of one sequence and one key/value head.
/// q [t, group * head_size] holds the query heads that share the key head, k and v [t, head_size], out like q.
/// `padding` positions in front of the sequence are not attended to; they only shift the order of summation.
void attention(const_matrix q, const_matrix k, const_matrix v, index_t padding, const attention_rule& rule, matrix out);
/// dq, dk, dv from dout; all are overwritten. Probabilities are computed again from q and k.
void attention_backward(const_matrix q, const_matrix k, const_matrix v, const_matrix dout, const attention_rule& rule,
                        matrix dq, matrix dk, matrix dv);

}  // namespace qgrain::lm

#endif
