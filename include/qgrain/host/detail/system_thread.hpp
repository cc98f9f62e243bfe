// One thread of the operating system. <thread> brings the streams, clocks and stop tokens of the standard library, a
// tenth of what every user of this library would compile.
#ifndef QGRAIN_HOST_DETAIL_SYSTEM_THREAD_HPP
#define QGRAIN_HOST_DETAIL_SYSTEM_THREAD_HPP

#include <qgrain/core/config.hpp>

#if __has_include(<pthread.h>)
#include <pthread.h>
#include <sched.h>

#include <cstdlib>
#include <system_error>
#else
#include <thread>
#endif

namespace qgrain::detail {

#if __has_include(<pthread.h>)

/// A thread that runs from `start` to `join`.
class system_thread {
 public:
  /// function(context) on a thread of its own; what it throws ends the program.
  /// @throws std::system_error where the system refuses; without exceptions that ends the program
  void start(void* (*function)(void*), void* context) {
    const int refusal = pthread_create(&handle_, nullptr, function, context);
    running_ = refusal == 0;
    if (running_) return;
#if QGRAIN_HAS_EXCEPTIONS
    throw std::system_error(refusal, std::generic_category());
#else
    std::abort();
#endif
  }

  /// Waits for its end; nothing where it was not started.
  void join() noexcept {
    if (running_) pthread_join(handle_, nullptr);
    running_ = false;
  }

 private:
  pthread_t handle_{};
  bool running_ = false;
};

inline void yield_processor() noexcept { sched_yield(); }

#else

class system_thread {
 public:
  void start(void* (*function)(void*), void* context) { thread_ = std::thread(function, context); }
  void join() noexcept {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::thread thread_;
};

inline void yield_processor() noexcept { std::this_thread::yield(); }

#endif

}  // namespace qgrain::detail

#endif
