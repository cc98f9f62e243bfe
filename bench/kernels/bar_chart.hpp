// The ratios of a run as a picture.
#ifndef QGRAIN_BENCH_KERNELS_BAR_CHART_HPP
#define QGRAIN_BENCH_KERNELS_BAR_CHART_HPP

#include <kernels/result.hpp>

#include <string>

namespace qgrain::bench {

/// An SVG document: a bar for each row that was measured, its length the time in times of memcpy on a logarithmic
/// scale, with a line at 1, and the range over the passes as a whisker.
[[nodiscard]] std::string bar_chart(const bench_run& run);

}  // namespace qgrain::bench

#endif
