// The keys that a multirun goes through, and their values in one of its jobs.
#ifndef QGRAIN_SWEEP_RUN_SWEPT_KEYS_HPP
#define QGRAIN_SWEEP_RUN_SWEPT_KEYS_HPP

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::sweep {

/// The keys that overrides sweep, in their order.
[[nodiscard]] std::vector<std::string> swept_keys(std::span<const std::string> overrides);

/// (key, value) of the swept keys in the overrides of one job.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> swept_values(std::span<const std::string> overrides,
                                                                            std::span<const std::string> keys);

/// Those whose values have no place of their own in a job's folder: all but pair, format, granularity and size.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> further_values(std::span<const std::string> overrides,
                                                                              std::span<const std::string> keys);

/// "[quant_pair=wfp4_afp8, quant_granularity=w_group64] ", or nothing where nothing is swept.
[[nodiscard]] std::string swept_text(std::span<const std::string> overrides, std::span<const std::string> keys);

}  // namespace qgrain::sweep

#endif
