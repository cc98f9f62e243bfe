// The order of override values: sorting and shuffling.
#ifndef QGRAIN_HYDRA_ELEMENT_ORDER_HPP
#define QGRAIN_HYDRA_ELEMENT_ORDER_HPP

#include <hydra/sweep_value.hpp>

#include <cstdint>

namespace qgrain::hydra {

enum class sort_direction : std::uint8_t { ascending, descending };

/// Stable in both directions. Numbers and bools compare as numbers, unquoted texts by code point, lists element by
/// element. Throws errc::invalid_argument for two values of other or unequal kinds.
[[nodiscard]] element_list sorted(element_list elements, sort_direction direction);

/// Hydra 1.3's sort of a range: a range that runs the other way begins at stop -+ |step| and ends at start -+ |step|
/// (so sort(range(0,10,3),reverse=true) is 7,4,1,-2).
[[nodiscard]] range_sweep sorted(range_sweep range, sort_direction direction);

/// An order that depends on the number of elements only: the same command gives the same jobs.
[[nodiscard]] element_list shuffled(element_list elements);

}  // namespace qgrain::hydra

#endif
