// The loops over lanes of each instruction set, and what chooses among them.
//
// One text, lane_loops.inc and lane_block.inc, is compiled in a namespace for each set, over its operations: vectors
// and functions of a set have to be inlined into functions of the same target attribute, which templates cannot take as
// a parameter.
#ifndef QGRAIN_HOST_DETAIL_LANE_KERNELS_HPP
#define QGRAIN_HOST_DETAIL_LANE_KERNELS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/avx2_lanes.hpp>
#include <qgrain/host/detail/avx512_lanes.hpp>
#include <qgrain/host/detail/codebook_lanes.hpp>
#include <qgrain/host/detail/lane_ports.hpp>
#include <qgrain/host/detail/lane_rules.hpp>
#include <qgrain/host/detail/neon_lanes.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/scale/element_arithmetic.hpp>
#include <qgrain/scale/range.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace qgrain::detail {

#if QGRAIN_HOST_INSTRUCTION_SETS == 3 || QGRAIN_HOST_NEON
/// The definition, which AVX-512 gains nothing for.
template <class Kernel, class... Arguments>
void run_definition(Arguments... arguments) {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  run_avx2<Kernel>(arguments...);
#else
  Kernel::run(arguments...);
#endif
}
#endif

#if QGRAIN_HOST_INSTRUCTION_SETS == 3
namespace avx512 {
#define QGRAIN_LANES QGRAIN_AVX512
#define QGRAIN_LANES_APART QGRAIN_AVX512_APART
#include <qgrain/host/detail/lane_loops.inc>
// The blocks stand on the loops.
#include <qgrain/host/detail/lane_block.inc>
#undef QGRAIN_LANES
#undef QGRAIN_LANES_APART
}  // namespace avx512

namespace avx2 {
#define QGRAIN_LANES QGRAIN_AVX2
#define QGRAIN_LANES_APART QGRAIN_AVX2_APART
#include <qgrain/host/detail/lane_loops.inc>
// The blocks stand on the loops.
#include <qgrain/host/detail/lane_block.inc>
#undef QGRAIN_LANES
#undef QGRAIN_LANES_APART
}  // namespace avx2
#elif QGRAIN_HOST_NEON
namespace neon {
#define QGRAIN_LANES QGRAIN_NEON
#define QGRAIN_LANES_APART QGRAIN_NEON_APART
#include <qgrain/host/detail/lane_loops.inc>
// The blocks stand on the loops.
#include <qgrain/host/detail/lane_block.inc>
#undef QGRAIN_LANES
#undef QGRAIN_LANES_APART
}  // namespace neon
#endif

/// The loops of a kernel of the element stage, as run_widest finds them.
template <class Kernel, class Operation, bool = Operation::lanes != lane_work::none>
struct element_lane_loops {};
template <class Kernel, class Operation>
struct element_lane_loops<Kernel, Operation, true> {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  using avx512_loop = avx512::element_loop<Kernel, Operation>;
  using avx2_loop = avx2::element_loop<Kernel, Operation>;
#elif QGRAIN_HOST_NEON
  using neon_loop = neon::element_loop<Kernel, Operation>;
#endif
};
/// The same of the range stage. (Widening would make a signaling NaN of binary16 a quiet one.)
template <class Kernel, class T>
struct absmax_lane_loops {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  using avx512_loop = avx512::absmax_loop<Kernel, T>;
  using avx2_loop = avx2::absmax_loop<Kernel, T>;
#elif QGRAIN_HOST_NEON
  using neon_loop = neon::absmax_loop<Kernel, T>;
#endif
};
template <class Kernel>
struct absmax_lane_loops<Kernel, float16> {};

/// Of round_piece: sets have an instruction for binary16.
template <class T>
struct round_lane_loops {};
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
template <>
struct round_lane_loops<float16> {
  using avx512_loop = avx512::round_loop<float16>;
  using avx2_loop = avx2::round_loop<float16>;
};
#endif

/// An operation on a block from port to port; false where lanes cannot do it.
template <class Operation, class In, class Out>
[[nodiscard]] bool run_lane_block([[maybe_unused]] In in, [[maybe_unused]] Out out, [[maybe_unused]] shape2d shape,
                                  [[maybe_unused]] index_t group_cols,
                                  [[maybe_unused]] const typename Operation::source_type* sources,
                                  [[maybe_unused]] float tensor_scale) {
  bool is_done = false;
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  const instruction_set set = chosen_instruction_set();
  if (set == instruction_set::avx512) {
    run_avx512<avx512::lane_block<Operation, In, Out>>(in, out, shape, group_cols, sources, tensor_scale, &is_done);
  } else if (set == instruction_set::avx2) {
    run_avx2_loop<avx2::lane_block<Operation, In, Out>>(in, out, shape, group_cols, sources, tensor_scale, &is_done);
  }
#elif QGRAIN_HOST_NEON
  neon::lane_block<Operation, In, Out>::run(in, out, shape, group_cols, sources, tensor_scale, &is_done);
#endif
  return is_done;
}

}  // namespace qgrain::detail

#endif
