// What cuda_bench.cu times, as rows that say which bytes a device would move: this program is built without nvcc.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <filesystem>
#include <string>

namespace qgrain::bench {
namespace {

template <quantizer_type Q>
void add_device(kernel_list& kernels, const std::string& absent) {
  kernel k = detail::described<Q, bfloat16>("quantize_packed", in_default_run::in_l2);
  k.by = "cuda";
  k.layout = detail::dense_layout<Q, row_major>();
  k.absent = absent;
  k.takes_threads = false;
  k.bytes = [](shape2d s) { return traffic{s.elements() * 2, detail::dense_bytes<Q, row_major>(s)}; };
  kernels.push_back(k);
}

}  // namespace

void add_cuda(kernel_list& kernels) {
  const bool is_there = std::filesystem::exists("/dev/nvidiactl");
  const std::string absent = is_there ? "GPU: scripts/gpu_check times it" : "no GPU here";
  add_device<quantizer<int8, per_token>>(kernels, absent);
  add_device<quantizer<int4, per_group<128>>>(kernels, absent);
  add_device<quantizer<float8_e4m3fn, per_token>>(kernels, absent);
  add_device<mxfp8_e4m3_ocp>(kernels, absent);
  add_device<mxfp4_ocp>(kernels, absent);
  add_device<nvfp4_modelopt>(kernels, absent);
}

}  // namespace qgrain::bench
