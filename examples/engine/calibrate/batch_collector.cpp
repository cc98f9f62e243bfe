#include <engine/calibrate/batch_collector.hpp>
#include <engine/calibrate/observed_rows.hpp>
#include <lm/operations.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::engine {

batch_collector::batch_collector(const lm::packed_rows& rows) : begins_(static_cast<std::size_t>(rows.batches()) + 1) {
  for (const lm::sequence_rows& s : rows.sequences) begins_[static_cast<std::size_t>(s.batch) + 1] = s.end();
}

void batch_collector::observe(const lm::linear_input& input, std::span<const std::int32_t> batches,
                              const batch_sink& sink) {
  if (!input.rows.empty()) return observe_expert(input, batches, sink);
  const index_t end = input.first_row + input.x.rows();
  index_t batch = batches.front();
  for (index_t row = input.first_row; row < end; ++batch) {
    const index_t batch_begin = begins_[static_cast<std::size_t>(batch)];
    const index_t batch_end = begins_[static_cast<std::size_t>(batch) + 1];
    const index_t piece_end = std::min(batch_end, end);
    const lm::linear_input piece = part_of(input, row - input.first_row, piece_end - input.first_row);
    if (piece.x.rows() == batch_end - batch_begin) {
      sink(batch, piece);
    } else {
      lm::buffer& held = held_[input.first_linear];
      if (row == batch_begin) held = lm::buffer((batch_end - batch_begin) * piece.x.cols());
      const lm::matrix whole = held.view(batch_end - batch_begin, piece.x.cols());
      lm::rows_of(whole, row - batch_begin, piece_end - batch_begin) = piece.x;
      if (piece_end == batch_end) {
        sink(batch, {input.first_linear, input.linears, batch_begin, lm::as_const(whole), {}});
        held_.erase(input.first_linear);
      }
    }
    row = piece_end;
  }
}

// Nobody knows how many rows of a batch an expert gets until others' rows come.
void batch_collector::observe_expert(const lm::linear_input& input, std::span<const std::int32_t> batches,
                                     const batch_sink& sink) {
  expert_rows& held =
      of_experts_.try_emplace(input.first_linear, expert_rows{input, batches.front(), {}, {}}).first->second;
  for (index_t i = 0; i < input.x.rows(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (batches[at] != held.batch) hand_on(held, sink);
    held.batch = batches[at];
    held.rows.push_back(input.rows[at]);
    const float* const from = input.x.data() + i * input.x.outerStride();
    held.values.insert(held.values.end(), from, from + input.x.cols());
  }
}

void batch_collector::hand_on(expert_rows& held, const batch_sink& sink) {
  const auto n = static_cast<index_t>(held.rows.size());
  if (n == 0) return;
  const float* const values = held.values.data();
  sink(held.batch, {held.input.first_linear, held.input.linears, held.rows.front(),
                    lm::as_matrix(values, n, static_cast<index_t>(held.values.size()) / n), held.rows});
  held.rows.clear();
  held.values.clear();
}

void batch_collector::flush(const batch_sink& sink) {
  for (auto& [linear, held] : of_experts_) hand_on(held, sink);
  of_experts_.clear();
}

}  // namespace qgrain::engine
