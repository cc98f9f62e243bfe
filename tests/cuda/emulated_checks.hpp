// The kernels of a recipe on an emulated device against the host.
#ifndef QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP
#define QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP

#include <support/kernel_checks.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

namespace qgrain_test {

// All numbers of columns up to this one; fewer where each access is checked.
#ifdef QGRAIN_SANITIZED
inline constexpr qgrain::index_t dense_columns = 20;
#else
inline constexpr qgrain::index_t dense_columns = 300;
#endif

/// Every shape and input type.
template <class Q>
void check_recipe() {
  emulated_backend backend;
  BOOST_TEST((compare_shapes<Q, float>(backend, dense_columns)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::bfloat16>(backend, dense_columns)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::float16>(backend, dense_columns)) == "");
}

}  // namespace qgrain_test

#endif
