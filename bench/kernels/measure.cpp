#include <kernels/measure.hpp>
#include <support/timing.hpp>

#include <qgrain/host/on_host.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/task_runner.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

namespace qgrain::bench {
namespace {

constexpr const char* ns_counter = "ns_per_element";
constexpr const char* memcpy_counter = "memcpy_ns_per_element";
constexpr const char* ratio_counter = "times_memcpy";

/// Some calls in a row, as many as make a clock's own time not matter, after one that brings the data back into the
/// cache that the alternative has swept.
class repeated_calls {
 public:
  repeated_calls(std::function<void()> body, bool is_cached) : body_(std::move(body)), is_cached_(is_cached) {
    body_();
    constexpr double least_seconds = 1e-4;
    if (is_cached) calls_ = std::clamp(static_cast<int>(std::ceil(least_seconds / seconds_of(body_))), 1, 64);
  }
  [[nodiscard]] double seconds_per_call() const {
    if (is_cached_) body_();
    const double all = seconds_of([this] {
      for (int i = 0; i < calls_; ++i) {
        body_();
        benchmark::ClobberMemory();
      }
    });
    return all / calls_;
  }

 private:
  std::function<void()> body_;
  bool is_cached_;
  int calls_ = 1;
};

/// memcpy of the float32 input in so many parts, shared out among the threads of the runner.
std::function<void()> copy_in_parts(tensors& memory, task_runner& runner, index_t parts) {
  constexpr index_t line = 16;
  const index_t count = memory.shape().elements();
  const index_t part = ceil_div(ceil_div(count, parts), line) * line;
  return [=, &runner, from = memory.input().data, to = memory.output().data] {
    for_each_chunk(runner, count, part, [&](index_t begin, index_t end) {
      std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin) * sizeof(float));
    });
  };
}

/// memcpy by the threads of the runner; of several, in the parts that are fastest: the C library writes past the cache
/// from some size on, which pays for some of them.
std::function<void()> copy_of(tensors& memory, task_runner& runner) {
  std::function<void()> best = copy_in_parts(memory, runner, 1);
  if (runner.threads() == 1) return best;
  constexpr int rounds = 5;
  double least = median_seconds({best}, rounds).front();
  for (const index_t parts_per_thread : {1, 4, 64}) {
    const std::function<void()> copy = copy_in_parts(memory, runner, parts_per_thread * runner.threads());
    const double seconds = median_seconds({copy}, rounds).front();
    if (seconds >= least) continue;
    least = seconds;
    best = copy;
  }
  return best;
}

}  // namespace

tensors& tensor_store::of(footprint size) {
  const shape2d shape = shape_of(size);
  if (!held_ || held_->shape() != shape) {
    held_.reset();  // never two at a time
    held_.emplace(shape);
  }
  return *held_;
}

int rounds_of(footprint size) noexcept { return size == footprint::l2 ? 0 : size == footprint::l3 ? 9 : 3; }

void measure(benchmark::State& state, const kernel_row& row, tensor_store& store) {
  tensors& memory = store.of(row.size);
  thread_pool pool(row.threads);
  const on_host where = row.threads == 1 ? on_host{} : on_host(pool);
  const bool is_cached = row.size != footprint::dram;
  const repeated_calls copy(copy_of(memory, pool), is_cached);
  const repeated_calls work(row.what->prepare(memory, where), is_cached);
  std::vector<double> copies, works, ratios;
  for (auto _ : state) {
    copies.push_back(copy.seconds_per_call());
    works.push_back(work.seconds_per_call());
    ratios.push_back(works.back() / copies.back());
    state.SetIterationTime(works.back());
  }
  const double scale = 1e9 / static_cast<double>(memory.shape().elements());
  state.counters[ns_counter] = median(works) * scale;
  state.counters[memcpy_counter] = median(copies) * scale;
  state.counters[ratio_counter] = median(ratios);
}

repetition repetition_of(const benchmark::UserCounters& counters) {
  return {counters.at(ns_counter).value, counters.at(memcpy_counter).value, counters.at(ratio_counter).value};
}

}  // namespace qgrain::bench
