// The kernels on an emulated device against the host, bit for bit.
#include <support/inputs.hpp>
#include <support/slice_recipes.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_checks.hpp>

using namespace qgrain_test;

BOOST_AUTO_TEST_CASE(int8_token_has_the_bits_of_the_host) { check_recipe<int8_token>(); }
BOOST_AUTO_TEST_CASE(int8_channel_has_the_bits_of_the_host) { check_recipe<int8_channel>(); }
BOOST_AUTO_TEST_CASE(fp8_token_has_the_bits_of_the_host) { check_recipe<fp8_token>(); }
#ifndef QGRAIN_SANITIZED
BOOST_AUTO_TEST_CASE(int8_token_of_f16_has_the_bits_of_the_host) { check_shapes<int8_token, qgrain::float16>(300); }
#endif
