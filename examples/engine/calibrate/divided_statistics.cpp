#include <engine/calibrate/column_tasks.hpp>
#include <engine/calibrate/divided_statistics.hpp>
#include <lm/operations.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace qgrain::engine {

divided_statistics::divided_statistics(common::communicator& ranks, const lm::packed_rows& rows,
                                       std::span<const std::int32_t> multiplicities, thread_pool& pool,
                                       const settings& what)
    : ranks_(ranks),
      multiplicities_(multiplicities),
      pool_(pool),
      what_(what),
      batch_ends_(static_cast<std::size_t>(rows.batches())),
      positions_(batch_ends_.size(), 0.0) {
  for (const lm::sequence_rows& s : rows.sequences) {
    const auto batch = static_cast<std::size_t>(s.batch);
    batch_ends_[batch] = s.end();
    for (index_t row = s.begin; row < s.end(); ++row)
      positions_[batch] += static_cast<double>(multiplicities[static_cast<std::size_t>(row)]);
  }
  if (what.mean_batches > 0) mean_rows_ = batch_ends_[static_cast<std::size_t>(what.mean_batches) - 1];
}

void divided_statistics::hold(const lm::linear_input& input) {
  const index_t wanted = what_.takes_bins ? input.first_row + input.x.rows() : mean_rows_;
  const index_t rows = std::clamp<index_t>(wanted - input.first_row, 0, input.x.rows());
  if (rows == 0) return;
  held_rows& held = held_[input.first_linear].emplace_back(
      held_rows{input.first_row, input.first_row + rows, lm::buffer(rows * input.x.cols())});
  held.values.view(rows, input.x.cols()) = lm::rows_of(input.x, 0, rows);
}

std::span<const divided_statistics::held_rows> divided_statistics::rows_of(index_t linear) const {
  const auto found = held_.find(linear);
  return found == held_.end() ? std::span<const held_rows>() : std::span<const held_rows>(found->second);
}

void divided_statistics::settle(std::span<block_input> inputs) {
  widen(inputs);
  if (what_.takes_bins) {
    for (block_input& input : inputs) count(input);
    add_counts(inputs);
  }
  if (what_.mean_batches > 0) add_means(inputs);
  held_.clear();
}

// Largest magnitudes of batches, and of the channels that awq_lite sees.
void divided_statistics::widen(std::span<block_input> inputs) {
  std::vector<float> most;
  for (const block_input& input : inputs) {
    for (const std::vector<float>* part : {&input.tops, &input.statistics->channels()})
      most.insert(most.end(), part->begin(), part->end());
  }
  ranks_.widen(most);
  auto from = most.cbegin();
  for (block_input& input : inputs) {
    for (float& top : input.tops) top = *from++;
    const auto end = from + static_cast<std::ptrdiff_t>(input.statistics->channels().size());
    input.statistics->set_channels({from, end});
    from = end;
  }
}

// Bins move with every batch's largest magnitude, so each rank's counts go through those of all batches.
void divided_statistics::count(block_input& input) {
  const index_t in = static_cast<index_t>(input.statistics->channels().size());
  std::size_t batch = 0;
  const auto prepare_up_to = [&](std::size_t end) {
    for (; batch < end; ++batch) {
      if (std::isfinite(input.tops[batch])) input.statistics->prepare_bins(input.tops[batch]);
    }
  };
  for (const held_rows& held : rows_of(input.first_linear)) {
    const lm::const_matrix x = held.values.view(held.end - held.begin, in);
    for (index_t row = held.begin; row < held.end;) {
      const auto of =
          static_cast<std::size_t>(std::upper_bound(batch_ends_.begin(), batch_ends_.end(), row) - batch_ends_.begin());
      const index_t end = std::min(batch_ends_[of], held.end);
      prepare_up_to(of + 1);
      if (std::isfinite(input.tops[of])) {
        input.statistics->count_bins(
            lm::rows_of(x, row - held.begin, end - held.begin),
            multiplicities_.subspan(static_cast<std::size_t>(row), static_cast<std::size_t>(end - row)), pool_);
      }
      row = end;
    }
  }
  prepare_up_to(input.tops.size());
}

