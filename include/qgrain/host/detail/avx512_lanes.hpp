// Sixteen lanes of 32 bits: the instructions of AVX-512 that the loops over lanes take.
//
// The vectors of g++ and clang, and assembly where they have no operation for an instruction or may not choose another
// (a fused product, a minimum, a conversion): the compilers' own header of intrinsics would cost every user of host.hpp
// a third of its compile time.
#ifndef QGRAIN_HOST_DETAIL_AVX512_LANES_HPP
#define QGRAIN_HOST_DETAIL_AVX512_LANES_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/host/detail/lane_ports.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <array>
#include <cstdint>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

/// Marks what is inlined into loops for AVX-512.
#define QGRAIN_AVX512 __attribute__((always_inline, target("avx512f,avx512bw,avx512dq,avx512vl"))) inline
/// Marks what is called by such: it begins at a line, as the place of a loop in it is worth some percent.
#define QGRAIN_AVX512_APART __attribute__((noinline, aligned(64), target("avx512f,avx512bw,avx512dq,avx512vl")))

namespace qgrain::detail::avx512 {

inline constexpr int lanes = 16;
/// Whether there are operations on 16-bit numbers in halves of lanes: largest_of_each_part, rounded_pair.
inline constexpr bool works_on_halves = true;

using floats = float __attribute__((vector_size(64)));
using words = std::uint32_t __attribute__((vector_size(64)));
using integers = std::int32_t __attribute__((vector_size(64)));
using halves = std::uint16_t __attribute__((vector_size(64)));
using bytes = std::uint8_t __attribute__((vector_size(64)));
using half_of_halves = std::uint16_t __attribute__((vector_size(32)));
using half_of_bytes = std::uint8_t __attribute__((vector_size(32)));
using quarter_of_bytes = std::uint8_t __attribute__((vector_size(16)));

/// Bits of one type as another.
template <class To, class From>
QGRAIN_AVX512 To as(From x) {
  return __builtin_bit_cast(To, x);
}

template <class Vector, class T>
QGRAIN_AVX512 Vector loaded(const T* from) {
  Vector x;
  __builtin_memcpy(&x, from, sizeof x);
  return x;
}
template <class Vector, class T>
QGRAIN_AVX512 void stored(Vector x, T* to) {
  __builtin_memcpy(static_cast<void*>(to), &x, sizeof x);
}
/// Past the caches, to a multiple of the vector's size; `end_of_streaming` is to follow.
template <class Vector, class T>
QGRAIN_AVX512 void streamed(Vector x, T* to) {
  asm volatile("vmovntdq %1, %0" : "=m"(*reinterpret_cast<std::uint8_t(*)[sizeof x]>(to)) : "v"(x));
}

// Widening and conversion, which g++ 12 takes apart.
QGRAIN_AVX512 words widened_words(half_of_halves x) {
  words y;
  asm("vpmovzxwd %1, %0" : "=v"(y) : "v"(x));
  return y;
}
QGRAIN_AVX512 words widened_words(quarter_of_bytes x) {
  words y;
  asm("vpmovzxbd %1, %0" : "=v"(y) : "v"(x));
  return y;
}
QGRAIN_AVX512 integers widened_numbers(quarter_of_bytes signed_bytes) {
  integers y;
  asm("vpmovsxbd %1, %0" : "=v"(y) : "v"(signed_bytes));
  return y;
}
QGRAIN_AVX512 half_of_halves widened_numbers_of_half(quarter_of_bytes signed_bytes) {
  half_of_halves y;
  asm("vpmovsxbw %1, %0" : "=v"(y) : "v"(signed_bytes));
  return y;
}
template <class Code>
QGRAIN_AVX512 halves widened_halves_at(const Code* codes) {
  halves y;
  asm("vpmovzxbw %1, %0" : "=v"(y) : "v"(loaded<half_of_bytes>(codes)));
  return y;
}
QGRAIN_AVX512 half_of_bytes narrowed(halves x) {
  half_of_bytes y;
  asm("vpmovwb %1, %0" : "=v"(y) : "v"(x));
  return y;
}
QGRAIN_AVX512 floats converted(integers x) {
  floats y;
  asm("vcvtdq2ps %1, %0" : "=v"(y) : "v"(x));
  return y;
}

QGRAIN_AVX512 half_of_halves lower_half(halves x) {
  return __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
QGRAIN_AVX512 half_of_halves upper_half(halves x) {
  return __builtin_shufflevector(x, x, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
}

/// Sixteen elements as floats.
QGRAIN_AVX512 floats widened_at(const float* from) { return loaded<floats>(from); }
QGRAIN_AVX512 floats widened_at(const bfloat16* from) {
  return as<floats>(widened_words(loaded<half_of_halves>(from)) << 16U);
}
QGRAIN_AVX512 floats widened(half_of_halves binary16) {
  floats x;
  asm("vcvtph2ps %1, %0" : "=v"(x) : "v"(binary16));
  return x;
}
QGRAIN_AVX512 floats widened_lower(halves binary16) { return widened(lower_half(binary16)); }
QGRAIN_AVX512 floats widened_upper(halves binary16) { return widened(upper_half(binary16)); }
QGRAIN_AVX512 floats widened_at(const float16* from) { return widened(loaded<half_of_halves>(from)); }

/// Rounded to bfloat16: from_float<bfloat16>.
QGRAIN_AVX512 half_of_halves rounded(floats x, bfloat16) {
  const words bits = as<words>(x);
  words upper = (bits + ((bits >> 16U & 1U) + 0x7FFFU)) >> 16U;
  std::uint16_t nan = 0;
  asm("vcmpunordps %1, %1, %0" : "=k"(nan) : "v"(x));
  asm("vmovdqa32 %1, %0 %{%2%}" : "+v"(upper) : "v"(bits >> 16U | 0x0040U), "Yk"(nan));
  half_of_halves y;
  asm("vpmovdw %1, %0" : "=v"(y) : "v"(upper));
  return y;
}

/// To binary16: from_float<float16>.
QGRAIN_AVX512 half_of_halves rounded(floats x, float16) {
  half_of_halves y;
  asm("vcvtps2ph $0, %1, %0" : "=v"(y) : "v"(x));
  return y;
}

/// The same number in all lanes.
QGRAIN_AVX512 floats spread(float x) { return floats{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
/// The same where it lies, for the operations that take it from there: two loads that spread a number and two of data
/// take longer than two and two operations that do both.
struct spread_number {
  const float* at;
  QGRAIN_AVX512 explicit operator floats() const {
    floats y;
    asm("vbroadcastss %1, %0" : "=v"(y) : "m"(*at));
    return y;
  }
};
QGRAIN_AVX512 spread_number spread_number_at(const float* x) { return {x}; }
QGRAIN_AVX512 words spread(std::uint32_t x) { return words{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }

template <std::uint32_t Value>
inline constexpr std::uint32_t word_in_memory = Value;
/// The same of a constant, from memory: g++ would make it of a general register in each turn of a loop, which takes the
/// time of two operations.
template <std::uint32_t Value>
QGRAIN_AVX512 words every() {
  words y;
  asm("vpbroadcastd %1, %0" : "=v"(y) : "m"(word_in_memory<Value>));
  return y;
}

/// Two vectors without NaN, one after the other. Rounded up where the lower half is beyond the middle, or there and the
/// upper one odd.
QGRAIN_AVX512 halves rounded_pair(floats first, floats second) {
  constexpr halves upper_places{1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  constexpr halves lower_places{0,  2,  4,  6,  8,  10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
                                32, 34, 36, 38, 40, 42, 44, 46, 48, 50, 52, 54, 56, 58, 60, 62};
  halves upper = as<halves>(first);
  halves lower = as<halves>(first);
  asm("vpermt2w %2, %1, %0" : "+v"(upper) : "v"(upper_places), "v"(second));
  asm("vpermt2w %2, %1, %0" : "+v"(lower) : "v"(lower_places), "v"(second));
  // lower | (upper & 1)
  asm("vpternlogd $0xF8, %2, %1, %0" : "+v"(lower) : "v"(upper), "v"(every<0x0001'0001U>()));
  std::uint32_t is_beyond = 0;
  asm("vpcmpnleuw %2, %1, %0" : "=Yk"(is_beyond) : "v"(lower), "v"(every<0x8000'8000U>()));
  asm("vpsubw %1, %0, %0 %{%2%}" : "+v"(upper) : "v"(every<0xFFFF'FFFFU>()), "Yk"(is_beyond));
  return upper;
}

/// a * b, which is never fused into a sum.
QGRAIN_AVX512 floats product(floats a, floats b) {
  floats p;
  asm("vmulps %2, %1, %0" : "=v"(p) : "v"(a), "v"(b));
  return p;
}

QGRAIN_AVX512 floats product(floats a, spread_number b) {
  floats p;
  asm("vmulps %2%{1to16%}, %1, %0" : "=v"(p) : "v"(a), "m"(*b.at));
  return p;
}

/// a * b + c, rounded once.
QGRAIN_AVX512 floats fused(floats a, floats b, floats c) {
  asm("vfmadd231ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
  return c;
}
QGRAIN_AVX512 floats fused(floats a, spread_number b, floats c) {
  asm("vfmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(a), "m"(*b.at));
  return c;
}

/// c - a * b, rounded once.
QGRAIN_AVX512 floats fused_rest(floats a, floats b, floats c) {
  asm("vfnmadd231ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
  return c;
}
QGRAIN_AVX512 floats fused_rest(floats a, spread_number b, floats c) {
  asm("vfnmadd231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(a), "m"(*b.at));
  return c;
}

/// a * b - c, rounded once.
QGRAIN_AVX512 floats excess(floats a, floats b, floats c) {
  asm("vfmsub231ps %2, %1, %0" : "+v"(c) : "v"(a), "v"(b));
  return c;
}
QGRAIN_AVX512 floats excess(floats a, spread_number b, floats c) {
  asm("vfmsub231ps %2%{1to16%}, %1, %0" : "+v"(c) : "v"(a), "m"(*b.at));
  return c;
}

/// x / divisor from the rounded reciprocal: see lane_rules.hpp.
template <class Divisor, class Reciprocal>
QGRAIN_AVX512 floats quotient(floats x, Divisor divisor, Reciprocal reciprocal) {
  const floats q = product(x, reciprocal);
  return fused(fused_rest(q, divisor, x), reciprocal, q);
}

/// The same, zeros with the sign of x.
template <class Divisor, class Reciprocal>
QGRAIN_AVX512 floats signed_quotient(floats x, Divisor divisor, Reciprocal reciprocal) {
  const floats q = product(x, reciprocal);
  return fused_rest(excess(q, divisor, x), reciprocal, q);
}

/// x, or `limit` with the sign of x where that is nearer to zero; `limit` for NaN.
QGRAIN_AVX512 floats limited(floats x, floats limit) {
  floats y;
  asm("vrangeps $2, %2, %1, %0" : "=v"(y) : "v"(x), "v"(limit));
  return y;
}
/// The same in a register until it is not needed any more: g++ would read it again.
template <class Vector>
QGRAIN_AVX512 Vector held(Vector x) {
  asm("" : "+v"(x));
  return x;
}
/// x, or `least` with the sign of x where that is farther from zero.
QGRAIN_AVX512 floats beyond(floats x, floats least) {
  floats y;
  asm("vrangeps $3, %2, %1, %0" : "=v"(y) : "v"(x), "v"(least));
  return y;
}
/// Its magnitude.
QGRAIN_AVX512 floats limited_magnitude(floats x, floats limit) {
  floats y;
  asm("vrangeps $10, %2, %1, %0" : "=v"(y) : "v"(x), "v"(limit));
  return y;
}
/// The smaller one; b if one is NaN.
QGRAIN_AVX512 floats smaller(floats a, floats b) {
  floats y;
  asm("vminps %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}

/// The larger one; b if one is NaN or both are zero.
QGRAIN_AVX512 floats larger(floats a, floats b) {
  floats y;
  asm("vmaxps %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}

QGRAIN_AVX512 halves smaller(halves a, halves b) {
  halves y;
  asm("vpminuw %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}

/// Whether there is a subnormal number; zeros are none.
QGRAIN_AVX512 bool has_subnormal(const floats (&x)[4]) {
  std::uint16_t found[4];
  asm("vfpclassps $0x20, %1, %0" : "=k"(found[0]) : "v"(x[0]));
  asm("vfpclassps $0x20, %1, %0" : "=k"(found[1]) : "v"(x[1]));
  asm("vfpclassps $0x20, %1, %0" : "=k"(found[2]) : "v"(x[2]));
  asm("vfpclassps $0x20, %1, %0" : "=k"(found[3]) : "v"(x[3]));
  return (found[0] | found[1] | found[2] | found[3]) != 0;
}

QGRAIN_AVX512 bool has_nan(floats a, floats b, floats c, floats d) {
  std::uint16_t first = 0;
  std::uint16_t second = 0;
  asm("vcmpunordps %2, %1, %0" : "=k"(first) : "v"(a), "v"(b));
  asm("vcmpunordps %2, %1, %0" : "=k"(second) : "v"(c), "v"(d));
  return (first | second) != 0;
}

/// Whether each lane has some of the bits, the upper ones of its lower half: one comparison of the least halves, which
/// leaves the units for products more room than four tests.
QGRAIN_AVX512 bool all_have_some(const integers (&x)[4], words bits) {
  std::uint16_t none = 0;
  asm("vptestnmd %2, %1, %0"
      : "=k"(none)
      : "v"(smaller(smaller(as<halves>(x[0]), as<halves>(x[1])), smaller(as<halves>(x[2]), as<halves>(x[3])))),
        "v"(bits));
  return none == 0;
}

/// The nearest integers, ties to even, of numbers that have one; -2^31 of others and of NaN.
QGRAIN_AVX512 integers nearest_numbers(floats x) {
  integers y;
  asm("vcvtps2dq %1, %0" : "=v"(y) : "v"(x));
  return y;
}
QGRAIN_AVX512 floats nearest_integers(floats x) {
  floats y;
  asm("vrndscaleps $8, %1, %0" : "=v"(y) : "v"(x));
  return y;
}

QGRAIN_AVX512 integers larger(integers a, integers b) {
  integers y;
  asm("vpmaxsd %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}
QGRAIN_AVX512 halves larger(halves a, halves b) {
  halves y;
  asm("vpmaxuw %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}
QGRAIN_AVX512 bytes smaller_signed(bytes a, bytes b) {
  bytes y;
  asm("vpminsb %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}

QGRAIN_AVX512 bytes larger_signed(bytes a, bytes b) {
  bytes y;
  asm("vpmaxsb %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}
QGRAIN_AVX512 bytes smaller(bytes a, bytes b) {
  bytes y;
  asm("vpminub %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}

/// Bit by bit yes or no.
QGRAIN_AVX512 words chosen_by(words mask, words yes, words no) {
  asm("vpternlogd $0xD8, %2, %1, %0" : "+v"(no) : "v"(yes), "v"(mask));
  return no;
}

/// A magnitude with the sign of x.
QGRAIN_AVX512 floats with_sign_of(floats magnitude, floats x) {
  return as<floats>(chosen_by(every<0x8000'0000U>(), as<words>(x), as<words>(magnitude)));
}
/// Places for a permutation, from memory before a loop: g++ would read those of a vector of constants in each turn.
template <class Places>
QGRAIN_AVX512 words places_at(const Places& places) {
  words y;
  static_assert(sizeof places == sizeof y);
  asm("vmovups %1, %0" : "=v"(y) : "m"(places));
  return y;
}

inline constexpr std::array<std::uint16_t, 32> upper_halves_in_turn = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                                                       23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                                                       45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
inline constexpr std::array<std::uint16_t, 32> upper_halves_in_pairs = {1,  33, 3,  35, 5,  37, 7,  39, 9,  41, 11,
                                                                        43, 13, 45, 15, 47, 17, 49, 19, 51, 21, 53,
                                                                        23, 55, 25, 57, 27, 59, 29, 61, 31, 63};
/// The upper halves of both in the order of elements.
template <lane_order Order>
QGRAIN_AVX512 words ordered_upper_halves(words first, words second) {
  constexpr const auto& places = Order == lane_order::in_pairs ? upper_halves_in_pairs : upper_halves_in_turn;
  asm("vpermt2w %2, %1, %0" : "+v"(first) : "v"(places_at(places)), "v"(second));
  return first;
}

/// Whether there is a byte whose lower seven bits are ones.
QGRAIN_AVX512 bool has_byte_of_ones(bytes x) {
  std::uint64_t found = 0;
  asm("vpcmpeqb %2, %1, %0" : "=k"(found) : "v"(x | std::uint8_t{0x80}), "v"(every<0xFFFF'FFFFU>()));
  return found != 0;
}

/// Of each lane the sum of its halves, lower and upper, times numbers.
template <std::uint16_t Lower, std::uint16_t Upper>
QGRAIN_AVX512 integers sum_of_halves(floats x) {
  integers y;
  asm("vpmaddwd %2, %1, %0" : "=v"(y) : "v"(x), "v"(every<std::uint32_t{Upper} << 16U | Lower>()));
  return y;
}
/// Where x > bound, x | bits.
QGRAIN_AVX512 words with_bits_where_above(words x, words bits, words compared, words bound) {
  std::uint16_t above = 0;
  asm("vpcmpnleud %2, %1, %0" : "=k"(above) : "v"(compared), "v"(bound));
  asm("vpord %2, %1, %0 %{%3%}" : "+v"(x) : "v"(x), "v"(bits), "Yk"(above));
  return x;
}

/// Entries of a table of sixteen, by the lower four bits.
QGRAIN_AVX512 floats entries(words index, floats table) {
  floats y;
  asm("vpermps %2, %1, %0" : "=v"(y) : "v"(index), "v"(table));
  return y;
}

/// Eight bytes in each of the eight places.
QGRAIN_AVX512 bytes eight_at(const std::uint8_t* from) {
  bytes y;
  asm("vpbroadcastq %1, %0" : "=v"(y) : "m"(*reinterpret_cast<const std::uint8_t(*)[8]>(from)));
  return y;
}
/// Bytes of each 128 bits by places there.
QGRAIN_AVX512 bytes shuffled(bytes x, bytes places) {
  bytes y;
  asm("vpshufb %2, %1, %0" : "=v"(y) : "v"(x), "v"(places));
  return y;
}
/// The upper halves of products.
QGRAIN_AVX512 halves upper_product(bytes x, halves factors) {
  halves y;
  asm("vpmulhuw %2, %1, %0" : "=v"(y) : "v"(x), "v"(factors));
  return y;
}

/// The values of a step of codes by `Decoder`'s table of sixteen, by the lower four bits.
template <class Decoder, class Code>
QGRAIN_AVX512 void table_values(const Code* codes, floats (&out)[4]) {
  const floats table = loaded<floats>(Decoder::table.data());
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) out[i] = entries(widened_words(loaded<quarter_of_bytes>(codes + i * lanes)), table);
}
/// The same of two codes in a byte. Each lane has its byte in all four places, 257 times it in its lower half, of which
/// a product by 2^12 brings the upper code into the lowest bits of what is above 16 bits, one by 2^8 the lower code:
/// other bits stay above them. Products have ports of their own where shifts by lanes share that of the permutations.
template <class Decoder>
QGRAIN_AVX512 void nibble_values(const std::uint8_t* from, bit_order order, floats (&out)[4]) {
  constexpr bytes places{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2,
                         2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5,
                         5, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 7, 7, 7};
  constexpr std::uint32_t lower = 1U << 8;
  constexpr std::uint32_t upper = 1U << 12;
  constexpr words low_first{lower, upper, lower, upper, lower, upper, lower, upper,
                            lower, upper, lower, upper, lower, upper, lower, upper};
  constexpr words high_first{upper, lower, upper, lower, upper, lower, upper, lower,
                             upper, lower, upper, lower, upper, lower, upper, lower};
  const halves factors = as<halves>(order == bit_order::low_first ? low_first : high_first);
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {
    const bytes spread_codes = shuffled(eight_at(from + 8 * i), places);
    out[i] = entries(as<words>(upper_product(spread_codes, factors)), loaded<floats>(Decoder::table.data()));
  }
}
/// Signed codes of a step, shifted and masked, as binary16.
template <int Shift, std::uint16_t Used, class Code>
QGRAIN_AVX512 void shifted_signed_values(const Code* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {
    out[i] = widened(widened_numbers_of_half(loaded<quarter_of_bytes>(codes + i * lanes)) << Shift & Used);
  }
}
/// Codes of integers as floats.
QGRAIN_AVX512 void converted_values(const std::int8_t* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) out[i] = converted(widened_numbers(loaded<quarter_of_bytes>(codes + i * lanes)));
}
QGRAIN_AVX512 void converted_values(const std::uint8_t* codes, floats (&out)[4]) {
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {
    out[i] = converted(as<integers>(widened_words(loaded<quarter_of_bytes>(codes + i * lanes))));
  }
}

inline constexpr std::array<std::uint32_t, 16> quarters_in_turn = {0, 4, 8,  12, 1, 5, 9,  13,
                                                                   2, 6, 10, 14, 3, 7, 11, 15};
inline constexpr std::array<std::uint32_t, 16> quarters_in_pairs = {0, 1, 4, 5, 8,  9,  12, 13,
                                                                    2, 3, 6, 7, 10, 11, 14, 15};
/// Lanes of a vector, by the lower four bits.
QGRAIN_AVX512 words permuted(words index, words x) {
  words y;
  asm("vpermd %2, %1, %0" : "=v"(y) : "v"(index), "v"(x));
  return y;
}
/// Four vectors of bytes in 32-bit lanes, one after the other; two, for pairs, in 64-bit lanes.
template <lane_order Order = lane_order::in_turn>
QGRAIN_AVX512 bytes in_order(words packed) {
  return as<bytes>(permuted(places_at(Order == lane_order::in_pairs ? quarters_in_pairs : quarters_in_turn), packed));
}
/// Integers of two vectors each, beyond 16 bits the ends of those: quarters of both in turn.
QGRAIN_AVX512 words packed(integers low, integers high) {
  words both;
  asm("vpackssdw %2, %1, %0" : "=v"(both) : "v"(low), "v"(high));
  return both;
}
QGRAIN_AVX512 words packed_bytes(words low, words high) {
  words both;
  asm("vpackuswb %2, %1, %0" : "=v"(both) : "v"(low), "v"(high));
  return both;
}
QGRAIN_AVX512 words packed_signed_bytes(words low, words high) {
  words both;
  asm("vpacksswb %2, %1, %0" : "=v"(both) : "v"(low), "v"(high));
  return both;
}
/// Bytes of each 128 bits put in another order.
QGRAIN_AVX512 words reordered(words x, const byte_order& order) {
  words quarter;
  asm("vbroadcasti32x4 %1, %0" : "=v"(quarter) : "m"(order));
  asm("vpshufb %1, %0, %0" : "+v"(x) : "v"(quarter));
  return x;
}
/// The largest lane.
QGRAIN_AVX512 std::int32_t largest_lane(integers x) {
  x = larger(x, __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  x = larger(x, __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
  x = larger(x, __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
  return larger(x, __builtin_shufflevector(x, x, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14))[0];
}
/// The larger numbers of both, of those that `Numbers` has.
template <class Numbers>
QGRAIN_AVX512 words larger_of_both(words a, words b) {
  return as<words>(larger(as<Numbers>(a), as<Numbers>(b)));
}
/// The largest lane of each of sixteen vectors of numbers that are not negative, in order; of halves of lanes the
/// largest lower one and the largest upper one.
template <class Numbers>
QGRAIN_AVX512 Numbers largest_of_each(const Numbers (&x)[lanes]) {
  words y[8];
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 8; ++i) {  // lane 4 k + {0, 1}: parts of x[i], {2, 3}: of x[i + 8]
    const words a = as<words>(x[i]);
    const words b = as<words>(x[i + 8]);
    y[i] = larger_of_both<Numbers>(
        __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
        __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31));
  }
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {  // lane 4 k + {0, 1, 2, 3}: x[i], x[i + 4], x[i + 8], x[i + 12]
    y[i] = larger_of_both<Numbers>(
        __builtin_shufflevector(y[i], y[i + 4], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30),
        __builtin_shufflevector(y[i], y[i + 4], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31));
  }
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 2; ++i) {  // quarters: two of x[i + ...], two of x[i + 2 + ...]
    y[i] = larger_of_both<Numbers>(
        __builtin_shufflevector(y[i], y[i + 2], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
        __builtin_shufflevector(y[i], y[i + 2], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
  }
  const words all = larger_of_both<Numbers>(
      __builtin_shufflevector(y[0], y[1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
      __builtin_shufflevector(y[0], y[1], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
  // Quarters of `all`: x[0 + 4 j], x[2 + 4 j], x[1 + 4 j], x[3 + 4 j] for j = 0 to 3.
  return as<Numbers>(__builtin_shufflevector(all, all, 0, 8, 4, 12, 1, 9, 5, 13, 2, 10, 6, 14, 3, 11, 7, 15));
}

/// The largest halves of each vector's lower and upper lanes, of sixteen vectors. Halves of lanes are those of x[i] and
/// x[i + 8], quarters the lower lanes of x[0], x[2], x[4], x[6], their upper lanes, and the same of x[1] and so on.
QGRAIN_AVX512 halves largest_of_parts(const halves (&x)[lanes]) {
  words y[8];
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 8; ++i) {
    const words first = as<words>(x[i]);
    const words second = as<words>(x[i + 8]);
    y[i] = as<words>(larger(as<halves>(chosen_by(every<0xFFFF'0000U>(), second, first >> 16)),
                            as<halves>(chosen_by(every<0xFFFF'0000U>(), second << 16, first))));
  }
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 4; ++i) {  // lane 4 k + {0, 1}: parts of y[i], {2, 3}: of y[i + 4]
    y[i] = as<words>(larger(
        as<halves>(__builtin_shufflevector(y[i], y[i + 4], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)),
        as<halves>(
            __builtin_shufflevector(y[i], y[i + 4], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31))));
  }
  QGRAIN_UNROLLED_VECTORS
  for (int i = 0; i < 2; ++i) {  // lane 4 k + {0, 1, 2, 3}: y[i], y[i + 2], y[i + 4], y[i + 6]
    y[i] = as<words>(larger(
        as<halves>(__builtin_shufflevector(y[i], y[i + 2], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)),
        as<halves>(
            __builtin_shufflevector(y[i], y[i + 2], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31))));
  }
  return larger(
      as<halves>(__builtin_shufflevector(y[0], y[1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)),
      as<halves>(__builtin_shufflevector(y[0], y[1], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)));
}
/// The largest half of the lower and of the upper lanes of each, in order, as the upper halves of lanes.
QGRAIN_AVX512 void largest_of_each_part(const halves (&x)[lanes], integers& first, integers& second) {
  const words parts = as<words>(largest_of_parts(x));
  const words all = __builtin_shufflevector(parts, parts, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  first = as<integers>(all << 16);
  second = as<integers>(all & every<0xFFFF'0000U>());
}

}  // namespace qgrain::detail::avx512

#endif

#endif
