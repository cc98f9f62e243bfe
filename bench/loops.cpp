// The innermost loops of the host backend as functions of their own, for scripts/loop_costs, which reads the assembly
// that the compiler makes of them. Nothing calls them.
#include <qgrain/qgrain.hpp>

namespace qgrain::bench {

template <class Q>
void quantize_loop(const float* in, typename Q::code_type* out, index_t count,
                   typename Q::element_type::factors_type factors) {
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t i = 0; i < count; ++i) out[i] = Q::element_type::encode(in[i], factors);
}

template <class Q>
void fake_loop(const float* in, float* out, index_t count, typename Q::element_type::factors_type factors) {
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t i = 0; i < count; ++i) out[i] = Q::element_type::fake(in[i], factors);
}

template <class Q>
void dequantize_loop(const typename Q::code_type* in, float* out, index_t count,
                     typename Q::element_type::factors_type factors) {
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t i = 0; i < count; ++i) out[i] = Q::element_type::decode(in[i], factors);
}

template <class T>
void widen_loop(const T* in, float* out, index_t count) {
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t i = 0; i < count; ++i) out[i] = to_float(in[i]);
}

template <class T>
void round_loop(const float* in, T* out, index_t count) {
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t i = 0; i < count; ++i) out[i] = from_float<T>(in[i]);
}

template <class T>
std::int32_t largest_loop(const T* in, index_t count) {
  std::int32_t largest = 0;
  for (index_t i = 0; i < count; ++i) largest = larger_of(largest, magnitude_bits(in[i]));
  return largest;
}

#if defined(__AVX512BW__)
namespace lane_loops = detail::avx512;
#define QGRAIN_LANE_TARGET
#elif defined(__AVX2__)
namespace lane_loops = detail::avx2;
#define QGRAIN_LANE_TARGET __attribute__((target("avx2,fma,f16c")))
#endif

#if defined(QGRAIN_LANE_TARGET)
/// The same over lanes: factors of one group, no NaN, no guess that is made again.
template <class Step, class In, class Out>
QGRAIN_LANE_TARGET void lanes_loop(In in, Out out, index_t count, const detail::group_numbers& factors) {
  const auto shared = lane_loops::held_factors_of(factors, 0);
  for (index_t i = 0; i < count; i += lane_loops::step) {
    using tried = std::conditional_t<Step::guesses, lane_loops::guess_of<Step>, Step>;
    if (!lane_loops::run_step<tried>(in, out, i, shared, factors.has_wide)) return;
  }
}
#endif

using int8_codes = quantizer<int8, per_token, absmax_f32>;
using fp8_codes = quantizer<float8_e4m3fn, per_token, absmax_f32>;
using fp8_e5m2_codes = quantizer<float8_e5m2, per_token, absmax_f32>;
using nf4_codes = quantizer<nf4, per_group<64>, absmax_f32>;

template void quantize_loop<int8_codes>(const float*, std::int8_t*, index_t, scale_factors);
template void quantize_loop<fp8_codes>(const float*, std::uint8_t*, index_t, scale_factors);
template void quantize_loop<fp8_e5m2_codes>(const float*, std::uint8_t*, index_t, scale_factors);
template void quantize_loop<mxfp8_e4m3_ocp>(const float*, std::uint8_t*, index_t, scale_factors);
template void quantize_loop<mxfp6_e2m3_ocp>(const float*, std::uint8_t*, index_t, scale_factors);
template void quantize_loop<mxfp4_ocp>(const float*, std::uint8_t*, index_t, scale_factors);
template void quantize_loop<nvfp4_modelopt>(const float*, std::uint8_t*, index_t, scale_factors);
template void quantize_loop<nf4_codes>(const float*, std::uint8_t*, index_t, scale_factors);

template void fake_loop<int8_codes>(const float*, float*, index_t, scale_factors);
template void fake_loop<fp8_codes>(const float*, float*, index_t, scale_factors);
template void fake_loop<mxfp4_ocp>(const float*, float*, index_t, scale_factors);
template void fake_loop<nvfp4_modelopt>(const float*, float*, index_t, scale_factors);

template void dequantize_loop<int8_codes>(const std::int8_t*, float*, index_t, scale_factors);
template void dequantize_loop<fp8_codes>(const std::uint8_t*, float*, index_t, scale_factors);
template void dequantize_loop<fp8_e5m2_codes>(const std::uint8_t*, float*, index_t, scale_factors);
template void dequantize_loop<mxfp4_ocp>(const std::uint8_t*, float*, index_t, scale_factors);
template void dequantize_loop<nf4_codes>(const std::uint8_t*, float*, index_t, scale_factors);

#if defined(QGRAIN_LANE_TARGET)
#define QGRAIN_LANES_LOOPS(CODES)                                                                                 \
  template void lanes_loop<lane_loops::encode_step<CODES::element_type>>(                                         \
      detail::value_source<float>, detail::code_target<CODES::code_type>, index_t, const detail::group_numbers&); \
  template void lanes_loop<lane_loops::fake_step<CODES::element_type>>(                                           \
      detail::value_source<float>, detail::value_target<float>, index_t, const detail::group_numbers&);           \
  template void lanes_loop<lane_loops::decode_step<CODES::element_type>>(                                         \
      detail::code_source<CODES::code_type>, detail::value_target<float>, index_t, const detail::group_numbers&);
QGRAIN_LANES_LOOPS(int8_codes)
QGRAIN_LANES_LOOPS(fp8_codes)
QGRAIN_LANES_LOOPS(mxfp8_e4m3_ocp)
QGRAIN_LANES_LOOPS(mxfp4_ocp)
QGRAIN_LANES_LOOPS(nvfp4_modelopt)
QGRAIN_LANES_LOOPS(ct_int8_asymmetric)
#undef QGRAIN_LANES_LOOPS
#endif

template void widen_loop(const bfloat16*, float*, index_t);
template void widen_loop(const float16*, float*, index_t);
template void round_loop(const float*, bfloat16*, index_t);
template void round_loop(const float*, float16*, index_t);
template std::int32_t largest_loop(const float*, index_t);

}  // namespace qgrain::bench
