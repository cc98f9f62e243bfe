#include <lm/tokenizer/byte_trie.hpp>

#include <algorithm>

namespace qgrain::lm {

// Level by level: a node stands for a range of the sorted keys, those that share its path.
byte_trie::byte_trie(std::vector<std::pair<std::string, std::int32_t>> entries) {
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  struct range {
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };
  std::vector<range> ranges;  // of each node
  // Adds the children of a range, keys of its path's own length left out.
  const auto add_children = [&](const range& parent) {
    std::size_t begin = parent.begin;
    while (begin < parent.end && entries[begin].first.size() == parent.depth) ++begin;
    while (begin < parent.end) {
      const char byte = entries[begin].first[parent.depth];
      std::size_t end = begin;
      while (end < parent.end && entries[end].first[parent.depth] == byte) ++end;
      node made;
      made.byte = static_cast<unsigned char>(byte);
      if (entries[begin].first.size() == parent.depth + 1) made.value = entries[begin].second;
      nodes_.push_back(made);
      ranges.push_back({begin, end, parent.depth + 1});
      begin = end;
    }
  };
  add_children({0, entries.size(), 0});
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) roots_[nodes_[i].byte] = i;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const std::size_t first = nodes_.size();
    add_children(range(ranges[i]));
    nodes_[i].first_child = static_cast<std::uint32_t>(first);
    nodes_[i].children = static_cast<std::uint16_t>(nodes_.size() - first);
  }
}

std::uint32_t byte_trie::child(const node& parent, unsigned char byte) const noexcept {
  const auto begin = nodes_.begin() + parent.first_child;
  const auto end = begin + parent.children;
  const auto found = std::lower_bound(begin, end, byte, [](const node& n, unsigned char b) { return n.byte < b; });
  return found == end || found->byte != byte ? none : static_cast<std::uint32_t>(found - nodes_.begin());
}

}  // namespace qgrain::lm
