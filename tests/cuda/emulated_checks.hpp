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

/// Every shape, from input of 32 and of 16 bits; where each access is checked, of 16. (f16 differs from bf16 in how one
/// value is widened: a recipe of each kind of kernel.)
template <class Q>
void check_recipe() {
  check_shapes<Q, qgrain::bfloat16>(300);
#ifndef QGRAIN_SANITIZED
  check_shapes<Q, float>(300);
#endif
}

}  // namespace qgrain_test

#endif
