// Where a bulk operation runs: on a CUDA stream.
#ifndef QGRAIN_CUDA_ON_STREAM_CUH
#define QGRAIN_CUDA_ON_STREAM_CUH

#include <cuda_runtime_api.h>

namespace qgrain {

/// The first argument of every bulk operation on a GPU. Work is queued on `stream`, which must belong to the current
/// device (errc::invalid_argument, both named, where it does not), and nobody waits for it. The bits of the result are
/// those of `on_host`.
struct on_stream {
  cudaStream_t stream = nullptr;
};

}  // namespace qgrain

#endif
