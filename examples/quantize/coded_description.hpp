// What the catalogue says of the families of element operations.
#ifndef QGRAIN_QUANTIZE_CODED_DESCRIPTION_HPP
#define QGRAIN_QUANTIZE_CODED_DESCRIPTION_HPP

#include <quantize/coded_family.hpp>
#include <quantize/granularity.hpp>
#include <quantize/recipe.hpp>

#include <string>
#include <vector>

namespace qgrain::convert {

/// The parts that may be given to a recipe of the family.
[[nodiscard]] std::vector<std::string> givable_parts(const coded_family& family);

/// @throws error errc::unsupported where the family does not take the granularity
void require_granularity(const coded_family& family, const tensor_grouping& groups);

/// Of a family whose granularity is still open.
[[nodiscard]] recipe_description describe_family(const coded_family& family);

}  // namespace qgrain::convert

#endif
