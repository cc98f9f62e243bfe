// Runs a loop of fused multiply-adds with the vector instructions that were chosen.
#ifndef QGRAIN_LM_FUSED_KERNELS_HPP
#define QGRAIN_LM_FUSED_KERNELS_HPP

#include <qgrain/host/run_widest.hpp>

namespace qgrain::lm {

// As run_widest, but AVX2 comes with FMA: there std::fma is one instruction, elsewhere it may be a library
// call. The bits are the same everywhere.

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

template <class Kernel, class... Arguments>
__attribute__((target("avx2,fma"))) void run_avx2_fma(Arguments... arguments) {
  Kernel::run(arguments...);
}

/// Kernel: a struct with an always-inlined static `run`. Arguments go by value: they are views and numbers.
template <class Kernel, class... Arguments>
void run_fused(Arguments... arguments) {
  const instruction_set set = chosen_instruction_set();
  if (set == instruction_set::avx2 && __builtin_cpu_supports("fma")) {
    run_avx2_fma<Kernel>(arguments...);
  } else {
    run_with<Kernel>(set, arguments...);
  }
}

#else

template <class Kernel, class... Arguments>
void run_fused(Arguments... arguments) {
  Kernel::run(arguments...);
}

#endif

}  // namespace qgrain::lm

#endif
