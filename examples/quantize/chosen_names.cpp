#include <common/glob.hpp>
#include <quantize/chosen_names.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::convert {

std::vector<std::string> chosen_names(const std::string& where, const std::string& pattern,
                                      const std::vector<std::string>& names, const std::string& what) {
  // A name may hold what a pattern reads as a set of characters.
  if (std::find(names.begin(), names.end(), pattern) != names.end()) return {pattern};
  std::vector<std::string> matching;
  for (const std::string& name : names) {
    if (common::glob_match(pattern, name)) matching.push_back(name);
  }
  if (!matching.empty()) return matching;
  const std::vector<std::string> near = nearest_names(pattern, names);
  const std::vector<std::string> first(names.begin(), names.begin() + std::min<std::ptrdiff_t>(5, std::ssize(names)));
  throw error(errc::unknown_name,
              where + ": no " + what + " matches \"" + pattern + "\"" +
                  (near.empty() ? "; there are " + join_names(first) + (names.size() > first.size() ? ", ..." : "")
                                : "; did you mean " + join_names(near) + "?"));
}

}  // namespace qgrain::convert
