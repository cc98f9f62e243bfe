// Comparisons of a recipe's kernels with the host, as cases of the GPU suite.
#ifndef QGRAIN_TESTS_CUDA_DEVICE_CASES_CUH
#define QGRAIN_TESTS_CUDA_DEVICE_CASES_CUH

#include <support/kernel_checks.hpp>

#include <cuda/device_backend.cuh>
#include <cuda/kernel_suite.hpp>

#include <string>
#include <vector>

namespace qgrain_test {

template <class Q, class T>
std::string compare_on_device(qgrain::index_t dense) {
  device_backend backend;
  return compare_shapes<Q, T>(backend, dense);
}

/// One case per input type; in a check of compiling, one for each width.
template <class Q>
void add_cases(std::vector<suite_case>& cases, const std::string& name) {
  cases.push_back({name + ", f32", &compare_on_device<Q, float>});
  cases.push_back({name + ", bf16", &compare_on_device<Q, qgrain::bfloat16>});
#ifndef QGRAIN_COMPILE_CHECK
  cases.push_back({name + ", f16", &compare_on_device<Q, qgrain::float16>});
#endif
}

}  // namespace qgrain_test

#endif
