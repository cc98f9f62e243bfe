// Strings by their common beginnings.
#ifndef QGRAIN_LM_TOKENIZER_BYTE_TRIE_HPP
#define QGRAIN_LM_TOKENIZER_BYTE_TRIE_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::lm {

/// A map from strings to numbers of at least 0 that finds all keys with which a text begins. Immutable.
class byte_trie {
 public:
  byte_trie() = default;
  /// Of equal keys the first counts; the empty one never does.
  explicit byte_trie(std::vector<std::pair<std::string, std::int32_t>> entries);

  /// Calls `visit(size, value)` for each key that `text` begins with, the shortest first.
  template <class Visit>
  void for_each_prefix(std::string_view text, Visit&& visit) const {
    if (text.empty()) return;
    std::uint32_t at = roots_[static_cast<unsigned char>(text[0])];
    for (std::size_t size = 1; at != none; ++size) {
      const node& reached = nodes_[at];
      if (reached.value >= 0) visit(size, reached.value);
      if (size == text.size()) return;
      at = child(reached, static_cast<unsigned char>(text[size]));
    }
  }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  struct node {
    std::int32_t value = -1;
    std::uint32_t first_child = 0;  // children lie in a row, rising in their bytes
    std::uint16_t children = 0;
    unsigned char byte = 0;
  };

  [[nodiscard]] std::uint32_t child(const node& parent, unsigned char byte) const noexcept;

  std::vector<node> nodes_;
  std::array<std::uint32_t, 256> roots_ = [] {
    std::array<std::uint32_t, 256> roots{};
    roots.fill(none);
    return roots;
  }();
};

}  // namespace qgrain::lm

#endif
