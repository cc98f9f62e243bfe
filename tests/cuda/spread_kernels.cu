// Kernels on a GPU against the host, bit for bit.
#include <support/slice_recipes.hpp>

#include <cuda/device_cases.cuh>

namespace qgrain_test {

std::vector<suite_case> spread_cases() {
  std::vector<suite_case> cases;
  add_cases<int8_tensor>(cases, "int8_tensor");
  add_cases<int8_column>(cases, "int8_column");
  add_cases<nvfp4>(cases, "nvfp4");
  add_cases<fp8_128x128>(cases, "fp8_128x128");
  add_cases<int4_16x24>(cases, "int4_16x24");
  add_cases<int8_3x5>(cases, "int8_3x5");
  return cases;
}

}  // namespace qgrain_test
