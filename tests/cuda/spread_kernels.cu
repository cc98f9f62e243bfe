// Kernels on a GPU against the host, bit for bit.
#include <support/kernel_checks.hpp>
#include <support/slice_recipes.hpp>

#include "device_backend.cuh"
#include "kernel_suite.hpp"

namespace qgrain_test {

namespace {

template <class Q, class T>
std::string compare(qgrain::index_t dense) {
  device_backend backend;
  return compare_shapes<Q, T>(backend, dense);
}

template <class Q>
void add_cases(std::vector<suite_case>& cases, const std::string& name) {
  cases.push_back({name + ", f32", &compare<Q, float>});
  cases.push_back({name + ", bf16", &compare<Q, qgrain::bfloat16>});
  cases.push_back({name + ", f16", &compare<Q, qgrain::float16>});
}

}  // namespace

std::vector<suite_case> spread_cases() {
  std::vector<suite_case> cases;
  add_cases<int8_tensor>(cases, "int8_tensor");
  add_cases<int8_column>(cases, "int8_column");
  add_cases<nvfp4>(cases, "nvfp4");
  return cases;
}

}  // namespace qgrain_test
