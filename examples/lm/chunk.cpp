#include <lm/chunk.hpp>
#include <lm/division.hpp>

#include <cmath>

namespace qgrain::lm {
namespace {

index_t rounded_to(double value, index_t multiple) {
  return multiple * static_cast<index_t>(std::lround(value / static_cast<double>(multiple)));
}

// So few parts of at most `most` that hold the items, or an item each.
std::vector<index_t> parts_up_to(std::span<const index_t> sizes, index_t most) {
  const auto largest_of = [&](const std::vector<index_t>& bounds) {
    index_t largest = 0;
    for (std::size_t p = 0; p + 1 < bounds.size(); ++p) {
      index_t sum = 0;
      for (index_t i = bounds[p]; i < bounds[p + 1]; ++i) sum += sizes[static_cast<std::size_t>(i)];
      largest = std::max(largest, sum);
    }
    return largest;
  };
  const auto items = static_cast<index_t>(sizes.size());
  index_t all = 0;
  for (const index_t size : sizes) all += size;
  index_t parts = std::clamp<index_t>(ceil_div(all, std::max<index_t>(most, 1)), 1, items);
  std::vector<index_t> bounds = divide(sizes, parts);
  while (parts < items && largest_of(bounds) > most) bounds = divide(sizes, ++parts);
  return bounds;
}

}  // namespace

// The rates are docs/benchmarks.md's; above 512 rows nothing is gained.
index_t rows_of_bundle(index_t rows, index_t hidden, const pass_limits& limits, index_t fitting) {
  constexpr index_t wide = 1024;
  constexpr index_t bundles = 32;
  const index_t least = hidden < wide ? task_rows : 2 * task_rows;
  const index_t wanted = std::clamp<index_t>(rows / bundles, least, 4 * task_rows);
  return std::min(std::max(wanted, limits.bundle_rows), fitting);
}

index_t bundle_count(index_t rows, index_t rows_each) {
  const double wanted = static_cast<double>(rows) / static_cast<double>(std::max<index_t>(rows_each, 1));
  if (wanted < 1.5) return 1;
  return rounded_to(wanted, wanted < 8 ? 2 : wanted < 12 ? 4 : 16);
}

std::vector<index_t> cut_bundles(index_t begin, std::span<const index_t> unit_ends, index_t count) {
  std::vector<index_t> bounds{begin};
  if (unit_ends.empty()) return bounds;
  const index_t rows = unit_ends.back() - begin;
  for (index_t k = 1; k < count; ++k) {
    const index_t wanted = begin + rows * k / count;
    auto end = std::lower_bound(unit_ends.begin(), unit_ends.end(), wanted);
    if (end != unit_ends.begin() && wanted - *(end - 1) <= *end - wanted) --end;
    if (*end > bounds.back() && *end < unit_ends.back()) bounds.push_back(*end);
  }
  bounds.push_back(unit_ends.back());
  return bounds;
}

std::vector<index_t> bundles_of(const packed_rows& rows, index_t begin, index_t end, index_t rows_each,
                                bool whole_batches) {
  std::vector<index_t> ends;
  const auto& all = rows.sequences;
  for (std::size_t s = 0; s < all.size(); ++s) {
    if (all[s].begin < begin || all[s].end() > end) continue;
    if (whole_batches && s + 1 < all.size() && all[s + 1].batch == all[s].batch) continue;
    ends.push_back(all[s].end());
  }
  return cut_bundles(begin, ends, bundle_count(end - begin, rows_each));
}

std::vector<chunk> chunks_of(const packed_rows& rows, std::span<const index_t> bounds, index_t capacity) {
  std::vector<chunk> parts;
  if (bounds.size() < 2) return parts;
  std::vector<index_t> sizes;
  for (std::size_t b = 0; b + 1 < bounds.size(); ++b) sizes.push_back(bounds[b + 1] - bounds[b]);
  const std::vector<index_t> cut = parts_up_to(sizes, capacity);
  const auto sequence_at = [&](index_t row) {
    const auto found = std::lower_bound(rows.sequences.begin(), rows.sequences.end(), row,
                                        [](const sequence_rows& s, index_t first) { return s.begin < first; });
    return static_cast<index_t>(found - rows.sequences.begin());
  };
  for (std::size_t p = 0; p + 1 < cut.size(); ++p) {
    const auto own =
        bounds.subspan(static_cast<std::size_t>(cut[p]), static_cast<std::size_t>(cut[p + 1] - cut[p] + 1));
    chunk part{sequence_at(own.front()), sequence_at(own.back()), own.front(), own.back(), {}};
    for (const index_t bound : own) part.bundles.push_back(bound - part.begin);
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<index_t> task_bounds(index_t rows, std::span<const index_t> bundles) {
  std::vector<index_t> bounds{0};
  if (bundles.empty()) {
    while (bounds.back() < rows) bounds.push_back(std::min(bounds.back() + task_rows, rows));
    return bounds;
  }
  for (std::size_t b = 0; b + 1 < bundles.size(); ++b) {
    const index_t size = bundles[b + 1] - bundles[b];
    if (size == 0) continue;
    const index_t tasks = std::max<index_t>(1, (size + task_rows / 2) / task_rows);
    for (index_t t = 1; t <= tasks; ++t) bounds.push_back(bundles[b] + size * t / tasks);
  }
  return bounds;
}

}  // namespace qgrain::lm
