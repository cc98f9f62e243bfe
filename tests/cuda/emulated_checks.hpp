// The kernels of a recipe on an emulated device against the host.
#ifndef QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP
#define QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP

#include <support/kernel_checks.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

#include <algorithm>

namespace qgrain_test {

/// One input type; where each access is checked, which is slow, fewer and smaller matrices.
template <class Q, class T>
void check_shapes(qgrain::index_t dense) {
  emulated_backend backend;
#ifdef QGRAIN_SANITIZED
  BOOST_TEST((compare_shapes<Q, T>(backend, std::min<qgrain::index_t>(dense, 20), 10'000)) == "");
#else
  BOOST_TEST((compare_shapes<Q, T>(backend, dense)) == "");
#endif
}

/// Every shape and input type; where each access is checked, one type.
template <class Q>
void check_recipe() {
  check_shapes<Q, qgrain::bfloat16>(300);
#ifndef QGRAIN_SANITIZED
  check_shapes<Q, float>(300);
  check_shapes<Q, qgrain::float16>(300);
#endif
}

}  // namespace qgrain_test

#endif
