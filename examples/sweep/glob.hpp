// Shell patterns over layer names.
#ifndef QGRAIN_SWEEP_GLOB_HPP
#define QGRAIN_SWEEP_GLOB_HPP

#include <string_view>

namespace qgrain::sweep {

/// Whether the whole of `text` matches `pattern`: `*` any run of characters (dots included), `?` any one, `[abc]`,
/// `[a-c]` and `[!abc]` one of (or none of) a set; a `[` that is never closed stands for itself. Case counts. These are
/// the rules of Python's fnmatchcase.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace qgrain::sweep

#endif
