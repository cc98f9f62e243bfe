// Runs a loop with the widest vector instructions that the processor has.
#ifndef QGRAIN_HOST_DETAIL_INSTRUCTION_SET_HPP
#define QGRAIN_HOST_DETAIL_INSTRUCTION_SET_HPP

#include <qgrain/core/config.hpp>

namespace qgrain::detail {

// A kernel is a struct with an always-inlined static `run`; each wrapper below is the same loop compiled for one
// instruction set. (Lambdas would not inherit the target attribute.) The bits are the same everywhere: see
// core/arithmetic.hpp.
//
// QGRAIN_HOST_BASELINE_ONLY, defined for a whole target: only the loop for the instructions that the compiler is told
// of anyway. It compiles in half the time and is for code that goes over a tensor once. Files of one program may differ
// in it as long as no two of them instantiate the same function of qgrain/host; the namespace keeps run_widest apart.

#if defined(QGRAIN_HOST_BASELINE_ONLY)

inline namespace baseline_only {

template <class Kernel, class... Arguments>
void run_widest(Arguments... arguments) {
  Kernel::run(arguments...);
}

}  // namespace baseline_only

#elif defined(__x86_64__) && defined(__GNUC__)

template <class Kernel, class... Arguments>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void run_avx512(Arguments... arguments) {
  Kernel::run(arguments...);
}

template <class Kernel, class... Arguments>
__attribute__((target("avx2"))) void run_avx2(Arguments... arguments) {
  Kernel::run(arguments...);
}

/// Arguments go by value: they are views and numbers.
template <class Kernel, class... Arguments>
void run_widest(Arguments... arguments) {
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq")) {
    run_avx512<Kernel>(arguments...);
  } else if (__builtin_cpu_supports("avx2")) {
    run_avx2<Kernel>(arguments...);
  } else {
    Kernel::run(arguments...);
  }
}

#else

template <class Kernel, class... Arguments>
void run_widest(Arguments... arguments) {
  Kernel::run(arguments...);
}

#endif

}  // namespace qgrain::detail

#endif
