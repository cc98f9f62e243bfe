#include <engine/calibrate/batch_collector.hpp>
#include <lm/operations.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::engine {

batch_collector::batch_collector(const lm::packed_rows& rows) : begins_(static_cast<std::size_t>(rows.batches()) + 1) {
  for (const lm::sequence_rows& s : rows.sequences) begins_[static_cast<std::size_t>(s.batch) + 1] = s.end();
}

void batch_collector::observe(const lm::linear_input& input, std::int32_t first_batch, const batch_sink& sink) {
  const index_t end = input.first_row + input.x.rows();
  index_t batch = first_batch;
  for (index_t row = input.first_row; row < end; ++batch) {
    const index_t batch_begin = begins_[static_cast<std::size_t>(batch)];
    const index_t batch_end = begins_[static_cast<std::size_t>(batch) + 1];
    const index_t piece_end = std::min(batch_end, end);
    const lm::const_matrix piece = lm::rows_of(input.x, row - input.first_row, piece_end - input.first_row);
    if (piece.rows() == batch_end - batch_begin) {
      sink(batch, batch_begin, piece);
    } else {
      lm::buffer& held = held_[input.first_linear];
      if (row == batch_begin) held = lm::buffer((batch_end - batch_begin) * piece.cols());
      const lm::matrix whole = held.view(batch_end - batch_begin, piece.cols());
      lm::rows_of(whole, row - batch_begin, piece_end - batch_begin) = piece;
      if (piece_end == batch_end) {
        sink(batch, batch_begin, lm::as_const(whole));
        held_.erase(input.first_linear);
      }
    }
    row = piece_end;
  }
}

}  // namespace qgrain::engine
