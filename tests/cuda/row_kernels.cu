// Kernels on a GPU against the host, bit for bit.
#include <support/slice_recipes.hpp>

#include <cuda/device_cases.cuh>

namespace qgrain_test {

std::vector<suite_case> row_cases() {
  std::vector<suite_case> cases;
  add_cases<int8_token>(cases, "int8_token");
  add_cases<int8_channel>(cases, "int8_channel");
  add_cases<fp8_token>(cases, "fp8_token");
  return cases;
}

}  // namespace qgrain_test
