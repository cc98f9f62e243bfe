// Squared errors of groups over lanes: error_lanes.inc for each instruction set, and what chooses among them.
#ifndef QGRAIN_HOST_DETAIL_ERROR_LANES_HPP
#define QGRAIN_HOST_DETAIL_ERROR_LANES_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/lane_kernels.hpp>
#include <qgrain/host/detail/lane_rules.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/quantizer/group_error.hpp>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3
namespace qgrain::detail::avx512 {
#define QGRAIN_LANES QGRAIN_AVX512
#include <qgrain/host/detail/error_lanes.inc>
#undef QGRAIN_LANES
}  // namespace qgrain::detail::avx512

namespace qgrain::detail::avx2 {
#define QGRAIN_LANES QGRAIN_AVX2
#include <qgrain/host/detail/error_lanes.inc>
#undef QGRAIN_LANES
}  // namespace qgrain::detail::avx2
#elif QGRAIN_HOST_NEON
namespace qgrain::detail::neon {
#define QGRAIN_LANES QGRAIN_NEON
#include <qgrain/host/detail/error_lanes.inc>
#undef QGRAIN_LANES
}  // namespace qgrain::detail::neon
#endif

namespace qgrain::detail {

/// What run_widest finds beside group_errors_kernel<Element>.
template <class Kernel, class Element, bool = encodes_in_lanes<Element>&& restores_in_lanes<Element>>
struct error_lane_loops {};
template <class Kernel, class Element>
struct error_lane_loops<Kernel, Element, true> {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  using avx512_loop = avx512::group_errors_loop<Kernel, Element>;
  using avx2_loop = avx2::group_errors_loop<Kernel, Element>;
#elif QGRAIN_HOST_NEON
  using neon_loop = neon::group_errors_loop<Kernel, Element>;
#endif
};

}  // namespace qgrain::detail

#endif
