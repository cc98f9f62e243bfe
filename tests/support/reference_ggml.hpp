// ggml's blocks from their layout in GGUF files, byte by byte. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_GGML_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_GGML_HPP

#include <support/reference_arithmetic.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain_test {

using reference_bytes = std::vector<std::uint8_t>;

[[nodiscard]] inline float reference_half(const reference_bytes& b, std::size_t at) {
  const int code = b[at] | b[at + 1] << 8;
  const int field = (code >> 10) & 31;
  const double fraction = (code & 1023) / 1024.0;
  double value = field == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, field - 15);
  if (field == 31) value = fraction == 0 ? static_cast<double>(reference_infinity) : static_cast<double>(reference_nan);
  return static_cast<float>(code >= 32768 ? -value : value);
}

/// The two bytes of the float16 next to x, low byte first; x is no NaN.
[[nodiscard]] inline reference_bytes reference_half_bytes(float x) {
  const double y = std::fabs(static_cast<double>(in_f16.rounded(static_cast<double>(x))));
  int code = 31 << 10;
  if (y < std::ldexp(1.0, -14)) {
    code = static_cast<int>(std::ldexp(y, 24));
  } else if (!std::isinf(y)) {
    const int exponent = std::ilogb(y);
    code = (exponent + 15) * 1024 + static_cast<int>(std::ldexp(y, 10 - exponent)) - 1024;
  }
  if (std::signbit(x)) code += 32768;
  return {static_cast<std::uint8_t>(code & 255), static_cast<std::uint8_t>(code >> 8)};
}

