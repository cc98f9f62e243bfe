// Runs a loop with the vector instructions that were chosen.
#ifndef QGRAIN_HOST_RUN_WIDEST_HPP
#define QGRAIN_HOST_RUN_WIDEST_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/host/instruction_set.hpp>

namespace qgrain {

// A kernel is a struct with a static `run`, always inlined (QGRAIN_ALWAYS_INLINE); each wrapper below is the same loop
// compiled for one instruction set. A kernel may name a struct whose `run` has the same results with instructions of a
// set, `avx512_loop`, `avx2_loop` or `neon_loop`. (Lambdas would not inherit the target attribute.) Without contraction
// and fast-math the bits are the same everywhere: see core/arithmetic.hpp.

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

inline namespace every_instruction_set {

template <class Kernel, class... Arguments>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void run_avx512(Arguments... arguments) {
  if constexpr (requires { typename Kernel::avx512_loop; }) {
    Kernel::avx512_loop::run(arguments...);
  } else {
    Kernel::run(arguments...);
  }
}

template <class Kernel, class... Arguments>
__attribute__((target("avx2"))) void run_avx2(Arguments... arguments) {
  Kernel::run(arguments...);
}

/// The same of a loop that fuses and converts binary16 by instructions.
template <class Loop, class... Arguments>
__attribute__((target("avx2,fma,f16c"))) void run_avx2_loop(Arguments... arguments) {
  Loop::run(arguments...);
}

/// Kernel::run(arguments...) compiled for a set that is_supported. Arguments go by value: they are views, pointers and
/// numbers; results go through them.
template <class Kernel, class... Arguments>
void run_with(instruction_set set, Arguments... arguments) {
  if (set == instruction_set::avx512) {
    run_avx512<Kernel>(arguments...);
  } else if (set == instruction_set::avx2) {
    if constexpr (requires { typename Kernel::avx2_loop; }) {
      run_avx2_loop<typename Kernel::avx2_loop>(arguments...);
    } else {
      run_avx2<Kernel>(arguments...);
    }
  } else {
    Kernel::run(arguments...);
  }
}

#elif QGRAIN_HOST_NEON

inline namespace every_instruction_set {

template <class Kernel, class... Arguments>
void run_with(instruction_set, Arguments... arguments) {
  if constexpr (requires { typename Kernel::neon_loop; }) {
    Kernel::neon_loop::run(arguments...);
  } else {
    Kernel::run(arguments...);
  }
}

#else

inline namespace baseline_only {

template <class Kernel, class... Arguments>
void run_with(instruction_set, Arguments... arguments) {
  Kernel::run(arguments...);
}

#endif

/// The same with the widest set of this processor, or the one that was asked for (chosen_instruction_set).
template <class Kernel, class... Arguments>
void run_widest(Arguments... arguments) {
  run_with<Kernel>(chosen_instruction_set(), arguments...);
}

}  // inline namespace

}  // namespace qgrain

#endif
