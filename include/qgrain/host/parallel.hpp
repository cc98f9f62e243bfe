// Threads for the host backend: a pool that the caller owns.
#ifndef QGRAIN_HOST_PARALLEL_HPP
#define QGRAIN_HOST_PARALLEL_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/host/detail/system_thread.hpp>
#include <qgrain/host/task_runner.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <vector>

namespace qgrain {

/// A fixed set of worker threads, owned by the caller. The calling thread works too, so a pool of one has no workers.
///
/// Which thread takes a task of `run` varies from run to run. If bodies throw, `run` rethrows the exception of the
/// smallest task number. Not for calls from within a body, nor from two threads at once.
class thread_pool final : public task_runner {
 public:
  /// @throws std::system_error where the system refuses a thread; those that it had given have ended then. Without
  /// exceptions that ends the program.
  explicit thread_pool(int threads) {
#if QGRAIN_HAS_EXCEPTIONS
    try {
      start(threads);
    } catch (...) {
      stop();
      throw;
    }
#else
    start(threads);
#endif
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() { stop(); }

  [[nodiscard]] int threads() const noexcept override { return static_cast<int>(workers_.size()) + 1; }

 private:
  static constexpr int spin_limit = 4000;

  void run_tasks(std::int64_t tasks, void (*call)(void*, std::int64_t), void* context) override {
    if (workers_.empty()) {
      for (std::int64_t task = 0; task < tasks; ++task) call(context, task);
      return;
    }
    call_ = call;
    context_ = context;
    tasks_ = tasks;
    failed_task_ = tasks;
    failure_ = nullptr;
    next_.store(0, std::memory_order_relaxed);
    busy_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    wake();
    work();
    for (int spins = 0; busy_.load(std::memory_order_acquire) != 0; ++spins) {
      if (spins > spin_limit) detail::yield_processor();
    }
    if (failure_) std::rethrow_exception(failure_);
  }

  void start(int threads) {
    workers_ = std::vector<detail::system_thread>(static_cast<std::size_t>(threads > 1 ? threads - 1 : 0));
    for (detail::system_thread& worker : workers_) worker.start(&serve_pool, this);
  }

  void stop() noexcept {
    stopping_ = true;
    wake();
    for (detail::system_thread& worker : workers_) worker.join();
  }

  /// A new generation, with what was written before it, to every worker.
  void wake() noexcept {
    generation_.fetch_add(1);  // before the look for sleepers in notify_all, hence not release alone
    generation_.notify_all();
  }

  void work() {
    for (;;) {
      const std::int64_t task = next_.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks_) return;
#if QGRAIN_HAS_EXCEPTIONS
      try {
        call_(context_, task);
      } catch (...) {
        while (failing_.test_and_set(std::memory_order_acquire)) failing_.wait(true, std::memory_order_relaxed);
        if (task < failed_task_) {
          failed_task_ = task;
          failure_ = std::current_exception();
        }
        failing_.clear(std::memory_order_release);
        failing_.notify_one();
      }
#else
      call_(context_, task);
#endif
    }
  }

  static void* serve_pool(void* pool) noexcept {
    static_cast<thread_pool*>(pool)->serve();
    return nullptr;
  }

  void serve() {
    // Never more than one behind: `run` waits for every worker before the next generation.
    for (std::uint32_t seen = 0;; ++seen) {
      for (int spins = 0; spins < spin_limit && generation_.load(std::memory_order_acquire) == seen; ++spins) {
      }
      generation_.wait(seen, std::memory_order_acquire);
      if (stopping_) return;
      work();
      busy_.fetch_sub(1, std::memory_order_release);
    }
  }

  std::vector<detail::system_thread> workers_;
  std::atomic_flag failing_;                  // held while a failure is written down
  std::atomic<std::uint32_t> generation_{0};  // 4 bytes: what a system lets threads wait for without a lock
  std::atomic<int> busy_{0};
  std::atomic<std::int64_t> next_{0};
  std::int64_t tasks_ = 0;
  void (*call_)(void*, std::int64_t) = nullptr;
  void* context_ = nullptr;
  std::int64_t failed_task_ = 0;
  std::exception_ptr failure_;
  bool stopping_ = false;
};

}  // namespace qgrain

#endif
