// int8 in groups of 32, 64 and 128.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/quantizer.hpp>

namespace qgrain::bench {
namespace {

template <int Size>
void add_group(kernel_list& kernels) {
  using group = quantizer<int8, per_group<Size>>;
  kernels.push_back(quantize_kernel<group>());
  kernels.push_back(dequantize_kernel<group>());
}

}  // namespace

void add_int8_groups(kernel_list& kernels) {
  add_group<32>(kernels);
  add_group<64>(kernels);
  add_group<128>(kernels);
  using group128 = quantizer<int8, per_group<128>>;
  kernels.push_back(quantize_kernel<group128, bfloat16>());
  kernels.push_back(fake_quantize_kernel<group128>());
}

}  // namespace qgrain::bench
