// The kernels on an emulated device against the host, bit for bit.
#include <support/inputs.hpp>
#include <support/kernel_checks.hpp>
#include <support/slice_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include "emulated_backend.hpp"

using namespace qgrain_test;

namespace {

template <class Q>
void check_recipe() {
  emulated_backend backend;
  BOOST_TEST((compare_shapes<Q, float>(backend)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::bfloat16>(backend)) == "");
  BOOST_TEST((compare_shapes<Q, qgrain::float16>(backend)) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(fp8_1x128_has_the_bits_of_the_host) { check_recipe<fp8_1x128>(); }
BOOST_AUTO_TEST_CASE(int4_g128_has_the_bits_of_the_host) { check_recipe<int4_g128>(); }
BOOST_AUTO_TEST_CASE(mxfp4_has_the_bits_of_the_host) { check_recipe<mxfp4>(); }
BOOST_AUTO_TEST_CASE(int4_g48_has_the_bits_of_the_host) { check_recipe<int4_g48>(); }
