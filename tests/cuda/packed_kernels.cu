// Packed codes, laid-out scales and static quantization on a GPU against the host.
#include <support/packed_kernel_checks.hpp>
#include <support/packed_recipes.hpp>

#include <cuda/device_backend.cuh>
#include <cuda/kernel_suite.hpp>

namespace qgrain_test {
namespace {

template <class Q, class Layout, class T>
std::string packed_on_device(qgrain::index_t) {
  device_backend backend;
  return compare_packed_shapes<Q, Layout, T>(backend);
}
template <class Q, class T>
std::string static_on_device(qgrain::index_t) {
  device_backend backend;
  return compare_static_shapes<Q, T>(backend);
}

}  // namespace

std::vector<suite_case> packed_cases() {
  using qgrain::bfloat16;
  using qgrain::row_major;
  return {{"packed int3 groups, f32", &packed_on_device<int3_groups, row_major, float>},
          {"packed int3 groups, bf16", &packed_on_device<int3_groups, row_major, bfloat16>},
          {"packed int5 rows, f32", &packed_on_device<int5_rows, row_major, float>},
          {"packed fp6 columns, f32", &packed_on_device<fp6_columns, row_major, float>},
          {"packed int7 tensor, bf16", &packed_on_device<int7_tensor, row_major, bfloat16>},
          {"nvfp4 in 128x4 tiles, bf16", &packed_on_device<nvfp4_packed, qgrain::scale_tiles_128x4, bfloat16>},
          {"fp8 transposed scales, bf16", &packed_on_device<fp8_groups, qgrain::transposed, bfloat16>},
          {"static fp8 groups, bf16", &static_on_device<fp8_groups, bfloat16>},
          {"static int5 rows, f32", &static_on_device<int5_rows, float>},
          {"static fp6 columns, f32", &static_on_device<fp6_columns, float>},
          {"static int7 tensor, bf16", &static_on_device<int7_tensor, bfloat16>},
          {"static nvfp4, bf16", &static_on_device<nvfp4_packed, bfloat16>},
          {"static uint8 rows, f32", &static_on_device<asymmetric_rows, float>}};
}

}  // namespace qgrain_test
