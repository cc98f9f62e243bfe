// The scale rules of the tools with float scales and zero points, step by step. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_SCALES_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_SCALES_HPP

#include <support/reference_arithmetic.hpp>
#include <support/reference_recipe.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace qgrain_test {

/// The whole number next to x, ties to even.
[[nodiscard]] inline float reference_whole(float x) { return std::nearbyint(x); }

/// The larger one; NaN wins.
[[nodiscard]] inline float reference_larger(float a, float b) {
  return std::isnan(a) ? a : std::isnan(b) ? b : std::fmax(a, b);
}

/// ModelOpt's fake integers: x * (max / amax), and the integer divided by that. A range up to 2^-24 is zero.
[[nodiscard]] inline reference_recipe reference_modelopt_integer(int least, int most) {
  return {reference_integer(least, most), [=](const std::vector<float>& group, float) {
            const float amax = reference_absmax(group);
            const bool zero = amax <= std::ldexp(1.0F, -24);
            float s = in_f32.div(static_cast<float>(most), amax);
            if (std::isinf(amax)) s = reference_nan;
            if (zero) s = 0;
            return reference_scale{static_cast<double>(s), 0, [=](float x) { return in_f32.mul(x, s); },
                                   [=](float q) { return zero ? q : in_f32.div(q, s); }};
          }};
}

/// ModelOpt's fake fp8 on a CPU: s = (1 / amax) * 448 with both steps rounded, back by 1 / s.
[[nodiscard]] inline reference_recipe reference_modelopt_fp8() {
  return {reference_small_float(reference_e4m3), [](const std::vector<float>& group, float) {
            float amax = reference_absmax(group);
            if (amax <= std::ldexp(1.0F, -24)) amax = 1;
            const float s = in_f32.mul(in_f32.div(1.0F, amax), 448.0F);
            const float r = in_f32.div(1.0F, s);
            return reference_scale{static_cast<double>(s), 0, [=](float x) { return in_f32.mul(x, s); },
                                   [=](float q) { return in_f32.mul(q, r); }};
          }};
}

/// x / s and q * s, with s = amax / most of the format: DeepSeek's fp8 (a scale of 0 becomes 1), ModelOpt's packed
/// int8 and fp8 (it stays), ModelOpt's NF4.
[[nodiscard]] inline reference_recipe reference_divided(const reference_format& format, const reference_type& t,
                                                        bool zero_is_one) {
  return {format, [=](const std::vector<float>& group, float) {
            float s = t.div(reference_absmax(group), static_cast<float>(format.most));
            if (zero_is_one && s == 0) s = 1;
            return reference_scale{static_cast<double>(s), 0, [=](float x) { return t.div(x, s); },
                                   [=](float q) { return t.mul(q, s); }};
          }};
}

/// ModelOpt's packed int4: the multiplier (1 / amax) * 7 in the type of the tensor, of which only the quotient and the
/// stored number are rounded.
[[nodiscard]] inline reference_recipe reference_modelopt_packed_int4(const reference_type& t) {
  return {reference_integer(-8, 7), [=](const std::vector<float>& group, float) {
            const float s = t.mul(t.div(1.0F, reference_absmax(group)), 7.0F);
            return reference_scale{static_cast<double>(s), 0, [=](float x) { return t.mul(x, s); },
                                   [=](float q) { return t.div(q, s); }};
          }};
}

/// The sixteen levels of ModelOpt's NF4; the first of those at the least distance, measured in the type of the tensor.
[[nodiscard]] inline reference_format reference_nf4(const reference_type& t) {
  std::vector<float> levels;
  for (const double level : {-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0.0, 0.0796, 0.1609, 0.2461,
                             0.3379, 0.4407, 0.5626, 0.7230, 1.0}) {
    levels.push_back(in_bf16.rounded(static_cast<double>(static_cast<float>(level))));
  }
  reference_format f;
  f.most = 1;
  f.least = -1;
  f.value = [=](int code) { return levels[static_cast<std::size_t>(code)]; };
  f.code = [=](float x) {
    if (std::isnan(x)) return 7;
    int best = 0;
    for (int i = 1; i < 16; ++i) {
      const auto distance = [&](int k) { return std::fabs(t.sub(x, levels[static_cast<std::size_t>(k)])); };
      if (distance(i) < distance(best)) best = i;
    }
    return best;
  };
  f.grid = [value = f.value, code = f.code](float x) { return std::isnan(x) ? x : value(code(x)); };
  return f;
}

