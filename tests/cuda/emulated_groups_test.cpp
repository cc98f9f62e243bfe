// The kernels on an emulated device against the host, bit for bit.
#include <support/inputs.hpp>
#include <support/slice_recipes.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_checks.hpp>

using namespace qgrain_test;

BOOST_AUTO_TEST_CASE(fp8_1x128_has_the_bits_of_the_host) { check_recipe<fp8_1x128>(); }
BOOST_AUTO_TEST_CASE(int4_g128_has_the_bits_of_the_host) { check_recipe<int4_g128>(); }
BOOST_AUTO_TEST_CASE(mxfp4_has_the_bits_of_the_host) { check_recipe<mxfp4>(); }
BOOST_AUTO_TEST_CASE(int4_g48_has_the_bits_of_the_host) { check_recipe<int4_g48>(); }
#ifndef QGRAIN_SANITIZED
BOOST_AUTO_TEST_CASE(mxfp4_of_f16_has_the_bits_of_the_host) { check_shapes<mxfp4, qgrain::float16>(300); }
#endif
