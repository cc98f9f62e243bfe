// Values as Python's str() shows them: the reports of both drivers are to read the same.
#ifndef QGRAIN_COMMON_PYTHON_TEXT_HPP
#define QGRAIN_COMMON_PYTHON_TEXT_HPP

#include <boost/json/value.hpp>

#include <string>

namespace qgrain::common {

namespace json = boost::json;

/// Text as it is, None, True, 8.0, and lists and mappings with quoted text inside: ['a', 1].
[[nodiscard]] std::string python_text(const json::value& value);

}  // namespace qgrain::common

#endif
