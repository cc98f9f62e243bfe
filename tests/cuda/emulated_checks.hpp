// The kernels of a recipe on an emulated device against the host.
#ifndef QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP
#define QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP

#include <support/kernel_checks.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

namespace qgrain_test {

/// Every shape and input type; where each access is checked, which is slow, one type and fewer shapes.
template <class Q>
void check_recipe() {
  emulated_backend backend;
#ifdef QGRAIN_SANITIZED
  BOOST_TEST((compare_shapes<Q, qgrain::bfloat16>(backend, 20)) == "");
#else
  BOOST_TEST((compare_shapes<Q, float>(backend, 300)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::bfloat16>(backend, 300)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::float16>(backend, 300)) == "");
#endif
}

}  // namespace qgrain_test

#endif
