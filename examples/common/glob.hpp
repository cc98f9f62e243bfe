// Shell patterns over layer names.
#ifndef QGRAIN_COMMON_GLOB_HPP
#define QGRAIN_COMMON_GLOB_HPP

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::common {

/// Whether the whole of `text` matches `pattern`: `*` any run of characters (dots included), `?` any one, `[abc]`,
/// `[a-c]` and `[!abc]` one of (or none of) a set; a `[` that is never closed stands for itself. Case counts. These are
/// the rules of Python's fnmatchcase.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

/// Smallest number of one-character insertions, deletions and replacements that make `text` match: what a `*` stands
/// for is free. O(|pattern| |text|).
[[nodiscard]] std::size_t glob_distance(std::string_view pattern, std::string_view text);

/// Whether a name matches any of the shell patterns.
[[nodiscard]] bool matches_any(std::string_view name, std::span<const std::string> patterns);

/// A warning: "<what> matches no layer; did you mean a, b?", naming at most three `names`: the ones nearest to
/// `pattern` or, where a third of its own characters would have to change, the first ones as examples.
[[nodiscard]] std::string no_match_text(const std::string& what, std::string_view pattern,
                                        std::span<const std::string> names);

}  // namespace qgrain::common

#endif
