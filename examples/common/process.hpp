// What the operating system knows about this process.
#ifndef QGRAIN_COMMON_PROCESS_HPP
#define QGRAIN_COMMON_PROCESS_HPP

#include <cstdint>

namespace qgrain::common {

/// The largest resident memory of the process so far, in bytes; 0 where the system does not tell.
[[nodiscard]] std::int64_t peak_resident_bytes();

/// Keeps OpenBLAS on the calling thread: the program's own threads share the work out. A setting of the whole process.
void use_one_blas_thread();

}  // namespace qgrain::common

#endif
