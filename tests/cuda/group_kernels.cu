// Kernels on a GPU against the host, bit for bit.
#include <support/slice_recipes.hpp>

#include <cuda/device_cases.cuh>

namespace qgrain_test {

std::vector<suite_case> group_cases() {
  std::vector<suite_case> cases;
  add_cases<fp8_1x128>(cases, "fp8_1x128");
  add_cases<int4_g128>(cases, "int4_g128");
  add_cases<mxfp4>(cases, "mxfp4");
  add_cases<int4_g48>(cases, "int4_g48");
  return cases;
}

}  // namespace qgrain_test