/// Codes of 32 elements: element i in the low half of byte i, element i + 16 in its high half.
[[nodiscard]] inline reference_bytes reference_nibbles(const std::vector<int>& codes) {
  reference_bytes bytes;
  for (std::size_t i = 0; i < 16; ++i) {
    bytes.push_back(static_cast<std::uint8_t>((codes[i] & 15) + (codes[i + 16] & 15) * 16));
  }
  return bytes;
}
[[nodiscard]] inline reference_bytes reference_fifth_bits(const std::vector<int>& codes) {
  reference_bytes bytes(4);
  for (std::size_t i = 0; i < 32; ++i) {
    if (codes[i] >= 16) bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] + (1 << (i % 8)));
  }
  return bytes;
}
[[nodiscard]] inline reference_bytes reference_joined(std::vector<reference_bytes> parts) {
  reference_bytes all;
  for (const reference_bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}
[[nodiscard]] inline float reference_inverse(float d) { return d == 0 ? 0.0F : in_f32.div(1.0F, d); }
// NaN, 0 times the inverse of a subnormal d, ends as the code 0: on x86 its conversion to int has 0 in the low bits.
[[nodiscard]] inline int reference_cut(double x, int most) {
  if (std::isnan(x)) return 0;
  return static_cast<int>(std::clamp(std::trunc(x), 0.0, static_cast<double>(most)));
}

// Encoders of 32 finite elements.

[[nodiscard]] inline reference_bytes reference_q8_0(const std::vector<float>& x) {
  float most = 0;
  for (const float v : x) most = std::fmax(most, std::fabs(v));
  const float d = in_f32.div(most, 127.0F);
  const float inverse = reference_inverse(d);
  reference_bytes bytes = reference_half_bytes(d);
  for (const float v : x) {
    const double place = static_cast<double>(in_f32.mul(v, inverse));
    const double limited = std::clamp(std::round(place), -127.0, 127.0);
    bytes.push_back(static_cast<std::uint8_t>(static_cast<int>(limited) & 255));
  }
  return bytes;
}

/// q4_0 (half 8) and q5_0 (half 16): the first element of the largest magnitude is at -half. The product and the sum
/// are float32 numbers.
[[nodiscard]] inline reference_bytes reference_around(const std::vector<float>& x, int half) {
  float largest = x[0];
  for (const float v : x) {
    if (std::fabs(v) > std::fabs(largest)) largest = v;
  }
  const float d = in_f32.div(largest, static_cast<float>(-half));
  const float inverse = reference_inverse(d);
  std::vector<int> codes;
  for (const float v : x) {
    const float place = in_f32.add(in_f32.mul(v, inverse), static_cast<float>(half + 0.5));
    codes.push_back(reference_cut(static_cast<double>(place), 2 * half - 1));
  }
  if (half == 8) return reference_joined({reference_half_bytes(d), reference_nibbles(codes)});
  return reference_joined({reference_half_bytes(d), reference_fifth_bits(codes), reference_nibbles(codes)});
}

/// q4_1 (most 15) and q5_1 (most 31): steps of d from the minimum.
[[nodiscard]] inline reference_bytes reference_above(const std::vector<float>& x, int most) {
  float least = x[0];
  float highest = x[0];
  for (const float v : x) {  // of zeros of both signs the last
    if (v <= least) least = v;
    if (v >= highest) highest = v;
  }
  const float d = in_f32.div(in_f32.sub(highest, least), static_cast<float>(most));
  const float inverse = reference_inverse(d);
  std::vector<int> codes;
  for (const float v : x) {
    const float place = in_f32.add(in_f32.mul(in_f32.sub(v, least), inverse), 0.5F);
    codes.push_back(reference_cut(static_cast<double>(place), most));
  }
  const reference_bytes head = reference_joined({reference_half_bytes(d), reference_half_bytes(least)});
  if (most == 15) return reference_joined({head, reference_nibbles(codes)});
  return reference_joined({head, reference_fifth_bits(codes), reference_nibbles(codes)});
}

inline constexpr double reference_e2m1_magnitudes[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};

/// Exponent byte floor(log2 amax) - 2 + 127, the logarithm a float32; the code whose float32 value is nearest, ties to
/// the smaller magnitude; zeros have code 0.
[[nodiscard]] inline reference_bytes reference_ggml_mxfp4(const std::vector<float>& x) {
  float most = 0;
  for (const float v : x) most = std::fmax(most, std::fabs(v));
  int byte = 0;
  if (most > 0) {
    const auto logarithm = static_cast<float>(std::log2(static_cast<double>(most)));
    byte = std::max(static_cast<int>(std::floor(logarithm)) - 2 + 127, 0);
  }
  std::vector<int> codes;
  for (const float v : x) {
    // A value beyond float32 is infinitely far away.
    const auto distance = [&](int i) {
      const auto value = static_cast<float>(std::ldexp(reference_e2m1_magnitudes[i], byte - 127));
      return std::isinf(value)
                 ? static_cast<double>(reference_infinity)
                 : std::fabs(std::ldexp(std::fabs(static_cast<double>(v)), 127 - byte) - reference_e2m1_magnitudes[i]);
    };
    int best = 0;
    for (int i = 1; i < 8; ++i) {
      if (distance(i) < distance(best)) best = i;
    }
    codes.push_back(best > 0 && v < 0 ? best + 8 : best);
  }
  return reference_joined({{static_cast<std::uint8_t>(byte)}, reference_nibbles(codes)});
}

/// The upper half of a float32 that is no NaN, rounded.
[[nodiscard]] inline reference_bytes reference_ggml_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(in_bf16.rounded(static_cast<double>(x)));
  return {static_cast<std::uint8_t>((bits >> 16) & 255), static_cast<std::uint8_t>(bits >> 24)};
}

// Decoders of one whole block.

using reference_values = std::vector<float>;

