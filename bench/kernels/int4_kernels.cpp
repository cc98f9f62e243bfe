// int4 in groups of 128, symmetric and asymmetric, and the levels of nf4 in groups of 64.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/format/codebook.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

namespace qgrain::bench {

void add_int4(kernel_list& kernels) {
  using symmetric = quantizer<int4, per_group<128>>;
  using levels = quantizer<nf4, per_group<64>>;
  constexpr auto every = in_default_run::everywhere;

  kernels.push_back(quantize_kernel<symmetric>());
  kernels.push_back(quantize_packed_kernel<symmetric>(every));
  kernels.push_back(quantize_packed_kernel<symmetric, bfloat16>());
  kernels.push_back(dequantize_kernel<symmetric>());
  kernels.push_back(dequantize_packed_kernel<symmetric>(every));
  kernels.push_back(dequantize_packed_kernel<symmetric, bfloat16>());
  kernels.push_back(fake_quantize_kernel<symmetric>());

  kernels.push_back(quantize_packed_kernel<ct_int4_asymmetric>());
  kernels.push_back(dequantize_packed_kernel<ct_int4_asymmetric>());
  kernels.push_back(fake_quantize_kernel<ct_int4_asymmetric>());

  kernels.push_back(quantize_packed_kernel<levels>());
  kernels.push_back(dequantize_packed_kernel<levels>());
  kernels.push_back(fake_quantize_kernel<levels>());
}

}  // namespace qgrain::bench
