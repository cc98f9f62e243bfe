#include "nearest_names.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace qgrain::sweep::config {
namespace {

// Restricted Damerau-Levenshtein distance, three rows at a time.
std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, previous, row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(previous, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replaced, previous[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

std::string joined(const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text.append(text.empty() ? "" : ", ").append(names[i]);
  return names.size() > most ? text + " and " + std::to_string(names.size() - most) + " more" : text;
}

}  // namespace

std::vector<std::string> nearest_names(std::string_view name, const std::vector<std::string>& known) {
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const auto& candidate : known) {
    const std::size_t edits = edits_between(name, candidate);
    if (edits <= std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3))
      near.emplace_back(edits, candidate);
  }
  std::sort(near.begin(), near.end());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < near.size() && i < 3; ++i) names.push_back(std::move(near[i].second));
  return names;
}

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  if (known.empty()) return {};
  const auto near = nearest_names(name, known);
  return near.empty() ? "; there are " + joined(known) : "; did you mean " + joined(near) + "?";
}

}  // namespace qgrain::sweep::config
