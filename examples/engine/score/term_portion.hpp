// What the first-order terms and the sample of the cross term are taken of: the jobs of a portion at one input.
#ifndef QGRAIN_ENGINE_SCORE_TERM_PORTION_HPP
#define QGRAIN_ENGINE_SCORE_TERM_PORTION_HPP

#include <lm/buffer.hpp>
#include <lm/visitor.hpp>

#include <qgrain/format/rounding.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain::engine {

/// The quantized variants of a portion by their place in it.
struct term_portion {
  const lm::linear_sample& sample;
  std::vector<std::size_t> weights;      ///< variant - first
  std::vector<std::size_t> activations;  ///< of the plan
  const std::vector<std::vector<lm::const_matrix>>& changes;
  struct job_terms {
    std::size_t job;
    std::ptrdiff_t weight;      ///< place among `weights`, -1: unquantized
    std::ptrdiff_t activation;  ///< place among `activations`, -1: unquantized

    [[nodiscard]] bool has_cross_term() const noexcept { return weight >= 0 && activation >= 0; }
  };
  std::vector<job_terms> jobs;

  /// What a weight variant changes at an output of the sample.
  [[nodiscard]] const lm::const_matrix& change(std::size_t output, lm::index_t weight) const {
    return changes[output][weights[static_cast<std::size_t>(weight)]];
  }
};

/// Some outputs of one Linear.
struct output_block {
  std::size_t output;
  lm::index_t begin;
  lm::index_t end;

  [[nodiscard]] lm::index_t width() const noexcept { return end - begin; }
};

inline constexpr lm::index_t block_outputs = 256;

[[nodiscard]] inline std::vector<output_block> blocks_of(const lm::linear_sample& sample) {
  std::vector<output_block> blocks;
  for (std::size_t o = 0; o < sample.outputs.size(); ++o) {
    const lm::index_t out = sample.outputs[o].weight.rows();
    for (lm::index_t begin = 0; begin < out; begin += block_outputs)
      blocks.push_back({o, begin, std::min(begin + block_outputs, out)});
  }
  return blocks;
}

/// Which rows are sampled at a Linear, and in which half of the sample they are: the same for any cut into chunks.
[[nodiscard]] inline std::uint64_t sample_hash(std::int32_t row, lm::index_t linear) {
  constexpr std::uint64_t golden = 0x9E37'79B9'7F4A'7C15U;
  return qgrain::mix_bits((static_cast<std::uint64_t>(linear) << 32U) + static_cast<std::uint64_t>(row) + golden);
}

/// Of `products` matrix products of so many rows with so many weights.
[[nodiscard]] inline double product_flops(double products, lm::index_t rows, lm::index_t weights) {
  return 2.0 * products * static_cast<double>(rows) * static_cast<double>(weights);
}

}  // namespace qgrain::engine

#endif