void divided_statistics::add_counts(std::span<block_input> inputs) {
  std::string mine;
  for (const block_input& input : inputs) common::append_elements(mine, std::span(input.statistics->bin_counts()));
  const std::vector<std::string> all = ranks_.gather(mine);
  for (std::size_t r = 0; r < all.size(); ++r) {
    if (static_cast<int>(r) == ranks_.rank()) continue;
    common::element_reader reader(all[r]);
    for (block_input& input : inputs) {
      std::vector<std::int64_t> counts;
      reader.take(input.statistics->bin_counts().size(), counts);
      input.statistics->add_bins(counts);
    }
  }
}

// All inputs of all blocks have the same rows on a rank.
void divided_statistics::find_segments(index_t linear) {
  std::vector<segment> own;
  for (const held_rows& held : rows_of(linear)) {
    const segment part{held.begin, std::min(held.end, mean_rows_), ranks_.rank()};
    if (part.begin >= part.end) continue;
    if (!own.empty() && own.back().end == part.begin) {
      own.back().end = part.end;
    } else {
      own.push_back(part);
    }
  }
  std::string mine;
  common::append_elements(mine, std::span(own));
  for (const std::string& text : ranks_.gather(mine))
    common::element_reader(text).take(text.size() / sizeof(segment), segments_);
  std::sort(segments_.begin(), segments_.end(), [](const segment& a, const segment& b) { return a.begin < b.begin; });
}

void divided_statistics::add_means(std::span<block_input> inputs) {
  if (segments_.empty()) find_segments(inputs.front().first_linear);
  std::size_t channels = 0;
  for (const block_input& input : inputs) channels += input.statistics->channels().size();
  // [channels] sums over batches that are complete, then those of the batch that is not.
  std::vector<double> sums(2 * channels, 0.0);
  for (const segment& rows : segments_) {
    if (rows.rank == ranks_.rank()) {
      std::size_t at = 0;
      for (const block_input& input : inputs) {
        const std::size_t in = input.statistics->channels().size();
        add_magnitudes(input, rows, std::span(sums).subspan(at, in), std::span(sums).subspan(channels + at, in));
        at += in;
      }
    }
    std::vector<index_t> bounds(static_cast<std::size_t>(ranks_.size()) + 1, static_cast<index_t>(sums.size()));
    std::fill_n(bounds.begin(), rows.rank + 1, index_t{0});  // all of it is that rank's
    common::share_elements(ranks_, std::span(sums), bounds);
  }
  auto from = sums.cbegin();
  for (const block_input& input : inputs) {
    std::vector<float> mean;
    for (std::size_t c = 0; c < input.statistics->channels().size(); ++c)
      mean.push_back(static_cast<float>(*from++ / static_cast<double>(what_.mean_batches)));
    input.statistics->set_mean(std::move(mean));
  }
}

// As calibration::mean_magnitude_observer adds them up, begun and left off anywhere in a batch.
void divided_statistics::add_magnitudes(const block_input& input, const segment& rows, std::span<double> done,
                                        std::span<double> open) const {
  const auto in = static_cast<index_t>(done.size());
  for_each_chunk(pool_, in, columns_per_task, [&](index_t first, index_t end) {
    for (const held_rows& held : rows_of(input.first_linear)) {
      const index_t last = std::min(held.end, rows.end);
      for (index_t row = std::max(held.begin, rows.begin); row < last; ++row) {
        const auto times = static_cast<double>(multiplicities_[static_cast<std::size_t>(row)]);
        const float* const x = held.values.data() + (row - held.begin) * in;
        for (index_t c = first; c < end; ++c)
          open[static_cast<std::size_t>(c)] += times * std::abs(static_cast<double>(x[c]));
        const auto batch = std::lower_bound(batch_ends_.begin(), batch_ends_.end(), row + 1) - batch_ends_.begin();
        if (batch_ends_[static_cast<std::size_t>(batch)] != row + 1) continue;
        for (index_t c = first; c < end; ++c) {
          double& sum = open[static_cast<std::size_t>(c)];
          done[static_cast<std::size_t>(c)] += sum / positions_[static_cast<std::size_t>(batch)];
          sum = 0;
        }
      }
    }
  });
}

}  // namespace qgrain::engine
