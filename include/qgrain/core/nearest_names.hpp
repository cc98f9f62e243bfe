// Suggestions for a misspelt name.
#ifndef QGRAIN_CORE_NEAREST_NAMES_HPP
#define QGRAIN_CORE_NEAREST_NAMES_HPP

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain {

/// Smallest number of one-character insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment). O(|a| |b|) time; bytes are compared, not code points.
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> before(width), last(width), row(width);
  for (std::size_t j = 0; j < width; ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

/// At most `limit` of `names`, the closest to `wanted` first (then alphabetically); names that take more edits
/// than a third of the longer length (and than one) are left out. `Names` is a range of things convertible to
/// string_view.
template <class Names>
[[nodiscard]] std::vector<std::string> nearest_names(std::string_view wanted, const Names& names,
                                                     std::size_t limit = 3) {
  std::vector<std::string> nearest;
  std::vector<std::size_t> distances;
  for (const auto& entry : names) {
    const std::string_view name = entry;
    const std::size_t distance = edit_distance(wanted, name);
    const std::size_t longer = std::max(wanted.size(), name.size());
    if (distance > std::max<std::size_t>(longer / 3, 1)) continue;
    distances.push_back(distance);
    nearest.emplace_back(name);
    for (std::size_t i = nearest.size() - 1; i > 0; --i) {  // among the few that are kept
      const bool ordered =
          distances[i - 1] < distance || (distances[i - 1] == distance && nearest[i - 1] <= nearest[i]);
      if (ordered) break;
      std::swap(distances[i - 1], distances[i]);
      std::swap(nearest[i - 1], nearest[i]);
    }
    if (nearest.size() > limit) {
      distances.pop_back();
      nearest.pop_back();
    }
  }
  return nearest;
}

/// "a, b, c"; "none" for an empty range.
template <class Names>
[[nodiscard]] std::string join_names(const Names& names) {
  std::string text;
  for (const auto& entry : names) {
    if (!text.empty()) text += ", ";
    text += std::string_view(entry);
  }
  return text.empty() ? "none" : text;
}

/// The tail of an "unknown name" sentence: "; did you mean x, y?" or, where nothing is near, "; there are a, b, c".
/// Nothing where there are no names.
template <class Names>
[[nodiscard]] std::string name_hint(std::string_view wanted, const Names& names) {
  if (std::empty(names)) return {};
  const auto near = nearest_names(wanted, names);
  return near.empty() ? "; there are " + join_names(names) : "; did you mean " + join_names(near) + "?";
}

/// The error for a name that is not among the known ones: `what` is the kind of thing, such as "recipe".
template <class Names>
[[nodiscard]] error unknown_name_error(std::string_view what, std::string_view wanted, const Names& names) {
  std::string sentence("unknown ");
  sentence.append(what).append(" \"").append(wanted).append("\"").append(name_hint(wanted, names));
  return error(errc::unknown_name, sentence);
}

}  // namespace qgrain

#endif
