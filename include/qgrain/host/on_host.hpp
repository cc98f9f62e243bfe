// Where a bulk operation runs: on this machine's processors.
#ifndef QGRAIN_HOST_ON_HOST_HPP
#define QGRAIN_HOST_ON_HOST_HPP

#include <qgrain/host/task_runner.hpp>

namespace qgrain {

/// The first argument of every bulk operation. The bits of the result do not depend on it. A task_runner converts to
/// it: `quantize<Q>(on_host{}, ...)` works on the calling thread, `quantize<Q>(pool, ...)` on those of a thread_pool,
/// which must live as long and not be in use. No operation starts threads of its own.
class on_host {
 public:
  constexpr on_host() noexcept = default;
  constexpr on_host(task_runner& runner) noexcept : runner_(&runner) {}
  /// For one call: `quantize<Q>(thread_pool(4), ...)`.
  constexpr on_host(task_runner&& runner) noexcept : runner_(&runner) {}

  /// A null pointer: the calling thread.
  [[nodiscard]] constexpr task_runner* runner() const noexcept { return runner_; }

 private:
  task_runner* runner_ = nullptr;
};

namespace detail {

/// body(runner) with the threads of the call.
template <class Body>
void with_runner(const on_host& where, const Body& body) {
  if (where.runner() != nullptr) return body(*where.runner());
  caller_thread caller;
  body(caller);
}

}  // namespace detail

}  // namespace qgrain

#endif
