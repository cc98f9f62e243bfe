#include "glob.hpp"

#include <cstddef>

namespace qgrain::sweep {
namespace {

struct set_match {
  bool matches;
  std::size_t length;  // of the set with its brackets; 0 where it is never closed
};

set_match match_set(std::string_view pattern, char c) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && pattern[at] == '!';
  if (negated) ++at;
  const std::size_t first = at;
  bool found = false;
  for (; at < pattern.size() && (pattern[at] != ']' || at == first); ++at) {
    if (at + 2 < pattern.size() && pattern[at + 1] == '-' && pattern[at + 2] != ']') {
      found = found || (pattern[at] <= c && c <= pattern[at + 2]);
      at += 2;
    } else {
      found = found || pattern[at] == c;
    }
  }
  if (at >= pattern.size()) return {false, 0};
  return {found != negated, at + 1};
}

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) {
  // one star is remembered: a later star makes giving more characters to an earlier one pointless
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    std::size_t length = 0;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
      continue;
    }
    if (p < pattern.size()) {
      length = pattern[p] == '?' || pattern[p] == text[t] ? 1 : 0;
      if (pattern[p] == '[') {
        const set_match set = match_set(pattern.substr(p), text[t]);
        if (set.length > 0) length = set.matches ? set.length : 0;
      }
    }
    if (length > 0) {
      p += length;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace qgrain::sweep
