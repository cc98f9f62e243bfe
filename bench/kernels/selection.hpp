// Which rows a command line asks for.
#ifndef QGRAIN_BENCH_KERNELS_SELECTION_HPP
#define QGRAIN_BENCH_KERNELS_SELECTION_HPP

#include <kernels/kernel.hpp>

#include <string>
#include <vector>

namespace qgrain::bench {

/// Rows of `all` whose names `filter` finds (Google Benchmark's rules: a regular expression, "-" in front of it for
/// those that it does not find, "all" for all); without a filter those of the default run. `peer`, unless empty: rows
/// by that peer, and qgrain's of the same work on the same recipe.
///
/// Throws errc::unknown_name for a peer that does not exist, or where no row is left, and errc::invalid_argument for
/// what is no regular expression; the sentence lists what there is.
[[nodiscard]] std::vector<kernel_row> selected_rows(const std::vector<kernel_row>& all, const std::string& filter,
                                                    const std::string& peer);

}  // namespace qgrain::bench

#endif
