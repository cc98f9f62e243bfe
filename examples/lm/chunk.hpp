// Which rows are worked on together: bundles of sequences, and chunks of bundles.
#ifndef QGRAIN_LM_CHUNK_HPP
#define QGRAIN_LM_CHUNK_HPP

#include <lm/buffer.hpp>
#include <lm/limits.hpp>
#include <lm/rows.hpp>

#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace qgrain::lm {

/// A run of whole bundles whose intermediate results are in memory at once. A bundle is a run of whole sequences. It
/// follows from the rows alone: no product and no sum crosses its bounds, so that results are the same for any chunks.
struct chunk {
  index_t first_sequence = 0;
  index_t end_sequence = 0;
  index_t begin = 0;  // rows
  index_t end = 0;
  std::vector<index_t> bundles;  ///< [bundles + 1] bounds, from 0 to rows()

  [[nodiscard]] index_t rows() const noexcept { return end - begin; }
};

/// Of how many rows a bundle is, about: a thirty-second of all, so that many ranks have something to do, but enough for
/// products that wide to keep their rate; at most `fitting`.
[[nodiscard]] index_t rows_of_bundle(index_t rows, index_t hidden, const pass_limits& limits, index_t fitting);
/// Into how many bundles of about `rows_each` rows: a number that twos divide, or sixteens where they are many, as
/// numbers of ranks do.
[[nodiscard]] index_t bundle_count(index_t rows, index_t rows_each);
/// [bundles + 1] bounds from `begin` on. `unit_ends`: ascending ends of what is not parted. Up to `count` bundles, each
/// ending where a unit ends next to its even share.
[[nodiscard]] std::vector<index_t> cut_bundles(index_t begin, std::span<const index_t> unit_ends, index_t count);
/// The sequences (or the batches) of rows [begin, end) as bundles of about `rows_each` rows. Both ends are a batch's.
[[nodiscard]] std::vector<index_t> bundles_of(const packed_rows& rows, index_t begin, index_t end, index_t rows_each,
                                              bool whole_batches);
/// The bundles between some bounds as few chunks of nearly equal size, of at most `capacity` rows or one bundle.
[[nodiscard]] std::vector<chunk> chunks_of(const packed_rows& rows, std::span<const index_t> bounds, index_t capacity);

/// [tasks + 1] bounds of what a thread takes at once of rows [0, rows): each bundle in equal parts of about task_rows.
/// No bundles (of an expert's rows): parts of task_rows.
[[nodiscard]] std::vector<index_t> task_bounds(index_t rows, std::span<const index_t> bundles);
/// Bounds of bundles among some of their rows, whose ascending numbers are given.
template <class Number>
[[nodiscard]] std::vector<index_t> bounds_among(std::span<const Number> numbers, std::span<const index_t> bundles) {
  std::vector<index_t> bounds;
  for (const index_t bound : bundles)
    bounds.push_back(std::lower_bound(numbers.begin(), numbers.end(), bound) - numbers.begin());
  return bounds;
}

/// body(begin, end) on the pool for each task of rows [0, rows).
template <class Body>
void for_each_task(thread_pool& pool, index_t rows, std::span<const index_t> bundles, const Body& body) {
  const std::vector<index_t> bounds = task_bounds(rows, bundles);
  pool.run(static_cast<index_t>(bounds.size()) - 1, [&](index_t task) {
    const auto t = static_cast<std::size_t>(task);
    body(bounds[t], bounds[t + 1]);
  });
}

}  // namespace qgrain::lm

#endif
