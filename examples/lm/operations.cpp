#include <lm/elementary.hpp>
#include <lm/operations.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/exponential.hpp>
#include <qgrain/host/run_fused.hpp>

#include <algorithm>
#include <bit>
#include <cmath>

namespace qgrain::lm {
namespace {

const_row_vector row_of(const_matrix m, index_t row) { return {m.data() + row * m.outerStride(), m.cols()}; }
row_vector row_of(matrix m, index_t row) { return {m.data() + row * m.outerStride(), m.cols()}; }
const_row_vector vector_of(std::span<const float> v) { return {v.data(), static_cast<index_t>(v.size())}; }

// The sum of squares of n values, in the order of the reference implementation's sum over rows of at least 8: 32
// running sums take the values in turn; after 2^power steps they are emptied into a second level, that after as many
// into a third, and so on. Then the four groups of 8 are added, then the 8 one after another, with what 8 does not
// divide in front. (See elementary.hpp for why the order matters.)
struct sum_of_squares {
  static constexpr index_t lanes = 8;
  static constexpr index_t width = 4 * lanes;
  static constexpr std::size_t levels = 4;

  QGRAIN_ALWAYS_INLINE static void run(const float* x, index_t n, float* result) {
    const index_t steps = n / width;
    const int power = std::max(4, log2_rounded_up(steps) / static_cast<int>(levels));
    float first[width] = {};
    if (steps < index_t{1} << power) {  // the higher levels stay 0
      for (index_t step = 0; step < steps; ++step, x += width) add_squares(x, first);
    } else {
      float sums[levels][width] = {};
      for (index_t step = 1; step <= steps; ++step, x += width) {
        add_squares(x, sums[0]);
        for (std::size_t level = 1; level < levels && step % (index_t{1} << (power * static_cast<int>(level))) == 0;
             ++level) {
          empty(sums[level - 1], sums[level]);
        }
      }
      for (std::size_t level = 1; level < levels; ++level) empty(sums[level], sums[0]);
      for (index_t i = 0; i < width; ++i) first[i] = sums[0][i];
    }
    const index_t rest = n - steps * width;
    const index_t whole = rest - rest % lanes;
    for (index_t i = 0; i < whole; ++i) first[i % lanes] += square(x[i]);
    float total = 0;
    for (index_t i = whole; i < rest; ++i) total += square(x[i]);
    for (index_t i = 0; i < lanes; ++i) {
      total += ((first[i] + first[i + lanes]) + first[i + 2 * lanes]) + first[i + 3 * lanes];
    }
    *result = total;
  }

 private:
  QGRAIN_ALWAYS_INLINE static float square(float x) { return mul_rn(x, x); }
  QGRAIN_ALWAYS_INLINE static void add_squares(const float* x, float* sums) {
    for (index_t i = 0; i < width; ++i) sums[i] += square(x[i]);
  }
  QGRAIN_ALWAYS_INLINE static int log2_rounded_up(index_t n) {
    return n > 1 ? static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1))) : 0;
  }
  QGRAIN_ALWAYS_INLINE static void empty(float* from, float* into) {
    for (index_t i = 0; i < width; ++i) {
      into[i] += from[i];
      from[i] = 0;
    }
  }
};

float inverse_rms(const const_row_vector& x, float epsilon) {
  float sum = 0;
  run_fused<sum_of_squares>(x.data(), x.size(), &sum);
  return 1.0F / std::sqrt(sum / static_cast<float>(x.size()) + epsilon);
}

// All rows in one call: heads are short rows.
struct rms_norm_rows {
  QGRAIN_ALWAYS_INLINE static void run(const float* x, index_t x_stride, index_t rows, index_t n, const float* weight,
                                       float epsilon, float* y, index_t y_stride) {
    for (index_t row = 0; row < rows; ++row, x += x_stride, y += y_stride) {
      float sum = 0;
      sum_of_squares::run(x, n, &sum);
      const float inverse = 1.0F / std::sqrt(sum / static_cast<float>(n) + epsilon);
      for (index_t i = 0; i < n; ++i) y[i] = mul_rn(mul_rn(x[i], inverse), weight[i]);
    }
  }
};

struct swiglu_row {
  QGRAIN_ALWAYS_INLINE static void run(const float* gate, const float* up, index_t n, float* y) {
    for (index_t i = 0; i < n; ++i) y[i] = mul_rn(gate[i] / (1.0F + exp_accurate(-gate[i])), up[i]);
  }
};

// x / 2 (1 + tanh(u)) = x / (1 + exp(-2 u)) with u = slope (x + cube x^3).
constexpr float gelu_slope = 0.797884583F;  // sqrt(2 / pi)
constexpr float gelu_cube = 0.044715F;

struct gelu_row {
  QGRAIN_ALWAYS_INLINE static void run(const float* gate, const float* up, index_t n, float* y) {
    for (index_t i = 0; i < n; ++i) {
      const float x = gate[i];
      const float u = mul_rn(gelu_slope, fma_rn(mul_rn(mul_rn(x, x), gelu_cube), x, x));
      y[i] = mul_rn(x / (1.0F + exp_accurate(-2.0F * u)), up[i]);
    }
  }
};

