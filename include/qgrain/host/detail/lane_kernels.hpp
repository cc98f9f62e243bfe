// The loops over lanes of each instruction set, and what chooses among them.
//
// One text, lane_loops.hpp and lane_block.hpp, is compiled in a namespace for each set, over its operations: vectors
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
#include <qgrain/host/detail/lane_ports.hpp>
#include <qgrain/host/detail/lane_rules.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/scale/element_arithmetic.hpp>
#include <qgrain/scale/range.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace qgrain::detail {

/// The definition, which AVX-512 gains nothing for.
template <class Kernel, class... Arguments>
void run_definition(Arguments... arguments) {
  run_avx2<Kernel>(arguments...);
}

namespace avx512 {
#define QGRAIN_LANES QGRAIN_AVX512
#include <qgrain/host/detail/lane_loops.hpp>
//
#include <qgrain/host/detail/lane_block.hpp>
#undef QGRAIN_LANES
}  // namespace avx512

namespace avx2 {
#define QGRAIN_LANES QGRAIN_AVX2
#include <qgrain/host/detail/lane_loops.hpp>
//
#include <qgrain/host/detail/lane_block.hpp>
#undef QGRAIN_LANES
}  // namespace avx2

/// Of a kernel of the element stage, the loops that run_widest finds.
template <class Kernel, class Operation, bool = Operation::lanes != lane_work::none>
struct element_lane_loops {};
template <class Kernel, class Operation>
struct element_lane_loops<Kernel, Operation, true> {
  using avx512_loop = avx512::element_loop<Kernel, Operation>;
  using avx2_loop = avx2::element_loop<Kernel, Operation>;
};
/// The same of the range stage. (Widening would make a signaling NaN of binary16 a quiet one.)
template <class Kernel, class T>
struct absmax_lane_loops {
  using avx512_loop = avx512::absmax_loop<Kernel, T>;
  using avx2_loop = avx2::absmax_loop<Kernel, T>;
};
template <class Kernel>
struct absmax_lane_loops<Kernel, float16> {};

/// An operation on a block from port to port; false where lanes cannot do it.
template <class Operation, class In, class Out>
[[nodiscard]] bool run_lane_block(In in, Out out, shape2d shape, index_t group_cols,
                                  const typename Operation::source_type* sources, float tensor_scale) {
  bool is_done = false;
  if (chosen_instruction_set() == instruction_set::avx512) {
    run_avx512<avx512::lane_block<Operation, In, Out>>(in, out, shape, group_cols, sources, tensor_scale, &is_done);
  } else if (chosen_instruction_set() == instruction_set::avx2) {
    run_avx2_loop<avx2::lane_block<Operation, In, Out>>(in, out, shape, group_cols, sources, tensor_scale, &is_done);
  }
  return is_done;
}

}  // namespace qgrain::detail

#else

namespace qgrain::detail {

template <class Kernel, class Operation>
struct element_lane_loops {};
template <class Kernel, class T>
struct absmax_lane_loops {};

template <class Operation, class In, class Out>
[[nodiscard]] bool run_lane_block(In, Out, shape2d, index_t, const typename Operation::source_type*, float) {
  return false;
}

}  // namespace qgrain::detail

#endif

#endif
