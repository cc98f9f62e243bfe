// The kernels on an emulated device against the host, bit for bit.
#include <support/inputs.hpp>
#include <support/slice_recipes.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_checks.hpp>

using namespace qgrain_test;

BOOST_AUTO_TEST_CASE(int8_tensor_has_the_bits_of_the_host) { check_recipe<int8_tensor>(); }
BOOST_AUTO_TEST_CASE(int8_column_has_the_bits_of_the_host) { check_recipe<int8_column>(); }
BOOST_AUTO_TEST_CASE(nvfp4_has_the_bits_of_the_host) { check_recipe<nvfp4>(); }
#ifndef QGRAIN_SANITIZED
BOOST_AUTO_TEST_CASE(nvfp4_of_f16_has_the_bits_of_the_host) { check_shapes<nvfp4, qgrain::float16>(300); }
#endif
