// The elements of range(start, stop, step).
#ifndef QGRAIN_HYDRA_DECIMAL_RANGE_HPP
#define QGRAIN_HYDRA_DECIMAL_RANGE_HPP

#include <hydra/number.hpp>

#include <cstddef>
#include <vector>

namespace qgrain::hydra {

/// In constant time. Throws errc::invalid_argument for a step of zero, an infinity or NaN, and more than twice `most`
/// elements.
void require_range(const number& start, const number& stop, const number& step, std::size_t most);

/// start, start + step, ... below stop (above it for a negative step); empty where the first one is not. Integers where
/// all three are; else the steps are added in decimal arithmetic of 28 digits (half to even), beginning from the exact
/// values of the doubles, and each sum is rounded to a double: range(0, 1, 0.1) ends in 0.9.
/// Throws errc::invalid_argument for what `require_range` refuses and for more than `most` elements.
[[nodiscard]] std::vector<number> range_elements(const number& start, const number& stop, const number& step,
                                                 std::size_t most);

}  // namespace qgrain::hydra

#endif
