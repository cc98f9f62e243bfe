// One repetition of a row, with memcpy in turns.
#ifndef QGRAIN_BENCH_KERNELS_MEASURE_HPP
#define QGRAIN_BENCH_KERNELS_MEASURE_HPP

#include <kernels/kernel.hpp>
#include <kernels/result.hpp>
#include <kernels/tensors.hpp>

#include <benchmark/benchmark.h>

#include <optional>

namespace qgrain::bench {

/// Keeps the tensors of one footprint, as rows of the same one follow each other.
class tensor_store {
 public:
  [[nodiscard]] tensors& of(footprint size);
  /// The next ones are new: where their pages lie in a cache is part of the noise.
  void forget() noexcept { held_.reset(); }

 private:
  std::optional<tensors> held_;
};

/// Rounds of at least this many for a repetition; where data lies in the second-level cache --benchmark_min_time asks
/// for as many as it takes. 0 there.
[[nodiscard]] int rounds_of(footprint size) noexcept;

/// Each round times some calls of memcpy, then some of the work. The times become counters of the state.
void measure(benchmark::State& state, const kernel_row& row, tensor_store& store);

/// The repetition that those counters hold.
[[nodiscard]] repetition repetition_of(const benchmark::UserCounters& counters);

}  // namespace qgrain::bench

#endif
