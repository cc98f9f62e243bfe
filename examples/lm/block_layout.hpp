// The Linears of a block: which there are, what they read, and where queries, keys, values, gate and up stand in their
// outputs.
#ifndef QGRAIN_LM_BLOCK_LAYOUT_HPP
#define QGRAIN_LM_BLOCK_LAYOUT_HPP

#include <lm/buffer.hpp>
#include <lm/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qgrain::lm {

/// What a Linear of a block reads: the normed stream, what attention gives, the normed stream again, gate times up.
enum class block_input : std::uint8_t { attention, attended, mlp, activated };
inline constexpr std::size_t block_inputs = 4;

struct block_linear {
  std::string_view name;  ///< behind `layers.<n>.`
  index_t out = 0;
  index_t in = 0;
  block_input input{};
  bool has_bias = false;
};

/// Columns [first, first + width) of a Linear's output.
struct block_part {
  std::size_t linear = 0;
  index_t first = 0;
  index_t width = 0;
};

/// Linears of a block in the order of their inputs; those of one input stand together.
struct block_layout {
  /// Of a layer with an MLP or of one with experts, whose Linears come behind the router and are not in the list.
  block_layout(const model_config& config, bool is_sparse);

  std::vector<block_linear> linears;
  std::array<std::size_t, block_inputs + 1> first_of{};  ///< [input] index of its first Linear; then the end
  block_part query, key, value, gate, up;                ///< gate and up: not of a sparse layer

  [[nodiscard]] std::size_t first(block_input input) const { return first_of[static_cast<std::size_t>(input)]; }
  [[nodiscard]] std::size_t end(block_input input) const { return first_of[static_cast<std::size_t>(input) + 1]; }
  [[nodiscard]] std::size_t output_projection() const { return first(block_input::attended); }
  [[nodiscard]] std::size_t down_projection() const { return first(block_input::activated); }
  [[nodiscard]] std::size_t router() const { return first(block_input::mlp); }
  [[nodiscard]] bool is_empty(block_input input) const { return first(input) == end(input); }
};

/// The Linears of an expert, in their order.
enum class expert_part : std::uint8_t { gate, up, down };
inline constexpr std::size_t expert_parts = 3;

/// `has_bias` is false; names stand behind the expert's number and a dot.
[[nodiscard]] std::array<block_linear, expert_parts> expert_layout(const model_config& config);

}  // namespace qgrain::lm

#endif
