#include <common/process.hpp>

#include <cblas.h>

#include <fstream>
#include <string>

namespace qgrain::common {

std::int64_t peak_resident_bytes() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    std::int64_t kibibytes = 0;
    if (word == "VmHWM:" && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

void use_one_blas_thread() { openblas_set_num_threads(1); }

}  // namespace qgrain::common
