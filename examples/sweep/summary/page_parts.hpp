// The sources of the report page, put into the program when it is built.
#ifndef QGRAIN_SWEEP_SUMMARY_PAGE_PARTS_HPP
#define QGRAIN_SWEEP_SUMMARY_PAGE_PARTS_HPP

#include <string_view>

namespace qgrain::sweep {

extern const std::string_view page_html;  ///< with the marks @style@, @data@ and @script@
extern const std::string_view page_css;
extern const std::string_view page_js;

}  // namespace qgrain::sweep

#endif
