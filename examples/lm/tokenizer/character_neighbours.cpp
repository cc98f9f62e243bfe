#include <lm/tokenizer/character_neighbours.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <cstdint>

namespace qgrain::lm {
namespace {

constexpr unsigned hash_bits = 21;

std::size_t place_of(char32_t left, char32_t right) {
  const std::uint64_t pair = (std::uint64_t{left} << 32U) | right;
  return static_cast<std::size_t>((pair * 0x9E3779B97F4A7C15U) >> (64 - hash_bits));  // Fibonacci hashing
}

}  // namespace

character_neighbours::character_neighbours() : tokens_(0x110000), pairs_(std::size_t{1} << hash_bits) {}

void character_neighbours::add_token(std::string_view token) {
  if (token.empty()) return;
  std::size_t at = 0;
  char32_t left = next_code_point(token, at);
  if (at == token.size()) tokens_[left] = true;
  while (at < token.size()) {
    const char32_t right = next_code_point(token, at);
    pairs_[place_of(left, right)] = true;
    left = right;
  }
}

void character_neighbours::for_each_part(std::string_view word,
                                         const std::function<void(std::string_view part)>& visit) const {
  if (word.empty()) return;
  std::size_t begin = 0;
  std::size_t at = 0;
  char32_t left = next_code_point(word, at);
  while (at < word.size()) {
    const std::size_t cut = at;
    const char32_t right = next_code_point(word, at);
    if (tokens_[left] && tokens_[right] && !pairs_[place_of(left, right)]) {
      visit(word.substr(begin, cut - begin));
      begin = cut;
    }
    left = right;
  }
  visit(word.substr(begin));
}

}  // namespace qgrain::lm
