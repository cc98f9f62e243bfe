#include <lm/division.hpp>

#include <algorithm>
#include <limits>

namespace qgrain::lm {
namespace {

struct attempt {
  std::vector<index_t> bounds;
  index_t next_limit = std::numeric_limits<index_t>::max();  // the least that cuts another way
};

// Parts as full as `limit` allows; one that a part is only ended for to leave the others an item each is no fuller.
attempt cut(std::span<const index_t> sizes, index_t parts, index_t limit) {
  attempt found{{0}};
  index_t sum = 0;
  const auto items = static_cast<index_t>(sizes.size());
  for (index_t i = 0; i < items; ++i) {
    const index_t size = sizes[static_cast<std::size_t>(i)];
    const bool is_first = i == found.bounds.back();
    const index_t parts_left =
        parts - static_cast<index_t>(found.bounds.size());  // behind the one that is being filled
    const bool is_too_much = sum + size > limit;
    if (!is_first && (is_too_much || items - i <= parts_left)) {
      if (is_too_much) found.next_limit = std::min(found.next_limit, sum + size);
      found.bounds.push_back(i);
      sum = 0;
    }
    sum += size;
  }
  found.bounds.push_back(items);
  return found;
}

}  // namespace

std::vector<index_t> divide(std::span<const index_t> sizes, index_t parts) {
  index_t limit = sizes.empty() ? 0 : *std::max_element(sizes.begin(), sizes.end());
  attempt found = cut(sizes, parts, limit);
  while (static_cast<index_t>(found.bounds.size()) > parts + 1) found = cut(sizes, parts, limit = found.next_limit);
  found.bounds.resize(static_cast<std::size_t>(parts) + 1, static_cast<index_t>(sizes.size()));
  return found.bounds;
}

}  // namespace qgrain::lm
