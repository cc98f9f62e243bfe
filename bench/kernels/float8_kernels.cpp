// E4M3 and E5M2 under float32 scales: per tensor, per token, 1 x 128 and 128 x 128.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/quantizer.hpp>

namespace qgrain::bench {
namespace {

template <class Format, class Granularity>
void add_both_ways(kernel_list& kernels) {
  using q = quantizer<Format, Granularity>;
  kernels.push_back(quantize_kernel<q>());
  kernels.push_back(dequantize_kernel<q>());
}

}  // namespace

void add_float8(kernel_list& kernels) {
  using tensor = quantizer<float8_e4m3fn, per_tensor>;
  using token = quantizer<float8_e4m3fn, per_token>;
  constexpr auto small = in_default_run::in_l2;
  constexpr auto every = in_default_run::everywhere;

  add_both_ways<float8_e4m3fn, per_tensor>(kernels);
  kernels.push_back(quantize_kernel<tensor>(small, range_use::given));
  kernels.push_back(quantize_kernel<token>(every));
  kernels.push_back(quantize_kernel<token, bfloat16>());
  kernels.push_back(dequantize_kernel<token>(every));
  kernels.push_back(dequantize_kernel<token, bfloat16>());
  kernels.push_back(fake_quantize_kernel<token>());
  add_both_ways<float8_e4m3fn, per_group<128>>(kernels);
  add_both_ways<float8_e4m3fn, per_tile<128, 128>>(kernels);

  add_both_ways<float8_e5m2, per_tensor>(kernels);
  add_both_ways<float8_e5m2, per_token>(kernels);
  add_both_ways<float8_e5m2, per_group<128>>(kernels);
  add_both_ways<float8_e5m2, per_tile<128, 128>>(kernels);
}

}  // namespace qgrain::bench