[[nodiscard]] inline int reference_nibble(const reference_bytes& b, std::size_t first, std::size_t i) {
  return i < 16 ? b[first + i] % 16 : b[first + i - 16] / 16;
}
[[nodiscard]] inline reference_values reference_of_q8_0(const reference_bytes& b) {
  reference_values y;
  for (std::size_t i = 0; i < 32; ++i) {
    y.push_back(in_f32.mul(reference_half(b, 0), static_cast<float>(static_cast<std::int8_t>(b[2 + i]))));
  }
  return y;
}
/// q4_0, q4_1, q5_0, q5_1.
[[nodiscard]] inline reference_values reference_of_small(const reference_bytes& b, bool minimum, bool fifth) {
  reference_values y;
  const std::size_t high = minimum ? 4 : 2;
  const std::size_t low = high + (fifth ? 4U : 0U);
  for (std::size_t i = 0; i < 32; ++i) {
    int code = reference_nibble(b, low, i);
    if (fifth) code += ((b[high + i / 8] >> (i % 8)) & 1) * 16;
    const int middle = minimum ? 0 : fifth ? 16 : 8;
    const float product = in_f32.mul(reference_half(b, 0), static_cast<float>(code - middle));
    y.push_back(minimum ? in_f32.add(product, reference_half(b, 2)) : product);
  }
  return y;
}
[[nodiscard]] inline float reference_signed_e2m1(int code) {
  const double magnitude = reference_e2m1_magnitudes[code % 8];
  return static_cast<float>(code >= 8 && magnitude > 0 ? -magnitude : magnitude);
}
[[nodiscard]] inline reference_values reference_of_mxfp4(const reference_bytes& b) {
  reference_values y;
  for (std::size_t i = 0; i < 32; ++i) {
    const double twice = 2 * static_cast<double>(reference_signed_e2m1(reference_nibble(b, 1, i)));
    y.push_back(static_cast<float>(std::ldexp(twice, b[0] - 128)));
  }
  return y;
}
/// Four groups of 16: scale bytes first (E4M3 without sign and NaN; byte 7F is 0), codes i and i + 8 of a group in one
/// byte.
[[nodiscard]] inline reference_values reference_of_nvfp4(const reference_bytes& b) {
  reference_values y;
  for (std::size_t i = 0; i < 64; ++i) {
    const int code = b[i / 16] & 127;
    double scale = code < 8 ? std::ldexp(code / 8.0, -6) : std::ldexp(1 + (code % 8) / 8.0, code / 8 - 7);
    if (b[i / 16] == 127) scale = 0;
    const int byte = b[4 + i / 16 * 8 + i % 8];
    y.push_back(
        static_cast<float>(scale * static_cast<double>(reference_signed_e2m1(i % 16 < 8 ? byte % 16 : byte / 16))));
  }
  return y;
}

inline constexpr int reference_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

[[nodiscard]] inline reference_values reference_of_iq4_nl(const reference_bytes& b) {
  reference_values y;
  for (std::size_t i = 0; i < 32; ++i) {
    y.push_back(in_f32.mul(reference_half(b, 0), static_cast<float>(reference_iq4[reference_nibble(b, 2, i)])));
  }
  return y;
}
[[nodiscard]] inline reference_values reference_of_iq4_xs(const reference_bytes& b) {
  reference_values y;
  const int high = b[2] + b[3] * 256;
  for (std::size_t sub = 0; sub < 8; ++sub) {
    const int low = sub % 2 == 0 ? b[4 + sub / 2] % 16 : b[4 + sub / 2] / 16;
    const int scale = low + (high >> (2 * sub)) % 4 * 16 - 32;
    const float step = in_f32.mul(reference_half(b, 0), static_cast<float>(scale));
    for (std::size_t i = 0; i < 32; ++i) {
      y.push_back(in_f32.mul(step, static_cast<float>(reference_iq4[reference_nibble(b, 8 + 16 * sub, i)])));
    }
  }
  return y;
}

