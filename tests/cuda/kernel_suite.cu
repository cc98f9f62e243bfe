// The GPU suite: every kernel of include/qgrain/cuda on a device, against the host. Argument: all numbers of columns up
// to it are tried (300). Exit codes: 0 all agree, 1 not, 77 no GPU (what needs none has been checked then).
#include <cuda/kernel_suite.hpp>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace {

constexpr int skipped = 77;

int faulty = 0;

void report(const std::string& name, const std::string& faults) {
  std::printf("%-28s %s\n", name.c_str(), faults.empty() ? "equal" : faults.c_str());
  if (!faults.empty()) ++faulty;
}

void run(const std::vector<qgrain_test::suite_case>& cases, qgrain::index_t dense) {
  for (const auto& one : cases) {
    try {
      report(one.name, one.run(dense));
    } catch (const std::exception& e) {
      report(one.name, e.what());
    }
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  using namespace qgrain_test;
  const qgrain::index_t dense = count > 1 ? std::atoi(arguments[1]) : 300;
  report("refusals", check_refusals());
  int devices = 0;
  const cudaError_t probe = cudaGetDeviceCount(&devices);
  if (probe != cudaSuccess || devices == 0) {
    report("refusal without a GPU", check_missing_device());
    std::printf("skipped: no GPU (%s)\n", probe == cudaSuccess ? "none found" : cudaGetErrorString(probe));
    return faulty == 0 ? skipped : 1;
  }
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, 0) == cudaSuccess) {
    std::printf("%s, compute capability %d.%d\n", properties.name, properties.major, properties.minor);
  }
  run(row_cases(), dense);
  run(group_cases(), dense);
  run(spread_cases(), dense);
  run(stream_cases(), dense);
  run(packed_cases(), dense);
  run(stack_cases(), dense);
  std::printf("%d with faults\n", faulty);
  return faulty == 0 ? 0 : 1;
}
