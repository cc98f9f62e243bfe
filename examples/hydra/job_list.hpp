// The jobs of a multirun.
#ifndef QGRAIN_HYDRA_JOB_LIST_HPP
#define QGRAIN_HYDRA_JOB_LIST_HPP

#include <hydra/config_source.hpp>

#include <boost/json.hpp>

#include <string>
#include <vector>

namespace qgrain::hydra {

/// The overrides of one job.
using job = std::vector<std::string>;

/// Every combination of the elements of all sweeps, in Hydra's order: the first sweep is the slowest. Overrides without
/// a sweep are part of every job, in canonical writing. A repeated key keeps its first place and takes its last value;
/// `key` and `++key` are different keys. One job where nothing is swept, none where a sweep has no elements.
/// Throws qgrain::error: an override that cannot be read, an interval, more jobs than `most_sweep_elements`.
[[nodiscard]] std::vector<job> expand_jobs(const std::vector<std::string>& overrides, const config_source& source);

/// The overrides of a `sweep` section, a mapping of keys to sweep texts ({"quant_pair": "glob(wint*)", "seed": 7}), in
/// its order. They stand before those of the command line. Throws errc::invalid_argument for another form.
[[nodiscard]] std::vector<std::string> sweep_section_overrides(const json::value& section);

}  // namespace qgrain::hydra

#endif
