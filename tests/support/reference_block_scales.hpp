// The scale rules of MX and NVFP4, step by step. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_BLOCK_SCALES_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_BLOCK_SCALES_HPP

#include <support/reference_arithmetic.hpp>
#include <support/reference_recipe.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace qgrain_test {

enum class reference_mx { floor, ceil, even, exact, torchao_logarithm, modelopt_logarithm };

/// The stored byte of a block: 127 more than the exponent that the rule gives, 255 for NaN.
[[nodiscard]] inline int reference_mx_byte(reference_mx rule, float amax, double most, int mantissa_bits) {
  if (std::isnan(amax)) return 255;
  const int emax = std::ilogb(most);
  const auto limited = [](int exponent, int highest) { return std::clamp(exponent + 127, 0, highest); };
  switch (rule) {
    case reference_mx::floor:
    case reference_mx::ceil:
    case reference_mx::even: {
      if (amax == 0) return 0;
      if (std::isinf(amax)) return 255 - emax;
      int exponent = std::ilogb(amax);
      const double mantissa = std::ldexp(static_cast<double>(amax), -exponent);
      if (rule == reference_mx::ceil && mantissa > 1) ++exponent;
      if (rule == reference_mx::even && mantissa + std::ldexp(1.0, -mantissa_bits - 1) >= 2) ++exponent;
      return limited(exponent - emax, 254);
    }
    case reference_mx::exact: {
      if (amax == 0) return 127;
      const double largest =
          std::fmin(static_cast<double>(amax), static_cast<double>(std::numeric_limits<float>::max()));
      int exponent = -127;
      while (exponent < 127 && std::ldexp(most, exponent) < largest) ++exponent;
      return exponent + 127;
    }
    default: {
      const float ratio = in_f32.div(amax, static_cast<float>(most));
      if (ratio == 0) return 0;
      if (std::isinf(ratio)) return 254;
      const auto logarithm = static_cast<float>(std::log2(static_cast<double>(ratio)));
      return limited(static_cast<int>(std::ceil(logarithm)), 254);
    }
  }
}

/// Blocks under a power of two. Byte 0 divides by 2^-126 in torchao's exponent rules, by 1 in its logarithm, else by
/// 2^-127. `zeros_negative`: every zero becomes -0 (ModelOpt's packed MXFP4).
[[nodiscard]] inline reference_recipe reference_mx_recipe(const reference_format& format, int mantissa_bits,
                                                          reference_mx rule, bool zeros_negative = false) {
  return {format, [=](const std::vector<float>& group, float) {
            const int byte = reference_mx_byte(rule, reference_absmax(group), format.most, mantissa_bits);
            double inverse = std::ldexp(1.0, 127 - byte);
            double unit = std::ldexp(1.0, byte - 127);
            if (byte == 0 && rule == reference_mx::torchao_logarithm) inverse = 1;
            if (byte == 0 && rule <= reference_mx::even) inverse = std::ldexp(1.0, 126);
            if (byte == 255) inverse = unit = static_cast<double>(reference_nan);
            const double stored = byte == 255 ? unit : static_cast<double>(byte);
            return reference_scale{stored, 0,
                                   [=](float x) {
                                     if (zeros_negative && x == 0) return -0.0F;
                                     return static_cast<float>(static_cast<double>(x) * inverse);
                                   },
                                   [=](float q) { return static_cast<float>(static_cast<double>(q) * unit); }};
          }};
}

enum class reference_nv { packed, kernel, torchao, torchao_one_level, compressed };

/// E2M1 under an E4M3 scale c per group and a number g per tensor, with the tensor in type t.
[[nodiscard]] inline reference_recipe reference_nvfp4(reference_nv tool, const reference_type& t) {
  const reference_format e4m3 = reference_small_float(reference_e4m3);
  return {reference_small_float(reference_e2m1), [=](const std::vector<float>& group, float tensor_absmax) {
            const float amax = reference_absmax(group);
            const auto clamped = [](float x, float least) {
              return std::isnan(x) ? x : std::fmin(std::fmax(x, least), 448.0F);
            };
            float g = in_f32.div(tensor_absmax, 2688.0F);
            float wanted = 0;
            if (tool == reference_nv::packed) {
              if (g == 0) g = 1;
              wanted = in_f32.div(amax, in_f32.mul(6.0F, g));
              wanted = wanted == 0 ? 1.0F : clamped(wanted, std::ldexp(1.0F, -9));
            } else if (tool == reference_nv::kernel) {
              if (g == 0) g = 1e-12F;
              wanted = clamped(in_f32.div(amax, in_f32.mul(6.0F, g)), 0);
            } else if (tool == reference_nv::torchao) {
              if (g == 0) g = 1;
              wanted = clamped(in_f32.div(in_f32.div(amax, 6.0F), g), std::ldexp(1.0F, -6));
            } else if (tool == reference_nv::torchao_one_level) {
              g = 1;
              wanted = clamped(in_f32.div(amax, 6.0F), std::ldexp(1.0F, -6));
            } else {
              g = tensor_absmax == 0 ? 1.0F : t.mul(t.div(1.0F, tensor_absmax), 2688.0F);
              wanted = in_f32.mul(g, t.div(amax, 6.0F));
            }
            int code = e4m3.code(wanted);
            if (tool == reference_nv::compressed && code == 0) code = e4m3.code(0.125F);
            const float c = e4m3.value(code);
            const bool nan = code == reference_nan_code;
            float forward = in_f32.mul(c, g);
            float back = forward;
            if (tool == reference_nv::compressed) forward = back = in_f32.div(c, g);
            if (tool == reference_nv::kernel && forward < 1e-5F) forward = back = 1;
            if (tool == reference_nv::torchao) back = t.mul(c, t.rounded(static_cast<double>(g)));
            // Adding zero takes the sign from -0.
            const bool plain = tool == reference_nv::torchao || tool == reference_nv::torchao_one_level;
            const bool unsigned_result = tool == reference_nv::packed || tool == reference_nv::kernel;
            return reference_scale{nan ? static_cast<double>(reference_nan) : static_cast<double>(code), 0,
                                   [=](float x) {
                                     const float scaled = in_f32.div(x, forward);
                                     return plain || scaled != 0 ? scaled : 0.0F;
                                   },
                                   [=](float q) {
                                     const float value = in_f32.mul(q, back);
                                     return unsigned_result && value == 0 ? 0.0F : value;
                                   }};
          }};
}

}  // namespace qgrain_test

#endif
