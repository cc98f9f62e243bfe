// The names that an unknown name was probably meant to be.
#ifndef QGRAIN_CORE_NEAREST_NAMES_HPP
#define QGRAIN_CORE_NEAREST_NAMES_HPP

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain {

/// Letters to insert, delete or replace to turn one name into the other (Levenshtein's distance).
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0U : 1U);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// Up to `count` of the known names, nearest first, equally near ones in the given order.
[[nodiscard]] inline std::vector<std::string> nearest_names(std::string_view wanted, std::span<const std::string> known,
                                                            std::size_t count) {
  std::vector<std::pair<std::size_t, std::size_t>> ranked;
  for (std::size_t i = 0; i < known.size(); ++i) ranked.emplace_back(edit_distance(wanted, known[i]), i);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> nearest;
  for (std::size_t i = 0; i < std::min(count, ranked.size()); ++i) nearest.push_back(known[ranked[i].second]);
  return nearest;
}

/// The error for a name that is not among the known ones: `what` is the kind of thing, such as "recipe".
[[nodiscard]] inline error unknown_name_error(std::string_view what, std::string_view wanted,
                                              std::span<const std::string> known) {
  std::string sentence;
  sentence.append("unknown ").append(what).append(" \"").append(wanted).append("\"; the nearest names are ");
  std::string_view separator;
  for (const std::string& name : nearest_names(wanted, known, 3)) {
    sentence.append(separator).append(name);
    separator = ", ";
  }
  return error(errc::unknown_name, sentence);
}

}  // namespace qgrain

#endif
