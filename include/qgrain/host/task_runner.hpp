// What bulk operations ask of threads: an interface that thread_pool has, and that an engine's own threads can be
// given.
#ifndef QGRAIN_HOST_TASK_RUNNER_HPP
#define QGRAIN_HOST_TASK_RUNNER_HPP

#include <cstdint>
#include <type_traits>

namespace qgrain {

/// Runs tasks that are known by their number. thread_pool (parallel.hpp) is one; an adapter to threads that are there
/// already (OpenMP, TBB, an engine's pool) derives from it and is passed in its place.
///
/// `run(tasks, body)` calls `body(task)` once for each task in [0, tasks) and returns when all are done, in any order
/// and on any threads; what the bodies have written is seen by the caller then. Bodies of the library's operations
/// depend on their task alone, so that bits do not depend on the runner.
class task_runner {
 public:
  /// How many tasks may run at the same time, at least 1.
  [[nodiscard]] virtual int threads() const noexcept = 0;

  template <class Body>
  void run(std::int64_t tasks, Body&& body) {
    if (tasks == 1) {
      body(std::int64_t{0});
    } else if (tasks > 1) {
      run_tasks(
          tasks,
          [](void* context, std::int64_t task) { (*static_cast<std::remove_reference_t<Body>*>(context))(task); },
          const_cast<void*>(static_cast<const void*>(&body)));
    }
  }

 protected:
  task_runner() = default;
  task_runner(const task_runner&) = default;
  task_runner& operator=(const task_runner&) = default;
  ~task_runner() = default;

  /// call(context, task) for each of two tasks or more. An exception of a call reaches the caller of `run`.
  virtual void run_tasks(std::int64_t tasks, void (*call)(void* context, std::int64_t task), void* context) = 0;
};

/// The calling thread, task by task.
class caller_thread final : public task_runner {
 public:
  [[nodiscard]] int threads() const noexcept override { return 1; }

 private:
  void run_tasks(std::int64_t tasks, void (*call)(void*, std::int64_t), void* context) override {
    for (std::int64_t task = 0; task < tasks; ++task) call(context, task);
  }
};

/// Splits [0, count) into chunks of `chunk` (the last may be shorter) and calls `body(begin, end)` for each. The chunks
/// depend on count and chunk only, never on the number of threads.
template <class Body>
void for_each_chunk(task_runner& runner, std::int64_t count, std::int64_t chunk, Body&& body) {
  runner.run((count + chunk - 1) / chunk, [&](std::int64_t task) {
    const std::int64_t begin = task * chunk;
    body(begin, count - begin < chunk ? count : begin + chunk);
  });
}

}  // namespace qgrain

#endif
