// The elements of a sweep, in order.
#ifndef QGRAIN_HYDRA_SWEEP_EXPAND_HPP
#define QGRAIN_HYDRA_SWEEP_EXPAND_HPP

#include <hydra/config_source.hpp>
#include <hydra/override.hpp>

#include <cstddef>

namespace qgrain::hydra {

/// Longer sweeps and job lists are refused.
inline constexpr std::size_t most_sweep_elements = 100'000;

/// Throws errc::invalid_argument for a range without end or with a step of zero, in constant time; accepts every other
/// sweep. A range between once and twice the longest is refused by `sweep_elements` only.
void require_enumerable_range(const sweep_value& sweep);

/// The elements of an override that is swept; those of a glob are the matching choices of the group that its key names
/// (none where it names no group). Throws errc::invalid_argument for an interval.
[[nodiscard]] element_list sweep_elements(const config_override& swept, const config_source& source);

/// Whether an override chooses from a group of the source: its key names one and its value is no dictionary.
[[nodiscard]] bool targets_group(const config_override& parsed, const config_source& source);

}  // namespace qgrain::hydra

#endif
