// MXFP8, MXFP6 and MXINT8.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/recipes.hpp>

namespace qgrain::bench {

void add_microscaling(kernel_list& kernels) {
  constexpr auto every = in_default_run::everywhere;
  kernels.push_back(quantize_kernel<mxfp8_e4m3_ocp>(every));
  kernels.push_back(quantize_kernel<mxfp8_e4m3_ocp, bfloat16>());
  kernels.push_back(quantize_packed_kernel<mxfp8_e4m3_ocp, float, scale_tiles_128x4>());
  kernels.push_back(dequantize_kernel<mxfp8_e4m3_ocp>());
  kernels.push_back(dequantize_packed_kernel<mxfp8_e4m3_ocp, float, scale_tiles_128x4>());
  kernels.push_back(fake_quantize_kernel<mxfp8_e4m3_ocp>());
  kernels.push_back(quantize_kernel<mxfp8_e5m2_ocp>());
  kernels.push_back(dequantize_kernel<mxfp8_e5m2_ocp>());

  kernels.push_back(quantize_packed_kernel<mxfp6_e2m3_ocp>());
  kernels.push_back(dequantize_packed_kernel<mxfp6_e2m3_ocp>());
  kernels.push_back(quantize_packed_kernel<mxfp6_e3m2_ocp>());
  kernels.push_back(dequantize_packed_kernel<mxfp6_e3m2_ocp>());

  kernels.push_back(quantize_kernel<mxint8_rceil>());
  kernels.push_back(dequantize_kernel<mxint8_rceil>());
}

}  // namespace qgrain::bench
