// int8 per tensor, channel of either axis and token.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

namespace qgrain::bench {

void add_int8(kernel_list& kernels) {
  using tensor = quantizer<int8, per_tensor>;
  using token = quantizer<int8, per_token>;
  using out_channel = quantizer<int8, per_channel<0>>;
  using in_channel = quantizer<int8, per_channel<1>>;
  constexpr auto small = in_default_run::in_l2;
  constexpr auto every = in_default_run::everywhere;
  constexpr auto given = range_use::given;

  kernels.push_back(quantize_kernel<tensor>());
  kernels.push_back(quantize_kernel<tensor, bfloat16>());
  kernels.push_back(quantize_kernel<tensor>(every, given));
  kernels.push_back(quantize_kernel<tensor, bfloat16>(small, given));
  kernels.push_back(quantize_with_scales_kernel<tensor>());
  kernels.push_back(dequantize_kernel<tensor>(every));
  kernels.push_back(dequantize_kernel<tensor, bfloat16>());
  kernels.push_back(fake_quantize_kernel<tensor>());
  kernels.push_back(fake_quantize_kernel<tensor>(small, given));

  kernels.push_back(quantize_kernel<token>(every));
  kernels.push_back(quantize_kernel<token, bfloat16>());
  kernels.push_back(dequantize_kernel<token>());
  kernels.push_back(fake_quantize_kernel<token>(every));
  kernels.push_back(fake_quantize_kernel<token, bfloat16>());
  kernels.push_back(quantize_kernel<ct_int8_asymmetric>());
  kernels.push_back(dequantize_kernel<ct_int8_asymmetric>());

  kernels.push_back(quantize_kernel<out_channel>());
  kernels.push_back(quantize_with_scales_kernel<out_channel>());
  kernels.push_back(dequantize_kernel<out_channel>());
  kernels.push_back(quantize_kernel<in_channel>());
  kernels.push_back(quantize_kernel<in_channel>(small, given));
  kernels.push_back(dequantize_kernel<in_channel>());
  kernels.push_back(fake_quantize_kernel<in_channel>());
}

}  // namespace qgrain::bench
