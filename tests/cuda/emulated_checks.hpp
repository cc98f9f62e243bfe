// The kernels of a recipe on an emulated device against the host.
#ifndef QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP
#define QGRAIN_TESTS_CUDA_EMULATED_CHECKS_HPP

#include <support/kernel_checks.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

namespace qgrain_test {

/// Every shape and input type.
template <class Q>
void check_recipe() {
  emulated_backend backend;
  BOOST_TEST((compare_shapes<Q, float>(backend)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::bfloat16>(backend)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::float16>(backend)) == "");
}

}  // namespace qgrain_test

#endif
