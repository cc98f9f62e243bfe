// Four lanes of 32 bits: the instructions of NEON on 64-bit ARM that the loops over lanes take, as avx512_lanes.hpp has
// them.
#ifndef QGRAIN_HOST_DETAIL_NEON_LANES_HPP
#define QGRAIN_HOST_DETAIL_NEON_LANES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/host/detail/byte_tables.hpp>
#include <qgrain/host/detail/lane_ports.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>

#if QGRAIN_HOST_NEON

/// Marks what is inlined into loops for NEON.
#define QGRAIN_NEON __attribute__((always_inline)) inline
/// Marks what is called by such: it begins at a line, as the place of a loop in it is worth some percent.
#define QGRAIN_NEON_APART __attribute__((noinline, aligned(64)))

namespace qgrain::detail::neon {

inline constexpr int lanes = 4;
/// See avx512_lanes.hpp.
inline constexpr bool works_on_halves = false;

using floats = float __attribute__((vector_size(16)));
using words = std::uint32_t __attribute__((vector_size(16)));
using integers = std::int32_t __attribute__((vector_size(16)));
using longs = std::uint64_t __attribute__((vector_size(16)));
using halves = std::uint16_t __attribute__((vector_size(16)));
using signed_halves = std::int16_t __attribute__((vector_size(16)));
using bytes = std::uint8_t __attribute__((vector_size(16)));
using half_of_halves = std::uint16_t __attribute__((vector_size(8)));
using half_of_signed_halves = std::int16_t __attribute__((vector_size(8)));
using half_of_bytes = std::uint8_t __attribute__((vector_size(8)));
using half_of_signed_bytes = std::int8_t __attribute__((vector_size(8)));

/// Bits of one type as another.
template <class To, class From>
QGRAIN_NEON To as(From x) {
  return __builtin_bit_cast(To, x);
}

template <class Vector, class T>
QGRAIN_NEON Vector loaded(const T* from) {
  Vector x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
template <class Vector, class T>
QGRAIN_NEON void stored(Vector x, T* to) {
  __builtin_memcpy(static_cast<void*>(to), &x, sizeof x);
}

/// Whether there is a bit.
template <class Vector>
QGRAIN_NEON bool has_any(Vector x) {
  const longs both = as<longs>(x);
  return (both[0] | both[1]) != 0;
}

/// Four elements as floats.
QGRAIN_NEON floats widened_at(const float* from) { return loaded<floats>(from); }
QGRAIN_NEON floats widened_at(const bfloat16* from) {
  return as<floats>(__builtin_convertvector(loaded<half_of_halves>(from), words) << 16U);
}
QGRAIN_NEON floats widened_lower(halves binary16) {
  floats x;
  asm("fcvtl %0.4s, %1.4h" : "=w"(x) : "w"(binary16));
  return x;
}
QGRAIN_NEON floats widened_upper(halves binary16) {
  floats x;
  asm("fcvtl2 %0.4s, %1.8h" : "=w"(x) : "w"(binary16));
  return x;
}

/// Rounded to bfloat16: from_float<bfloat16>.
QGRAIN_NEON half_of_halves rounded(floats x, bfloat16) {
  const words bits = as<words>(x);
  const words number = (bits + ((bits >> 16U & 1U) + 0x7FFFU)) >> 16U;
  const words nan = as<words>(x != x);
  return __builtin_convertvector((number & ~nan) | ((bits >> 16U | 0x0040U) & nan), half_of_halves);
}

/// The same number in all lanes.
QGRAIN_NEON floats spread(float x) { return floats{x, x, x, x}; }
/// The same of one in memory: no operation takes it from there.
using spread_number = floats;
QGRAIN_NEON spread_number spread_number_at(const float* x) { return spread(*x); }
QGRAIN_NEON words spread(std::uint32_t x) { return words{x, x, x, x}; }
/// The same of a constant.
template <std::uint32_t Value>
QGRAIN_NEON words every() {
  return spread(Value);
}

/// a * b, which is never fused into a sum.
QGRAIN_NEON floats product(floats a, floats b) {
  floats p;
  asm("fmul %0.4s, %1.4s, %2.4s" : "=w"(p) : "w"(a), "w"(b));
  return p;
}
/// a * b + c, rounded once.
QGRAIN_NEON floats fused(floats a, floats b, floats c) {
  asm("fmla %0.4s, %1.4s, %2.4s" : "+w"(c) : "w"(a), "w"(b));
  return c;
}
/// x / divisor from the rounded reciprocal: see lane_rules.hpp.
QGRAIN_NEON floats quotient(floats x, floats divisor, floats reciprocal) {
  const floats q = product(x, reciprocal);
  asm("fmls %0.4s, %1.4s, %2.4s" : "+w"(x) : "w"(q), "w"(divisor));
  return fused(x, reciprocal, q);
}

// Of numbers: NaN is none here.
QGRAIN_NEON floats smaller(floats a, floats b) {
  floats y;
  asm("fmin %0.4s, %1.4s, %2.4s" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
/// +0 of two zeros that differ.
QGRAIN_NEON floats larger(floats a, floats b) {
  floats y;
  asm("fmax %0.4s, %1.4s, %2.4s" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
/// x, or `limit` with the sign of x where that is nearer to zero.
QGRAIN_NEON floats limited(floats x, floats limit) { return larger(smaller(x, limit), -limit); }
/// Its magnitude.
QGRAIN_NEON floats limited_magnitude(floats x, floats limit) {
  return smaller(as<floats>(as<words>(x) & every<~f32_sign_bit>()), limit);
}

/// Whether there is a subnormal number; zeros are none.
QGRAIN_NEON bool has_subnormal(const floats (&x)[4]) {
  words found{};
  // 2 |x| - 1 in units of the least number: of zero it is the largest.
  for (const floats& part : x) found |= as<words>(((as<words>(part) << 1) - 1U) < every<0x00FF'FFFFU>());
  return has_any(found);
}
QGRAIN_NEON bool has_nan(floats a, floats b, floats c, floats d) {
  return has_any((a != a) | (b != b) | (c != c) | (d != d));
}
/// Whether each lane has some of the bits.
QGRAIN_NEON bool all_have_some(const integers (&x)[4], words bits) {
  words none{};
  for (const integers& part : x) none |= as<words>((as<words>(part) & bits) == words{});
  return !has_any(none);
}

/// The nearest integers, ties to even, or the ends of their type; 0 of NaN.
QGRAIN_NEON integers nearest_numbers(floats x) {
  integers y;
  asm("fcvtns %0.4s, %1.4s" : "=w"(y) : "w"(x));
  return y;
}
QGRAIN_NEON floats nearest_integers(floats x) {
  floats y;
  asm("frintn %0.4s, %1.4s" : "=w"(y) : "w"(x));
  return y;
}

QGRAIN_NEON integers larger(integers a, integers b) {
  integers y;
  asm("smax %0.4s, %1.4s, %2.4s" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
QGRAIN_NEON halves larger(halves a, halves b) {
  halves y;
  asm("umax %0.8h, %1.8h, %2.8h" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
QGRAIN_NEON bytes smaller_signed(bytes a, bytes b) {
  bytes y;
  asm("smin %0.16b, %1.16b, %2.16b" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
QGRAIN_NEON bytes larger_signed(bytes a, bytes b) {
  bytes y;
  asm("smax %0.16b, %1.16b, %2.16b" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
QGRAIN_NEON bytes smaller(bytes a, bytes b) {
  bytes y;
  asm("umin %0.16b, %1.16b, %2.16b" : "=w"(y) : "w"(a), "w"(b));
  return y;
}

/// Bit by bit yes or no.
QGRAIN_NEON words chosen_by(words mask, words yes, words no) { return (yes & mask) | (no & ~mask); }
/// A magnitude with the sign of x.
QGRAIN_NEON floats with_sign_of(floats magnitude, floats x) {
  return as<floats>(as<words>(magnitude) | (as<words>(x) & every<f32_sign_bit>()));
}
/// The upper halves of both in turn, lane by lane.
QGRAIN_NEON words upper_halves(words first, words second) { return first >> 16 | (second & every<0xFFFF'0000U>()); }

/// Whether there is a byte whose lower seven bits are ones.
QGRAIN_NEON bool has_byte_of_ones(bytes x) {
  return has_any((x | as<bytes>(every<0x8080'8080U>())) == as<bytes>(every<0xFFFF'FFFFU>()));
}

/// Of each lane the sum of its halves, lower and upper, times numbers.
template <std::uint16_t Lower, std::uint16_t Upper>
QGRAIN_NEON integers sum_of_halves(floats x) {
  return (as<integers>(as<words>(x) << 16) >> 16) * Lower + (as<integers>(x) >> 16) * Upper;
}
/// Where x > bound, x | bits.
QGRAIN_NEON words with_bits_where_above(words x, words bits, words compared, words bound) {
  return x | (bits & as<words>(compared > bound));
}

/// Integers of two vectors, beyond 16 bits the ends of those.
QGRAIN_NEON words packed(integers low, integers high) {
  words both;
  asm("sqxtn %0.4h, %1.4s\n\tsqxtn2 %0.8h, %2.4s" : "=&w"(both) : "w"(low), "w"(high));
  return both;
}
QGRAIN_NEON words packed_bytes(words low, words high) {
  words both;
  asm("sqxtun %0.8b, %1.8h\n\tsqxtun2 %0.16b, %2.8h" : "=&w"(both) : "w"(low), "w"(high));
  return both;
}
QGRAIN_NEON words packed_signed_bytes(words low, words high) {
  words both;
  asm("sqxtn %0.8b, %1.8h\n\tsqxtn2 %0.16b, %2.8h" : "=&w"(both) : "w"(low), "w"(high));
  return both;
}
/// The lower bytes of halves.
QGRAIN_NEON half_of_bytes narrowed(halves x) { return __builtin_convertvector(x, half_of_bytes); }
/// What packs make is in order.
template <lane_order>
QGRAIN_NEON bytes in_order(words packed) {
  return as<bytes>(packed);
}
/// Entries of a table of sixteen bytes, by indexes below 16.
QGRAIN_NEON bytes entries(bytes index, bytes table) {
  bytes y;
  asm("tbl %0.16b, {%1.16b}, %2.16b" : "=w"(y) : "w"(table), "w"(index));
  return y;
}
QGRAIN_NEON words reordered(words x, const byte_order& order) {
  return as<words>(entries(loaded<bytes>(order.places), as<bytes>(x)));
}

/// The values of a step of codes below 16.
template <class Decoder>
QGRAIN_NEON void values_of(bytes codes, floats (&out)[4]) {
  const bytes low = entries(codes, loaded<bytes>(tables_of<Decoder>.lower.places));
  const bytes high = entries(codes, loaded<bytes>(tables_of<Decoder>.upper.places));
  const halves first =
      as<halves>(__builtin_shufflevector(low, high, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  const halves second =
      as<halves>(__builtin_shufflevector(low, high, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
  const halves zeros{};
  out[0] = as<floats>(__builtin_shufflevector(zeros, first, 0, 8, 0, 9, 0, 10, 0, 11));
  out[1] = as<floats>(__builtin_shufflevector(zeros, first, 0, 12, 0, 13, 0, 14, 0, 15));
  out[2] = as<floats>(__builtin_shufflevector(zeros, second, 0, 8, 0, 9, 0, 10, 0, 11));
  out[3] = as<floats>(__builtin_shufflevector(zeros, second, 0, 12, 0, 13, 0, 14, 0, 15));
}
/// The values of a step of codes by `Decoder`'s table of sixteen, by the lower four bits.
template <class Decoder, class Code>
QGRAIN_NEON void table_values(const Code* codes, floats (&out)[4]) {
  values_of<Decoder>(loaded<bytes>(codes) & as<bytes>(every<0x0F0F'0F0FU>()), out);
}
/// The same of two codes in a byte.
template <class Decoder>
QGRAIN_NEON void nibble_values(const std::uint8_t* from, bit_order order, floats (&out)[4]) {
  const auto pairs = loaded<half_of_bytes>(from);
  const half_of_bytes low = pairs & std::uint8_t{0x0F};
  const half_of_bytes high = pairs >> 4;
  const bool low_first = order == bit_order::low_first;
  const half_of_bytes first = low_first ? low : high;
  const half_of_bytes second = low_first ? high : low;
  values_of<Decoder>(__builtin_shufflevector(first, second, 0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15), out);
}

/// Codes of two vectors in halves.
template <class Code>
QGRAIN_NEON halves widened_halves_at(const Code* codes) {
  return __builtin_convertvector(loaded<half_of_bytes>(codes), halves);
}
QGRAIN_NEON halves widened_signed_halves_at(const void* codes) {
  half_of_signed_bytes x;
  __builtin_memcpy(&x, codes, sizeof x);
  return as<halves>(__builtin_convertvector(x, signed_halves));
}
/// Signed codes of a step, shifted and masked, as binary16.
template <int Shift, std::uint16_t Used, class Code>
QGRAIN_NEON void shifted_signed_values(const Code* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 2; ++i) {
    const halves wide = widened_signed_halves_at(codes + 2 * i * lanes) << Shift & Used;
    out[2 * i] = widened_lower(wide);
    out[2 * i + 1] = widened_upper(wide);
  }
}
/// Codes of integers as floats.
QGRAIN_NEON void converted_values(const std::int8_t* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 2; ++i) {
    const auto wide = as<signed_halves>(widened_signed_halves_at(codes + 2 * i * lanes));
    out[2 * i] = __builtin_convertvector(__builtin_shufflevector(wide, wide, 0, 1, 2, 3), floats);
    out[2 * i + 1] = __builtin_convertvector(__builtin_shufflevector(wide, wide, 4, 5, 6, 7), floats);
  }
}
QGRAIN_NEON void converted_values(const std::uint8_t* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 2; ++i) {
    const halves wide = widened_halves_at(codes + 2 * i * lanes);
    out[2 * i] = __builtin_convertvector(__builtin_shufflevector(wide, wide, 0, 1, 2, 3), floats);
    out[2 * i + 1] = __builtin_convertvector(__builtin_shufflevector(wide, wide, 4, 5, 6, 7), floats);
  }
}

/// The largest lane.
QGRAIN_NEON std::int32_t largest_lane(integers x) {
  x = larger(x, __builtin_shufflevector(x, x, 2, 3, 0, 1));
  return larger(x, __builtin_shufflevector(x, x, 1, 0, 3, 2))[0];
}
/// The largest lane of each of four vectors of numbers that are not negative, in order.
QGRAIN_NEON integers largest_of_pairs(integers a, integers b) {
  integers y;
  asm("smaxp %0.4s, %1.4s, %2.4s" : "=w"(y) : "w"(a), "w"(b));
  return y;
}
QGRAIN_NEON integers largest_of_each(const integers (&x)[lanes]) {
  return largest_of_pairs(largest_of_pairs(x[0], x[1]), largest_of_pairs(x[2], x[3]));
}

}  // namespace qgrain::detail::neon

#endif

#endif
