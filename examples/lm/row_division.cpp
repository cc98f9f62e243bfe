#include <lm/division.hpp>
#include <lm/row_division.hpp>

#include <algorithm>

namespace qgrain::lm {
namespace {

// The ends of chunks as bounds.
std::vector<index_t> bounds_of(std::span<const chunk> parts, index_t begin) {
  std::vector<index_t> bounds{begin};
  for (const chunk& part : parts) bounds.push_back(part.end);
  return bounds;
}

std::vector<index_t> between(std::span<const index_t> bounds, index_t begin, index_t end) {
  std::vector<index_t> part;
  for (const index_t bound : bounds) {
    if (bound >= begin && bound <= end) part.push_back(bound);
  }
  return part;
}

}  // namespace

std::vector<index_t> divide_bundles(std::span<const index_t> bounds, index_t ranks) {
  std::vector<index_t> sizes;
  for (std::size_t b = 0; b + 1 < bounds.size(); ++b) sizes.push_back(bounds[b + 1] - bounds[b]);
  std::vector<index_t> cut = divide(sizes, ranks);
  for (index_t& place : cut) place = bounds[static_cast<std::size_t>(place)];
  return cut;
}

row_division::row_division(const packed_rows& rows, const choices& how)
    : load_(how.load), fitting_(how.fitting), bundle_rows_(how.bundle_rows) {
  const index_t rank = how.ranks != nullptr ? how.ranks->rank() : 0;
  const index_t ranks = how.ranks != nullptr ? how.ranks->size() : 1;
  const auto add = [&](index_t begin, index_t end) {
    const std::vector<index_t> bundles = bundles_of(rows, begin, end, how.bundle_rows, how.whole_batches);
    const std::vector<chunk> parts = chunks_of(rows, bundles, how.fitting);
    all_.insert(all_.end(), parts.begin(), parts.end());
    const std::vector<index_t> units = how.whole_chunks ? bounds_of(parts, begin) : bundles;
    auto share = static_cast<std::size_t>(rank);
    index_t shares = ranks;
    if (begin == 0) {
      scored_ = units;
      const rank_grid all_ranks = grid(ranks);
      if (rank >= all_ranks.ranks()) return;
      share = static_cast<std::size_t>(all_ranks.row_share(rank));
      shares = all_ranks.row_shares;
    }
    const std::vector<index_t> bounds = divide_bundles(units, shares);
    if (!how.whole_chunks) {
      const std::vector<chunk> mine = chunks_of(rows, between(bundles, bounds[share], bounds[share + 1]), how.fitting);
      own_.insert(own_.end(), mine.begin(), mine.end());
      return;
    }
    for (const chunk& part : parts) {
      if (part.begin >= bounds[share] && part.end <= bounds[share + 1]) own_.push_back(part);
    }
  };
  add(0, how.scored_rows);
  own_scored_ = own_.size();
  if (how.scored_rows < rows.rows()) add(how.scored_rows, rows.rows());
  for (const chunk& part : all_) capacity_ = std::max(capacity_, part.rows());
  for (const chunk& part : own_) capacity_ = std::max(capacity_, part.rows());
}

std::vector<index_t> row_division::row_bounds(index_t ranks) const {
  std::vector<index_t> bounds = divide_bundles(scored_, grid(ranks).row_shares);
  bounds.resize(static_cast<std::size_t>(ranks) + 1, bounds.back());
  return bounds;
}

}  // namespace qgrain::lm
