// ONNX Runtime has no library to link here: its rows say who times it.
#include <kernels/int8_peer.hpp>
#include <kernels/kernel.hpp>

namespace qgrain::bench {

void add_onnxruntime(kernel_list& kernels) {
  for (kernel k : {int8_peer_quantize("onnxruntime"), int8_peer_dequantize("onnxruntime")}) {
    k.rank = in_default_run::in_l2;
    k.absent = "timed by itself: scripts/bench_peers --venv FOLDER";
    kernels.push_back(k);
  }
}

}  // namespace qgrain::bench
