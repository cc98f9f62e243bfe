// int8 under one given scale, which every peer that is linked or timed elsewhere has: its rows in words.
#ifndef QGRAIN_BENCH_KERNELS_INT8_PEER_HPP
#define QGRAIN_BENCH_KERNELS_INT8_PEER_HPP

#include <kernels/kernel.hpp>

namespace qgrain::bench {

[[nodiscard]] inline kernel int8_peer_quantize(const char* by) {
  kernel k;
  k.by = by;
  k.work = "quantize_static";
  k.recipe = "int8/per_tensor";
  k.element = "f32";
  k.scale = "given f32";
  k.layout = "one code a byte";
  k.rank = in_default_run::everywhere;
  k.bytes = [](shape2d s) { return traffic{s.elements() * 4, s.elements()}; };
  return k;
}

[[nodiscard]] inline kernel int8_peer_dequantize(const char* by) {
  kernel k = int8_peer_quantize(by);
  k.work = "dequantize";
  k.bytes = [](shape2d s) { return traffic{s.elements(), s.elements() * 4}; };
  return k;
}

}  // namespace qgrain::bench

#endif
