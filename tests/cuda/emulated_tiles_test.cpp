// The kernels on an emulated device against the host, bit for bit: tiles of several rows.
#include <support/inputs.hpp>
#include <support/slice_recipes.hpp>

#include <qgrain/scale/affine.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_checks.hpp>

using namespace qgrain_test;

BOOST_AUTO_TEST_CASE(fp8_128x128_has_the_bits_of_the_host) { check_recipe<fp8_128x128>(); }
BOOST_AUTO_TEST_CASE(int4_16x24_has_the_bits_of_the_host) { check_shapes<int4_16x24, qgrain::bfloat16>(120); }
BOOST_AUTO_TEST_CASE(int8_3x5_has_the_bits_of_the_host) { check_shapes<int8_3x5, float>(60); }
BOOST_AUTO_TEST_CASE(tiles_with_zero_points_see_both_sides_of_the_range) {
  check_shapes<qgrain::quantizer<qgrain::uint8, qgrain::per_tile<40, 64>, qgrain::minmax_f32>, float>(70);
}
