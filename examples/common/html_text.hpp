// Text within HTML and SVG.
#ifndef QGRAIN_COMMON_HTML_TEXT_HPP
#define QGRAIN_COMMON_HTML_TEXT_HPP

#include <string>
#include <string_view>

namespace qgrain::common {

/// `text` with what HTML and XML read as markup written out; control characters become blanks.
[[nodiscard]] std::string html_text(std::string_view text);

}  // namespace qgrain::common

#endif
