// ONNX Runtime has no library to link here: its rows say who times it.
#include <kernels/kernel.hpp>

namespace qgrain::bench {

void add_onnxruntime(kernel_list& kernels) {
  kernel there;
  there.by = "onnxruntime";
  there.work = "quantize_static";
  there.recipe = "int8/per_tensor";
  there.element = "f32";
  there.scale = "given f32";
  there.layout = "one code a byte";
  there.absent = "timed by itself: scripts/bench_peers --venv FOLDER";
  there.bytes = [](shape2d s) { return traffic{s.elements() * 4, s.elements()}; };
  kernel back = there;
  back.work = "dequantize";
  back.bytes = [](shape2d s) { return traffic{s.elements(), s.elements() * 4}; };
  kernels.push_back(there);
  kernels.push_back(back);
}

}  // namespace qgrain::bench
