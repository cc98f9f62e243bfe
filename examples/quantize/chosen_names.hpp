// The names of a file that a pattern means.
#ifndef QGRAIN_QUANTIZE_CHOSEN_NAMES_HPP
#define QGRAIN_QUANTIZE_CHOSEN_NAMES_HPP

#include <string>
#include <vector>

namespace qgrain::convert {

/// The name that `pattern` is, else those that match it as a shell pattern.
/// @throws error errc::unknown_name where there are none: "WHERE: no WHAT matches ...", with the nearest names
[[nodiscard]] std::vector<std::string> chosen_names(const std::string& where, const std::string& pattern,
                                                    const std::vector<std::string>& names, const std::string& what);

}  // namespace qgrain::convert

#endif