// Turns by the angles times `direction`, which is 1 or -1.
void turn(matrix x, index_t head_size, index_t size, std::span<const float* const> angles, float direction) {
  const index_t half = size / 2;
  for (index_t row = 0; row < x.rows(); ++row) {
    const float* of_row = angles[static_cast<std::size_t>(row)];
    const const_row_vector cosine(of_row, half);
    const const_row_vector sine(of_row + half, half);
    float* values = x.data() + row * x.outerStride();
    for (float* head = values; head < values + x.cols(); head += head_size) {
      for (index_t i = 0; i < half; ++i) {
        const float first = head[i];
        const float second = head[i + half];
        head[i] = sub_rn(mul_rn(first, cosine[i]), mul_rn(second, direction * sine[i]));
        head[i + half] = add_rn(mul_rn(second, cosine[i]), mul_rn(first, direction * sine[i]));
      }
    }
  }
}

}  // namespace

void linear(const_matrix x, const_matrix w, std::span<const float> bias, matrix y) {
  y.noalias() = x * w.transpose();
  if (!bias.empty()) y.array().rowwise() += vector_of(bias);
}

void linear_transposed(const_matrix x, const_matrix w, std::span<const float> bias, matrix y) {
  y.noalias() = x * w;
  if (!bias.empty()) y.array().rowwise() += vector_of(bias);
}

void linear_backward(const_matrix g, const_matrix w, matrix dx) { dx.noalias() = g * w; }
void linear_backward_add(const_matrix g, const_matrix w, matrix dx) { dx.noalias() += g * w; }

void rms_norm(const_matrix x, std::span<const float> weight, float epsilon, matrix y) {
  run_fused<rms_norm_rows>(x.data(), x.outerStride(), x.rows(), x.cols(), weight.data(), epsilon, y.data(),
                           y.outerStride());
}

void rms_norm_backward(const_matrix x, std::span<const float> weight, float epsilon, const_matrix dy, matrix dx) {
  for (index_t row = 0; row < x.rows(); ++row) {
    const const_row_vector in = row_of(x, row);
    const const_row_vector gradient = row_of(dy, row);
    const float inverse = inverse_rms(in, epsilon);
    const float projection = (gradient * vector_of(weight) * in).mean() * inverse * inverse;
    row_of(dx, row) = (gradient * vector_of(weight) - in * projection) * inverse;
  }
}

void rope(matrix x, index_t head_size, index_t size, std::span<const float* const> angles) {
  turn(x, head_size, size, angles, 1.0F);
}
void rope_backward(matrix dx, index_t head_size, index_t size, std::span<const float* const> angles) {
  turn(dx, head_size, size, angles, -1.0F);
}

void gated(gate_activation f, const_matrix gate, const_matrix up, matrix y) {
  for (index_t row = 0; row < y.rows(); ++row) {
    const float* g = row_of(gate, row).data();
    const float* u = row_of(up, row).data();
    float* out = row_of(y, row).data();
    if (f == gate_activation::silu) {
      run_fused<swiglu_row>(g, u, y.cols(), out);
    } else {
      run_fused<gelu_row>(g, u, y.cols(), out);
    }
  }
}

void gated_backward(gate_activation f, const_matrix gate, const_matrix up, const_matrix dy, matrix dgate, matrix dup) {
  Eigen::Array<float, 1, Eigen::Dynamic> sigmoid;
  for (index_t row = 0; row < dy.rows(); ++row) {
    const const_row_vector g = row_of(gate, row);
    const const_row_vector gradient = row_of(dy, row);
    if (f == gate_activation::silu) {
      sigmoid = 1.0F / (1.0F + (-g).exp());
      row_of(dgate, row) = gradient * row_of(up, row) * sigmoid * (1.0F + g * (1.0F - sigmoid));
    } else {
      sigmoid = 1.0F / (1.0F + (-2.0F * gelu_slope * (g + gelu_cube * g.cube())).exp());
      row_of(dgate, row) =
          gradient * row_of(up, row) * sigmoid *
          (1.0F + g * (1.0F - sigmoid) * (2.0F * gelu_slope) * (1.0F + (3.0F * gelu_cube) * g.square()));
    }
    row_of(dup, row) = gradient * g * sigmoid;
  }
}

void soft_cap(matrix y, float cap) {
  if (cap == 0) return;
  for (index_t row = 0; row < y.rows(); ++row) {
    for (float& value : std::span(row_of(y, row).data(), static_cast<std::size_t>(y.cols())))
      value = cap * static_cast<float>(std::tanh(static_cast<double>(value / cap)));
  }
}

void soft_cap_backward(const_matrix y, float cap, matrix gradient) {
  if (cap == 0) return;
  for (index_t row = 0; row < y.rows(); ++row) row_of(gradient, row) *= 1.0F - (row_of(y, row) / cap).tanh().square();
}

}  // namespace qgrain::lm
