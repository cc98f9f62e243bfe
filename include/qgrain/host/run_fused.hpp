// Runs a loop of fused multiply-adds with the widest vector instructions that are there.
#ifndef QGRAIN_HOST_RUN_FUSED_HPP
#define QGRAIN_HOST_RUN_FUSED_HPP

#include <qgrain/host/run_widest.hpp>

namespace qgrain {

// As run_widest, but AVX2 comes with FMA: there fma_rn is one instruction, elsewhere it may be a library call. The bits
// are the same everywhere.

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

inline namespace every_instruction_set {

template <class Kernel, class... Arguments>
__attribute__((target("avx2,fma"))) void run_avx2_fma(Arguments... arguments) {
  Kernel::run(arguments...);
}

/// Kernel::run(arguments...), a kernel being a struct as run_widest takes it.
template <class Kernel, class... Arguments>
void run_fused(Arguments... arguments) {
  const instruction_set set = chosen_instruction_set();
  if (set == instruction_set::avx2) {
    run_avx2_fma<Kernel>(arguments...);
  } else {
    run_with<Kernel>(set, arguments...);
  }
}

#else

#if QGRAIN_HOST_NEON
inline namespace every_instruction_set {
#else
inline namespace baseline_only {
#endif

template <class Kernel, class... Arguments>
void run_fused(Arguments... arguments) {
  Kernel::run(arguments...);
}

#endif

}  // inline namespace

}  // namespace qgrain

#endif
