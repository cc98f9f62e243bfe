#include <lm/elementary.hpp>
#include <lm/operations.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/exponential.hpp>
#include <qgrain/host/run_fused.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

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

// Turns by the table's angle times `direction`, which is 1 or -1.
void turn(matrix x, index_t head_size, const rope_table& table, std::span<const std::int32_t> positions,
          float direction) {
  const index_t half = head_size / 2;
  for (index_t row = 0; row < x.rows(); ++row) {
    const float* angles = table.at(positions[static_cast<std::size_t>(row)]);
    const const_row_vector cosine(angles, half);
    const const_row_vector sine(angles + half, half);
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

rope_table::rope_table(const model_config& config, index_t count)
    : positions_(count), half_(config.head_size / 2), values_(count * config.head_size) {
  for (index_t i = 0; i < half_; ++i) {
    // f32 throughout, as the reference implementation computes its table.
    float frequency = 1.0F / std::pow(static_cast<float>(config.rope_base),
                                      static_cast<float>(2 * i) / static_cast<float>(config.head_size));
    if (config.rope_scaling) {
      const double wave_length = 2 * std::numbers::pi / static_cast<double>(frequency);
      frequency *=
          static_cast<float>(config.rope_scaling->factor_of(config.rope_scaling->original_positions / wave_length));
    }
    if (!config.rope_divisors.empty()) frequency /= config.rope_divisors[static_cast<std::size_t>(i)];
    for (index_t position = 0; position < count; ++position) {
      const float angle = static_cast<float>(position) * frequency;
      values_.data()[position * 2 * half_ + i] = cosine(angle);
      values_.data()[position * 2 * half_ + half_ + i] = sine(angle);
    }
  }
}

void rope(matrix x, index_t head_size, const rope_table& table, std::span<const std::int32_t> positions) {
  turn(x, head_size, table, positions, 1.0F);
}
void rope_backward(matrix dx, index_t head_size, const rope_table& table, std::span<const std::int32_t> positions) {
  turn(dx, head_size, table, positions, -1.0F);
}

void swiglu(const_matrix gate, const_matrix up, matrix y) {
  for (index_t row = 0; row < y.rows(); ++row) {
    run_fused<swiglu_row>(row_of(gate, row).data(), row_of(up, row).data(), y.cols(), row_of(y, row).data());
  }
}

void swiglu_backward(const_matrix gate, const_matrix up, const_matrix dy, matrix dgate, matrix dup) {
  Eigen::Array<float, 1, Eigen::Dynamic> sigmoid;
  for (index_t row = 0; row < dy.rows(); ++row) {
    const const_row_vector g = row_of(gate, row);
    const const_row_vector gradient = row_of(dy, row);
    sigmoid = 1.0F / (1.0F + (-g).exp());
    row_of(dgate, row) = gradient * row_of(up, row) * sigmoid * (1.0F + g * (1.0F - sigmoid));
    row_of(dup, row) = gradient * g * sigmoid;
  }
}

}  // namespace qgrain::lm
