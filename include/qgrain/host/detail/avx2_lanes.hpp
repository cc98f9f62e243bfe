// Eight lanes of 32 bits: the instructions of AVX2, FMA and F16C that the loops over lanes take, as avx512_lanes.hpp
// has them.
#ifndef QGRAIN_HOST_DETAIL_AVX2_LANES_HPP
#define QGRAIN_HOST_DETAIL_AVX2_LANES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/host/detail/byte_tables.hpp>
#include <qgrain/host/detail/lane_ports.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstddef>
#include <cstdint>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

/// Marks what is inlined into loops for AVX2.
#define QGRAIN_AVX2 __attribute__((always_inline, target("avx2,fma,f16c"))) inline
/// Marks what is called by such: it begins at a line, as the place of a loop in it is worth some percent.
#define QGRAIN_AVX2_APART __attribute__((noinline, aligned(64), target("avx2,fma,f16c")))

namespace qgrain::detail::avx2 {

inline constexpr int lanes = 8;
/// See avx512_lanes.hpp.
inline constexpr bool works_on_halves = false;

using floats = float __attribute__((vector_size(32)));
using words = std::uint32_t __attribute__((vector_size(32)));
using integers = std::int32_t __attribute__((vector_size(32)));
using halves = std::uint16_t __attribute__((vector_size(32)));
using bytes = std::uint8_t __attribute__((vector_size(32)));
using half_of_floats = float __attribute__((vector_size(16)));
using half_of_words = std::uint32_t __attribute__((vector_size(16)));
using half_of_halves = std::uint16_t __attribute__((vector_size(16)));
using half_of_bytes = std::uint8_t __attribute__((vector_size(16)));

/// Bits of one type as another.
template <class To, class From>
QGRAIN_AVX2 To as(From x) {
  return __builtin_bit_cast(To, x);
}

template <class Vector, class T>
QGRAIN_AVX2 Vector loaded(const T* from) {
  Vector x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
template <class Vector, class T>
QGRAIN_AVX2 void stored(Vector x, T* to) {
  __builtin_memcpy(static_cast<void*>(to), &x, sizeof x);
}
/// Past the caches, to a multiple of the vector's size; `end_of_streaming` is to follow.
template <class Vector, class T>
QGRAIN_AVX2 void streamed(Vector x, T* to) {
  asm volatile("vmovntdq %1, %0" : "=m"(*reinterpret_cast<std::uint8_t(*)[sizeof x]>(to)) : "x"(x));
}
/// Some bytes of memory, as an operand.
template <std::size_t Size>
struct memory_of {
  std::uint8_t bytes[Size];
};
template <std::size_t Size, class T>
QGRAIN_AVX2 const memory_of<Size>& memory_at(const T* from) {
  return *reinterpret_cast<const memory_of<Size>*>(from);
}

template <class Vector>
QGRAIN_AVX2 half_of_words lower_half(Vector x) {
  return __builtin_shufflevector(as<words>(x), as<words>(x), 0, 1, 2, 3);
}
template <class Vector>
QGRAIN_AVX2 half_of_words upper_half(Vector x) {
  return __builtin_shufflevector(as<words>(x), as<words>(x), 4, 5, 6, 7);
}

/// Eight elements as floats.
QGRAIN_AVX2 floats widened_at(const float* from) { return loaded<floats>(from); }
QGRAIN_AVX2 floats widened_at(const bfloat16* from) {
  words x;
  asm("vpmovzxwd %1, %0" : "=x"(x) : "m"(memory_at<16>(from)));
  return as<floats>(x << 16U);
}
template <class Half>
QGRAIN_AVX2 floats widened(Half binary16) {
  floats x;
  asm("vcvtph2ps %1, %0" : "=x"(x) : "x"(as<half_of_words>(binary16)));
  return x;
}
QGRAIN_AVX2 floats widened_lower(halves binary16) { return widened(lower_half(binary16)); }
QGRAIN_AVX2 floats widened_upper(halves binary16) { return widened(upper_half(binary16)); }

/// Rounded to bfloat16: from_float<bfloat16>.
QGRAIN_AVX2 half_of_halves rounded(floats x, bfloat16) {
  const words bits = as<words>(x);
  const words number = (bits + ((bits >> 16U & 1U) + 0x7FFFU)) >> 16U;
  words nan;
  asm("vcmpunordps %1, %1, %0" : "=x"(nan) : "x"(x));
  const words upper = (number & ~nan) | ((bits >> 16U | 0x0040U) & nan);
  half_of_halves y;
  asm("vpackusdw %2, %1, %0" : "=x"(y) : "x"(lower_half(upper)), "x"(upper_half(upper)));
  return y;
}

/// To binary16: from_float<float16>.
QGRAIN_AVX2 half_of_halves rounded(floats x, float16) {
  half_of_halves y;
  asm("vcvtps2ph $0, %1, %0" : "=x"(y) : "x"(x));
  return y;
}

/// The same number in all lanes.
QGRAIN_AVX2 floats spread(float x) { return floats{x, x, x, x, x, x, x, x}; }
/// The same of one in memory: no operation takes it from there.
using spread_number = floats;
QGRAIN_AVX2 spread_number spread_number_at(const float* x) {
  floats y;
  asm("vbroadcastss %1, %0" : "=x"(y) : "m"(*x));
  return y;
}
QGRAIN_AVX2 words spread(std::uint32_t x) { return words{x, x, x, x, x, x, x, x}; }
/// The same of a constant.
template <std::uint32_t Value>
QGRAIN_AVX2 words every() {
  return spread(Value);
}

/// a * b, which is never fused into a sum.
QGRAIN_AVX2 floats product(floats a, floats b) {
  floats p;
  asm("vmulps %2, %1, %0" : "=x"(p) : "x"(a), "x"(b));
  return p;
}
/// x / divisor from the rounded reciprocal: see lane_rules.hpp.
QGRAIN_AVX2 floats quotient(floats x, floats divisor, floats reciprocal) {
  floats q = product(x, reciprocal);
  floats rest = x;
  asm("vfnmadd231ps %2, %1, %0" : "+x"(rest) : "x"(q), "x"(divisor));
  asm("vfmadd231ps %2, %1, %0" : "+x"(q) : "x"(rest), "x"(reciprocal));
  return q;
}
/// a * b + c, rounded once.
QGRAIN_AVX2 floats fused(floats a, floats b, floats c) {
  asm("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
  return c;
}

/// The smaller one; b if one is NaN.
QGRAIN_AVX2 floats smaller(floats a, floats b) {
  floats y;
  asm("vminps %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
/// The larger one; b if one is NaN or both are zero.
QGRAIN_AVX2 floats larger(floats a, floats b) {
  floats y;
  asm("vmaxps %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
/// x, or `limit` with the sign of x where that is nearer to zero.
QGRAIN_AVX2 floats limited(floats x, floats limit) {
  return larger(smaller(x, limit), as<floats>(as<words>(limit) ^ every<f32_sign_bit>()));
}
/// Its magnitude; `limit` for NaN.
QGRAIN_AVX2 floats limited_magnitude(floats x, floats limit) {
  return smaller(as<floats>(as<words>(x) & every<~f32_sign_bit>()), limit);
}

template <class Vector>
QGRAIN_AVX2 std::uint32_t signs_of_bytes(Vector x) {
  std::uint32_t signs;
  asm("vpmovmskb %1, %0" : "=r"(signs) : "x"(as<bytes>(x)));
  return signs;
}
QGRAIN_AVX2 words smaller(words a, words b) {
  words y;
  asm("vpminud %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
QGRAIN_AVX2 words larger(words a, words b) {
  words y;
  asm("vpmaxud %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}

/// Whether there is a subnormal number; zeros are none.
QGRAIN_AVX2 bool has_subnormal(const floats (&x)[4]) {
  // 2 |x| - 1 in units of the least number: of zero it is the largest.
  const words least = smaller(smaller((as<words>(x[0]) << 1) - 1U, (as<words>(x[1]) << 1) - 1U),
                              smaller((as<words>(x[2]) << 1) - 1U, (as<words>(x[3]) << 1) - 1U));
  return signs_of_bytes(smaller(least, every<0x00FF'FFFFU>()) == least) != 0;
}

QGRAIN_AVX2 bool has_nan(floats a, floats b, floats c, floats d) {
  words first;
  words second;
  asm("vcmpunordps %2, %1, %0" : "=x"(first) : "x"(a), "x"(b));
  asm("vcmpunordps %2, %1, %0" : "=x"(second) : "x"(c), "x"(d));
  return signs_of_bytes(first | second) != 0;
}

/// Whether each lane has some of the bits.
QGRAIN_AVX2 bool all_have_some(const integers (&x)[4], words bits) {
  const words least = smaller(smaller(as<words>(x[0]) & bits, as<words>(x[1]) & bits),
                              smaller(as<words>(x[2]) & bits, as<words>(x[3]) & bits));
  return signs_of_bytes(least == words{}) == 0;
}

/// The nearest integers, ties to even, of numbers that have one; -2^31 of others and of NaN.
QGRAIN_AVX2 integers nearest_numbers(floats x) {
  integers y;
  asm("vcvtps2dq %1, %0" : "=x"(y) : "x"(x));
  return y;
}
QGRAIN_AVX2 floats nearest_integers(floats x) {
  floats y;
  asm("vroundps $8, %1, %0" : "=x"(y) : "x"(x));
  return y;
}

QGRAIN_AVX2 integers larger(integers a, integers b) {
  integers y;
  asm("vpmaxsd %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
QGRAIN_AVX2 halves larger(halves a, halves b) {
  halves y;
  asm("vpmaxuw %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
QGRAIN_AVX2 bytes smaller_signed(bytes a, bytes b) {
  bytes y;
  asm("vpminsb %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
QGRAIN_AVX2 bytes larger_signed(bytes a, bytes b) {
  bytes y;
  asm("vpmaxsb %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}
QGRAIN_AVX2 bytes smaller(bytes a, bytes b) {
  bytes y;
  asm("vpminub %2, %1, %0" : "=x"(y) : "x"(a), "x"(b));
  return y;
}

/// Bit by bit yes or no.
QGRAIN_AVX2 words chosen_by(words mask, words yes, words no) { return no ^ ((no ^ yes) & mask); }
/// A magnitude with the sign of x.
QGRAIN_AVX2 floats with_sign_of(floats magnitude, floats x) {
  return as<floats>(as<words>(magnitude) | (as<words>(x) & every<f32_sign_bit>()));
}
/// The upper halves of both in turn, lane by lane.
QGRAIN_AVX2 words upper_halves(words first, words second) {
  words both;
  asm("vpblendw $0xAA, %2, %1, %0" : "=x"(both) : "x"(first >> 16), "x"(second));
  return both;
}

/// Whether there is a byte whose lower seven bits are ones.
QGRAIN_AVX2 bool has_byte_of_ones(bytes x) {
  const words ones = every<0xFFFF'FFFFU>();
  return signs_of_bytes((x | as<bytes>(every<0x8080'8080U>())) == as<bytes>(ones)) != 0;
}

/// Of each lane the sum of its halves, lower and upper, times numbers.
template <std::uint16_t Lower, std::uint16_t Upper>
QGRAIN_AVX2 integers sum_of_halves(floats x) {
  integers y;
  asm("vpmaddwd %2, %1, %0" : "=x"(y) : "x"(x), "x"(every<std::uint32_t{Upper} << 16U | Lower>()));
  return y;
}
/// Where x > bound, x | bits.
QGRAIN_AVX2 words with_bits_where_above(words x, words bits, words compared, words bound) {
  const words at_most = as<words>(larger(compared, bound) == bound);
  return x | (bits & ~at_most);
}

/// Integers of two vectors each, beyond 16 bits the ends of those: halves of both in turn.
QGRAIN_AVX2 words packed(integers low, integers high) {
  words both;
  asm("vpackssdw %2, %1, %0" : "=x"(both) : "x"(low), "x"(high));
  return both;
}
QGRAIN_AVX2 words packed_bytes(words low, words high) {
  words both;
  asm("vpackuswb %2, %1, %0" : "=x"(both) : "x"(low), "x"(high));
  return both;
}
QGRAIN_AVX2 words packed_signed_bytes(words low, words high) {
  words both;
  asm("vpacksswb %2, %1, %0" : "=x"(both) : "x"(low), "x"(high));
  return both;
}
/// The lower bytes of halves.
QGRAIN_AVX2 half_of_bytes narrowed(halves x) {
  const words lower = as<words>(x) & every<0x00FF'00FFU>();
  half_of_bytes y;
  asm("vpackuswb %2, %1, %0" : "=x"(y) : "x"(lower_half(lower)), "x"(upper_half(lower)));
  return y;
}
/// Four vectors of bytes in 32-bit lanes, one after the other; two, for pairs, in 64-bit lanes.
template <lane_order Order>
QGRAIN_AVX2 bytes in_order(words packed) {
  if constexpr (Order == lane_order::in_pairs) {
    return as<bytes>(__builtin_shufflevector(packed, packed, 0, 1, 4, 5, 2, 3, 6, 7));
  }
  return as<bytes>(__builtin_shufflevector(packed, packed, 0, 4, 1, 5, 2, 6, 3, 7));
}
QGRAIN_AVX2 bytes twice(const byte_order& quarter) {
  bytes y;
  asm("vbroadcasti128 %1, %0" : "=x"(y) : "m"(quarter));
  return y;
}
/// Entries of a table of sixteen bytes in each 128 bits, by the lower four bits; 0 where the uppermost is set.
template <class Vector>
QGRAIN_AVX2 words entries(Vector index, bytes table) {
  words y;
  asm("vpshufb %2, %1, %0" : "=x"(y) : "x"(table), "x"(index));
  return y;
}
/// Bytes of each 128 bits put in another order.
QGRAIN_AVX2 words reordered(words x, const byte_order& order) { return entries(twice(order), as<bytes>(x)); }

/// The numbers of a step of codes below 16, four of each eight in 128 bits.
template <class Decoder>
QGRAIN_AVX2 void values_of_eights(words codes, floats (&out)[4]) {
  const words low = entries(codes, twice(tables_of<Decoder>.lower));
  const words high = entries(codes, twice(tables_of<Decoder>.upper));
  words first;
  words second;
  asm("vpunpcklbw %2, %1, %0" : "=x"(first) : "x"(low), "x"(high));
  asm("vpunpckhbw %2, %1, %0" : "=x"(second) : "x"(low), "x"(high));
  asm("vpunpcklwd %2, %1, %0" : "=x"(out[0]) : "x"(words{}), "x"(first));
  asm("vpunpckhwd %2, %1, %0" : "=x"(out[1]) : "x"(words{}), "x"(first));
  asm("vpunpcklwd %2, %1, %0" : "=x"(out[2]) : "x"(words{}), "x"(second));
  asm("vpunpckhwd %2, %1, %0" : "=x"(out[3]) : "x"(words{}), "x"(second));
}
/// The values of a step of codes by `Decoder`'s table of sixteen, by the lower four bits.
template <class Decoder, class Code>
QGRAIN_AVX2 void table_values(const Code* codes, floats (&out)[4]) {
  const words all = loaded<words>(codes) & every<0x0F0F'0F0FU>();
  values_of_eights<Decoder>(__builtin_shufflevector(all, all, 0, 2, 4, 6, 1, 3, 5, 7), out);
}
/// The same of two codes in a byte, which come into two bytes each.
template <class Decoder>
QGRAIN_AVX2 void nibble_values(const std::uint8_t* from, bit_order order, floats (&out)[4]) {
  constexpr bytes places{0, 0, 1, 1, 4, 4, 5, 5, 8,  8,  9,  9,  12, 12, 13, 13,
                         2, 2, 3, 3, 6, 6, 7, 7, 10, 10, 11, 11, 14, 14, 15, 15};
  bytes all;
  asm("vbroadcasti128 %1, %0" : "=x"(all) : "m"(memory_at<16>(from)));
  const words twofold = entries(places, all);
  const bool low_first = order == bit_order::low_first;
  const words as_is = spread(low_first ? 0x000F'000FU : 0x0F00'0F00U);
  const words shifted = spread(low_first ? 0x0F00'0F00U : 0x000F'000FU);
  values_of_eights<Decoder>((twofold & as_is) | (as<words>(as<halves>(twofold) >> 4) & shifted), out);
}

/// Codes of two vectors in halves.
template <class Code>
QGRAIN_AVX2 halves widened_halves_at(const Code* codes) {
  halves y;
  asm("vpmovzxbw %1, %0" : "=x"(y) : "m"(memory_at<16>(codes)));
  return y;
}
/// Signed codes of a step, shifted and masked, as binary16.
template <int Shift, std::uint16_t Used, class Code>
QGRAIN_AVX2 void shifted_signed_values(const Code* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {
    half_of_halves wide;
    asm("vpmovsxbw %1, %0" : "=x"(wide) : "m"(memory_at<8>(codes + i * lanes)));
    out[i] = widened(wide << Shift & Used);
  }
}
/// Codes of integers as floats.
QGRAIN_AVX2 floats converted(words numbers) {
  floats y;
  asm("vcvtdq2ps %1, %0" : "=x"(y) : "x"(numbers));
  return y;
}
QGRAIN_AVX2 void converted_values(const std::int8_t* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {
    words wide;
    asm("vpmovsxbd %1, %0" : "=x"(wide) : "m"(memory_at<8>(codes + i * lanes)));
    out[i] = converted(wide);
  }
}
QGRAIN_AVX2 void converted_values(const std::uint8_t* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {
    words wide;
    asm("vpmovzxbd %1, %0" : "=x"(wide) : "m"(memory_at<8>(codes + i * lanes)));
    out[i] = converted(wide);
  }
}

/// The largest lane.
QGRAIN_AVX2 std::int32_t largest_lane(integers x) {
  x = larger(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3));
  x = larger(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5));
  return larger(x, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6))[0];
}
/// The largest lane of each of eight vectors of numbers that are not negative, in order.
QGRAIN_AVX2 integers largest_of_each(const integers (&x)[lanes]) {
  integers y[4];
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {  // lane 4 k + {0, 1}: parts of x[i], {2, 3}: of x[i + 4]
    y[i] = larger(__builtin_shufflevector(x[i], x[i + 4], 0, 1, 8, 9, 4, 5, 12, 13),
                  __builtin_shufflevector(x[i], x[i + 4], 2, 3, 10, 11, 6, 7, 14, 15));
  }
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 2; ++i) {  // lane 4 k + {0, 1, 2, 3}: x[i], x[i + 4], x[i + 2], x[i + 6]
    y[i] = larger(__builtin_shufflevector(y[i], y[i + 2], 0, 2, 8, 10, 4, 6, 12, 14),
                  __builtin_shufflevector(y[i], y[i + 2], 1, 3, 9, 11, 5, 7, 13, 15));
  }
  const integers all = larger(__builtin_shufflevector(y[0], y[1], 0, 1, 2, 3, 8, 9, 10, 11),
                              __builtin_shufflevector(y[0], y[1], 4, 5, 6, 7, 12, 13, 14, 15));
  return __builtin_shufflevector(all, all, 0, 4, 2, 6, 1, 5, 3, 7);
}

}  // namespace qgrain::detail::avx2

#endif

#endif
