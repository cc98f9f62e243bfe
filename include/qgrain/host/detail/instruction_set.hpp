// Runs a loop with the vector instructions that were chosen.
#ifndef QGRAIN_HOST_DETAIL_INSTRUCTION_SET_HPP
#define QGRAIN_HOST_DETAIL_INSTRUCTION_SET_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/host/instruction_set.hpp>

namespace qgrain::detail {

// A kernel is a struct with an always-inlined static `run`; each wrapper below is the same loop compiled for one
// instruction set. (Lambdas would not inherit the target attribute.) The bits are the same everywhere: see
// core/arithmetic.hpp.

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

inline namespace every_instruction_set {

template <class Kernel, class... Arguments>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) void run_avx512(Arguments... arguments) {
  Kernel::run(arguments...);
}

template <class Kernel, class... Arguments>
__attribute__((target("avx2"))) void run_avx2(Arguments... arguments) {
  Kernel::run(arguments...);
}

/// With a set that is_supported. Arguments go by value: they are views and numbers.
template <class Kernel, class... Arguments>
void run_with(instruction_set set, Arguments... arguments) {
  if (set == instruction_set::avx512) {
    run_avx512<Kernel>(arguments...);
  } else if (set == instruction_set::avx2) {
    run_avx2<Kernel>(arguments...);
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

/// With the widest set, or the one that was asked for.
template <class Kernel, class... Arguments>
void run_widest(Arguments... arguments) {
  run_with<Kernel>(chosen_instruction_set(), arguments...);
}

}  // inline namespace

}  // namespace qgrain::detail

#endif
