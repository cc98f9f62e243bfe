// Where a bulk operation runs: on this machine's processors.
#ifndef QGRAIN_HOST_ON_HOST_HPP
#define QGRAIN_HOST_ON_HOST_HPP

#include <qgrain/host/parallel.hpp>

namespace qgrain {

/// The first argument of every bulk operation. The bits of the result do not depend on it.
struct on_host {
  int threads = 1;              ///< threads started for this call alone; 1 uses the caller's
  thread_pool* pool = nullptr;  ///< the caller's pool, used instead where given; it must not be in use
};

namespace detail {

/// body(pool) with the pool of the call.
template <class Body>
void with_pool(const on_host& where, const Body& body) {
  if (where.pool != nullptr) return body(*where.pool);
  thread_pool own(where.threads);
  body(own);
}

}  // namespace detail

}  // namespace qgrain

#endif
