// NVFP4, with the tensor's scale found from the data or given (`static`), and with scales in matrix-unit tiles.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/recipes.hpp>

namespace qgrain::bench {

void add_nvfp4(kernel_list& kernels) {
  constexpr auto small = in_default_run::in_l2;
  constexpr auto every = in_default_run::everywhere;
  constexpr auto given = range_use::given;
  kernels.push_back(quantize_kernel<nvfp4_modelopt>());
  kernels.push_back(quantize_kernel<nvfp4_modelopt>(small, given));
  kernels.push_back(quantize_packed_kernel<nvfp4_modelopt>());
  kernels.push_back(quantize_packed_kernel<nvfp4_modelopt>(every, given));
  kernels.push_back(quantize_packed_kernel<nvfp4_modelopt, bfloat16>(small, given));
  kernels.push_back(quantize_packed_kernel<nvfp4_modelopt, float, scale_tiles_128x4>(small, given));
  kernels.push_back(dequantize_kernel<nvfp4_modelopt>());
  kernels.push_back(dequantize_packed_kernel<nvfp4_modelopt>(every));
  kernels.push_back(dequantize_packed_kernel<nvfp4_modelopt, bfloat16>());
  kernels.push_back(dequantize_packed_kernel<nvfp4_modelopt, float, scale_tiles_128x4>());
  kernels.push_back(fake_quantize_kernel<nvfp4_modelopt>());
  kernels.push_back(fake_quantize_kernel<nvfp4_modelopt>(small, given));
}

}  // namespace qgrain::bench