/// In halves of 128 elements: 32 bytes hold four rounds of 32 two-bit codes, the lowest bits first.
[[nodiscard]] inline std::vector<int> reference_two_bits(const reference_bytes& b, std::size_t first) {
  std::vector<int> codes;
  for (std::size_t half = 0; half < 2; ++half) {
    for (int round = 0; round < 4; ++round) {
      for (std::size_t i = 0; i < 32; ++i) codes.push_back((b[first + half * 32 + i] >> (2 * round)) & 3);
    }
  }
  return codes;
}
[[nodiscard]] inline reference_values reference_of_q2_k(const reference_bytes& b) {
  reference_values y;
  const auto codes = reference_two_bits(b, 16);
  for (std::size_t i = 0; i < 256; ++i) {
    const float step = in_f32.mul(reference_half(b, 80), static_cast<float>(b[i / 16] % 16));
    const float floor = in_f32.mul(reference_half(b, 82), static_cast<float>(b[i / 16] / 16));
    y.push_back(in_f32.sub(in_f32.mul(step, static_cast<float>(codes[i])), floor));
  }
  return y;
}
[[nodiscard]] inline reference_values reference_of_q3_k(const reference_bytes& b) {
  // 12 bytes: sixteen low halves (first eight, then the upper nibbles), then sixteen upper pairs of bits.
  std::vector<int> scales;
  for (std::size_t j = 0; j < 16; ++j) {
    const int low = j < 8 ? b[96 + j] % 16 : b[96 + j - 8] / 16;
    const int high = (b[104 + j % 4] >> (2 * (j / 4))) % 4;
    scales.push_back(low + 16 * high - 32);
  }
  reference_values y;
  const auto codes = reference_two_bits(b, 32);
  for (std::size_t i = 0; i < 256; ++i) {
    const bool upper = ((b[i % 32] >> (i / 32)) & 1) != 0;
    const float step = in_f32.mul(reference_half(b, 108), static_cast<float>(scales[i / 16]));
    y.push_back(in_f32.mul(step, static_cast<float>(codes[i] - (upper ? 0 : 4))));
  }
  return y;
}
/// q4_K and q5_K.
[[nodiscard]] inline reference_values reference_of_q45_k(const reference_bytes& b, bool fifth) {
  std::vector<int> scales;
  std::vector<int> minima;
  for (std::size_t j = 0; j < 8; ++j) {
    const auto s = [&](std::size_t k) { return static_cast<int>(b[4 + k]); };
    scales.push_back(j < 4 ? s(j) % 64 : s(j + 4) % 16 + s(j - 4) / 64 * 16);
    minima.push_back(j < 4 ? s(j + 4) % 64 : s(j + 4) / 16 + s(j) / 64 * 16);
  }
  reference_values y;
  const std::size_t low = fifth ? 48 : 16;
  for (std::size_t sub = 0; sub < 8; ++sub) {
    const float step = in_f32.mul(reference_half(b, 0), static_cast<float>(scales[sub]));
    const float floor = in_f32.mul(reference_half(b, 2), static_cast<float>(minima[sub]));
    for (std::size_t i = 0; i < 32; ++i) {
      const int byte = b[low + sub / 2 * 32 + i];
      int code = sub % 2 == 0 ? byte % 16 : byte / 16;
      if (fifth) code += ((b[16 + i] >> sub) & 1) * 16;
      y.push_back(in_f32.sub(in_f32.mul(step, static_cast<float>(code)), floor));
    }
  }
  return y;
}
[[nodiscard]] inline reference_values reference_of_q6_k(const reference_bytes& b) {
  reference_values y(256);
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t i = 0; i < 32; ++i) {
      const int first = b[half * 64 + i];
      const int second = b[half * 64 + 32 + i];
      const int high = b[128 + half * 32 + i];
      const int codes[4] = {first % 16 + high % 4 * 16, second % 16 + high / 4 % 4 * 16,
                            first / 16 + high / 16 % 4 * 16, second / 16 + high / 64 * 16};
      for (std::size_t q = 0; q < 4; ++q) {
        const std::size_t place = half * 128 + q * 32 + i;
        const auto scale = static_cast<float>(static_cast<std::int8_t>(b[192 + place / 16]));
        y[place] = in_f32.mul(in_f32.mul(reference_half(b, 208), scale), static_cast<float>(codes[q] - 32));
      }
    }
  }
  return y;
}

}  // namespace qgrain_test

#endif
