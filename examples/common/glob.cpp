#include <common/glob.hpp>

#include <qgrain/core/nearest_names.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::common {
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

std::size_t glob_distance(std::string_view pattern, std::string_view text) {
  const std::size_t width = text.size() + 1;
  std::vector<std::size_t> last(width), row(width);
  for (std::size_t j = 0; j < width; ++j) last[j] = j;
  for (std::size_t p = 0; p < pattern.size();) {
    std::size_t length = 1;
    if (pattern[p] == '[') length = std::max<std::size_t>(match_set(pattern.substr(p), 'a').length, 1);
    const std::string_view token = pattern.substr(p, length);
    const bool is_free = token == "*";
    row[0] = last[0] + (is_free ? 0 : 1);
    for (std::size_t j = 1; j < width; ++j) {
      const std::size_t replaced = last[j - 1] + (glob_match(token, text.substr(j - 1, 1)) ? 0 : 1);
      row[j] = is_free ? std::min(last[j], row[j - 1]) : std::min({replaced, last[j] + 1, row[j - 1] + 1});
    }
    std::swap(last, row);
    p += length;
  }
  return last[text.size()];
}

bool matches_any(std::string_view name, std::span<const std::string> patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& pattern) { return glob_match(pattern, name); });
}

std::string no_match_text(const std::string& what, std::string_view pattern, std::span<const std::string> names) {
  constexpr std::size_t shown = 3;
  const auto stars = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
  const std::size_t most = std::max<std::size_t>((pattern.size() - stars) / 3, 1);
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::size_t distance = glob_distance(pattern, name);
    if (distance <= most) near.emplace_back(distance, name);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> list;
  for (std::size_t i = 0; i < std::min(near.size(), shown); ++i) list.push_back(near[i].second);
  const std::string text = what + " matches no layer";
  if (!list.empty()) return text + "; did you mean " + join_names(list) + "?";
  list.assign(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), shown)));
  return list.empty() ? text : text + "; there are layers such as " + join_names(list);
}

}  // namespace qgrain::common
