// What the program prints.
#ifndef QGRAIN_QUANTIZE_REPORTS_HPP
#define QGRAIN_QUANTIZE_REPORTS_HPP

#include <quantize/convert.hpp>

#include <iosfwd>
#include <string>
#include <vector>

namespace qgrain::convert {

/// The catalogue, or one recipe of it where a name is given, as a table or as JSON.
void list_catalogue(std::ostream& out, const std::string& recipe_name, bool json);

/// One line per tensor, or a JSON list. Figures that are infinite or not a number are null in JSON.
void print_reports(std::ostream& out, const std::vector<tensor_report>& reports, const std::string& file, bool json);

}  // namespace qgrain::convert

#endif
