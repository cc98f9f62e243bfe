// What the parts of the GPU suite have in common. Needs the CUDA toolkit and this repository, nothing else.
#ifndef QGRAIN_TESTS_CUDA_KERNEL_SUITE_HPP
#define QGRAIN_TESTS_CUDA_KERNEL_SUITE_HPP

#include <qgrain/core/matrix_view.hpp>

#include <string>
#include <vector>

namespace qgrain_test {

/// A check by name; the result is empty or says what is wrong. `dense`: all numbers of columns up to it are tried.
struct suite_case {
  std::string name;
  std::string (*run)(qgrain::index_t dense);
};

[[nodiscard]] std::vector<suite_case> row_cases();
[[nodiscard]] std::vector<suite_case> group_cases();
[[nodiscard]] std::vector<suite_case> spread_cases();
[[nodiscard]] std::vector<suite_case> stream_cases();
[[nodiscard]] std::vector<suite_case> packed_cases();
[[nodiscard]] std::vector<suite_case> stack_cases();

/// Calls that are refused, with memory that no kernel ever sees; needs no GPU.
[[nodiscard]] std::string check_refusals();
/// A call that could work, where there is no GPU: errc::cuda_failure and CUDA's own words.
[[nodiscard]] std::string check_missing_device();

}  // namespace qgrain_test

#endif