/// How far a group reaches, zero included.
struct reference_ends {
  float least = 0;
  float most = 0;
  bool nan = false;
};
[[nodiscard]] inline reference_ends reference_ends_of(const std::vector<float>& group) {
  reference_ends ends;
  for (const float x : group) {
    ends.nan = ends.nan || std::isnan(x);
    ends.least = std::fmin(ends.least, x);
    ends.most = std::fmax(ends.most, x);
  }
  return ends;
}

[[nodiscard]] inline float reference_clamped(float x, double least, double most) {
  if (std::isnan(x)) return 0;
  return static_cast<float>(std::fmin(std::fmax(static_cast<double>(x), least), most));
}

/// compressed-tensors, symmetric: s = amax / half of the range, at least 2^-23; x / s + 0.
[[nodiscard]] inline reference_recipe reference_compressed_symmetric(const reference_format& format,
                                                                     const reference_type& t) {
  return {format, [=](const std::vector<float>& group, float) {
            const auto half = static_cast<float>((format.most - format.least) / 2);
            const float s = reference_larger(t.div(reference_absmax(group), half), std::ldexp(1.0F, -23));
            return reference_scale{static_cast<double>(s), 0, [=](float x) { return t.add(t.div(x, s), 0.0F); },
                                   [=](float q) { return t.mul(q, s); }};
          }};
}

/// compressed-tensors, asymmetric: the zero point is rounded last and added before elements are rounded.
[[nodiscard]] inline reference_recipe reference_compressed_asymmetric(const reference_format& format,
                                                                      const reference_type& t) {
  return {format, [=](const std::vector<float>& group, float) {
            const reference_ends ends = reference_ends_of(group);
            float s = t.div(t.sub(ends.most, ends.least), static_cast<float>(format.most - format.least));
            s = reference_larger(s, std::ldexp(1.0F, -23));
            if (ends.nan) s = reference_nan;
            const float place = t.sub(static_cast<float>(format.least), t.div(ends.least, s));
            const auto z = static_cast<float>(
                static_cast<int>(reference_whole(reference_clamped(place, format.least, format.most))));
            return reference_scale{static_cast<double>(s), static_cast<int>(z),
                                   [=](float x) { return t.add(t.div(x, s), z); },
                                   [=](float q) { return t.mul(t.sub(q, z), s); }};
          }};
}

/// ONNX: as above, but elements are rounded before the zero point is added, and a scale of 0 becomes 1.
[[nodiscard]] inline reference_recipe reference_onnx_integer(int least, int most) {
  return {reference_integer(least, most), [=](const std::vector<float>& group, float) {
            const reference_ends ends = reference_ends_of(group);
            float s = in_f32.div(in_f32.sub(ends.most, ends.least), static_cast<float>(most - least));
            if (s == 0) s = 1;
            if (ends.nan) s = reference_nan;
            const float place = in_f32.sub(static_cast<float>(least), in_f32.div(ends.least, s));
            const auto z = static_cast<float>(static_cast<int>(reference_whole(reference_clamped(place, least, most))));
            return reference_scale{static_cast<double>(s), static_cast<int>(z),
                                   [=](float x) { return in_f32.add(reference_whole(in_f32.div(x, s)), z); },
                                   [=](float q) { return in_f32.mul(in_f32.sub(q, z), s); }};
          }};
}

enum class reference_torchao { symmetric, unclipped, asymmetric };

/// torchao: x times the rounded reciprocal of s, rounded, plus the zero point; s is at least the epsilon of the type.
[[nodiscard]] inline reference_recipe reference_torchao_integer(int least, int most, reference_torchao mapping,
                                                                const reference_type& t) {
  return {reference_integer(least, most), [=](const std::vector<float>& group, float) {
            const reference_ends ends = reference_ends_of(group);
            float s = 0;
            if (mapping == reference_torchao::symmetric) {
              s = t.div(reference_absmax(group), static_cast<float>(most - least) / 2);
            } else if (mapping == reference_torchao::unclipped) {
              s = reference_larger(t.div(ends.least, static_cast<float>(least)),
                                   t.div(ends.most, static_cast<float>(most)));
            } else {
              s = t.div(t.sub(ends.most, ends.least), static_cast<float>(most - least));
            }
            s = reference_larger(s, t.epsilon());
            if (ends.nan) s = reference_nan;
            float z = 0;
            if (mapping == reference_torchao::asymmetric) {
              z = t.sub(static_cast<float>(least), reference_whole(t.div(ends.least, s)));
              z = reference_clamped(z, least, most);
            }
            const float inverse = t.div(1.0F, s);
            return reference_scale{static_cast<double>(s), static_cast<int>(z),
                                   [=](float x) { return t.add(reference_whole(t.mul(x, inverse)), z); },
                                   [=](float q) { return t.mul(t.sub(q, z), s); }};
          }};
}

}  // namespace qgrain_test

#endif
