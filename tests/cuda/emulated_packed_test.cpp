// Packed codes and laid-out scales from kernels on an emulated device.
#include <support/packed_kernel_checks.hpp>
#include <support/packed_recipes.hpp>

#include <boost/test/unit_test.hpp>
#include <cuda/emulated_backend.hpp>

using namespace qgrain_test;

namespace {

template <class Q, class Layout, class T = float>
void check_packed() {
  emulated_backend backend;
  BOOST_TEST((compare_packed_shapes<Q, Layout, T>(backend)) == "");
}

}  // namespace

BOOST_AUTO_TEST_CASE(codes_of_every_width_are_packed) {
  check_packed<int3_groups, qgrain::row_major>();
#ifndef QGRAIN_SANITIZED  // which is slow to compile and to run
  check_packed<int2_groups, qgrain::row_major>();
  check_packed<int3_groups, qgrain::row_major, qgrain::bfloat16>();
  check_packed<int5_rows, qgrain::row_major>();
  check_packed<int5_rows, qgrain::row_major, qgrain::float16>();
#endif
  check_packed<fp6_columns, qgrain::row_major>();
  check_packed<int7_tensor, qgrain::row_major, qgrain::bfloat16>();
}

BOOST_AUTO_TEST_CASE(scales_are_laid_out) {
  check_packed<nvfp4_packed, qgrain::scale_tiles_128x4, qgrain::bfloat16>();
  check_packed<mxfp4_packed, qgrain::scale_tiles_8x4>();
  check_packed<fp8_groups, qgrain::transposed, qgrain::bfloat16>();
  check_packed<int7_tensor, qgrain::scale_tiles_128x4>();
}
