// MXFP4.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/quantizer/recipes.hpp>

namespace qgrain::bench {

void add_mxfp4(kernel_list& kernels) {
  constexpr auto every = in_default_run::everywhere;
  kernels.push_back(quantize_kernel<mxfp4_ocp>());
  kernels.push_back(quantize_packed_kernel<mxfp4_ocp>(every));
  kernels.push_back(quantize_packed_kernel<mxfp4_ocp, bfloat16>());
  kernels.push_back(dequantize_kernel<mxfp4_ocp>());
  kernels.push_back(dequantize_packed_kernel<mxfp4_ocp>(every));
  kernels.push_back(dequantize_packed_kernel<mxfp4_ocp, bfloat16>());
  kernels.push_back(fake_quantize_kernel<mxfp4_ocp>());
}

}  // namespace qgrain::bench
