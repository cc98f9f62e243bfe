// Sequences of token ids as the rows of one matrix, with or without left padding.
#ifndef QGRAIN_LM_ROWS_HPP
#define QGRAIN_LM_ROWS_HPP

#include <lm/buffer.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace qgrain::lm {

using token_ids = std::vector<std::int32_t>;

/// `none`: every sequence as it is. `left`: padded on the left to a common length, as causal-LM trainers do.
///
/// A padding position attends to nothing, so its attention output is exactly 0 and its hidden state is the same at
/// every padding position of every sequence. One row therefore stands for all padding positions of a sequence. Only the
/// last of them has a gradient: it predicts the sequence's first token.
enum class padding : std::uint8_t { none, left };

struct packing {
  padding mode = padding::none;
  index_t length = 0;  ///< sequences are cut to this many tokens, and padded to it; 0: no limit, no padding
  index_t batch_size = 1;
  std::int32_t padding_id = -1;            ///< id at padding positions
  std::optional<std::int32_t> ignored_id;  ///< targets of this id do not count (a trainer's ignore_index)
};

/// One sequence's place in the packed rows.
struct sequence_rows {
  index_t begin = 0;
  index_t rows = 0;     ///< tokens, and one more in front if there is padding
  index_t padding = 0;  ///< padding positions that the first row stands for; 0: the first row is a token
  index_t batch = 0;

  [[nodiscard]] index_t end() const noexcept { return begin + rows; }
  [[nodiscard]] index_t first_token() const noexcept { return begin + (padding > 0 ? 1 : 0); }
  [[nodiscard]] index_t tokens() const noexcept { return end() - first_token(); }
};

/// All rows of a data set. The loss of a batch is the mean over its targets; a row without target has `target` -1.
struct packed_rows {
  std::vector<std::int32_t> ids;      // [rows]
  std::vector<std::int32_t> targets;  // [rows]
  /// [rows] Place of the token in its padded sequence; a padding row has the last padding place.
  std::vector<std::int32_t> positions;
  std::vector<sequence_rows> sequences;
  std::vector<index_t> batch_targets;  // [batches], how many targets each batch has

  [[nodiscard]] index_t rows() const noexcept { return static_cast<index_t>(ids.size()); }
  [[nodiscard]] index_t batches() const noexcept { return static_cast<index_t>(batch_targets.size()); }
  /// How many positions a padded row stands for: 1 for a token.
  [[nodiscard]] std::vector<std::int32_t> multiplicities() const;
};

/// Throws errc::invalid_argument for an empty sequence (numbered from 1), errc::out_of_range for an id outside [0,
/// vocabulary).
[[nodiscard]] packed_rows pack(std::span<const token_ids> sequences, const packing& how, index_t vocabulary);

}  // namespace qgrain::lm

#endif
