// ggml's blocks of integers and MXFP4 over lanes of AVX-512 and AVX2: ranges of as many blocks as there are lanes side
// by side, their scales in lanes, then the codes of one or two blocks at a time. What the text of the loops,
// ggml_lanes.inc, needs besides the operations of the sets (host/detail) is here.
#ifndef QGRAIN_INTEROP_DETAIL_GGML_LANES_HPP
#define QGRAIN_INTEROP_DETAIL_GGML_LANES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/lane_kernels.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/interop/detail/ggml_blocks.hpp>
#include <qgrain/interop/detail/ggml_codes.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace qgrain::interop::detail {

/// Blocks with loops over lanes.
template <class B>
concept ggml_lane_block = std::same_as<B, ggml_q8_0> || std::same_as<B, ggml_q4_0> || std::same_as<B, ggml_q4_1> ||
    std::same_as<B, ggml_q5_0> || std::same_as<B, ggml_q5_1> || std::same_as<B, ggml_mxfp4>;

/// Magnitudes of twice the values of E2M1.
alignas(32) inline constexpr std::array<float, 8> twice_e2m1_magnitudes = [] {
  std::array<float, 8> all{};
  for (int code = 0; code < 8; ++code) all[static_cast<std::size_t>(code)] = twice_e2m1(code);
  return all;
}();

/// One block by its definition.
template <class B>
struct ggml_encode_block {
  QGRAIN_ALWAYS_INLINE static void run(const float* x, B* block) { *block = B::encode(x); }
};

}  // namespace qgrain::interop::detail

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace qgrain::detail::avx512 {

/// The integer part.
QGRAIN_AVX512 integers truncated(floats x) {
  integers y;
  asm("vcvttps2dq %1, %0" : "=v"(y) : "v"(x));
  return y;
}
/// The least integer that is not below.
QGRAIN_AVX512 integers rounded_up(floats x) {
  integers y;
  asm("vcvtps2dq %{ru-sae%}, %1, %0" : "=v"(y) : "v"(x));
  return y;
}
QGRAIN_AVX512 words larger(words a, words b) {
  words y;
  asm("vpmaxud %2, %1, %0" : "=v"(y) : "v"(a), "v"(b));
  return y;
}
/// The fifth bit of each byte.
QGRAIN_AVX512 std::uint64_t fifth_bits(bytes x) {
  std::uint64_t bits = 0;
  asm("vpmovb2m %1, %0" : "=k"(bits) : "v"(as<words>(x) << 3));
  return bits;
}
/// The codes of block k of those in a vector, a byte each.
template <int K>
QGRAIN_AVX512 half_of_bytes codes_of_block(bytes x) {
  constexpr int first = 8 * K;
  return as<half_of_bytes>(__builtin_shufflevector(as<words>(x), as<words>(x), first, first + 1, first + 2, first + 3,
                                                   first + 4, first + 5, first + 6, first + 7));
}
/// The same two in a byte: element i beside element i + 16.
template <int K>
QGRAIN_AVX512 quarter_of_bytes nibbles_of_block(bytes x) {
  const words all = as<words>(x);
  constexpr int first = 8 * K;
  const auto low = __builtin_shufflevector(all, all, first, first + 1, first + 2, first + 3);
  const auto high = __builtin_shufflevector(all, all, first + 4, first + 5, first + 6, first + 7);
  return as<quarter_of_bytes>((low & 0x0F0F'0F0FU) | (high & 0x0F0F'0F0FU) << 4);
}

/// A float16 in all lanes.
QGRAIN_AVX512 floats spread_half(std::uint16_t bits) { return widened(half_of_halves{} + bits); }
/// Bytes as numbers, with signs and without.
QGRAIN_AVX512 floats signed_numbers_at(const std::int8_t* from) {
  return converted(widened_numbers(loaded<quarter_of_bytes>(from)));
}
QGRAIN_AVX512 words bytes_at(const std::uint8_t* from) { return widened_words(loaded<quarter_of_bytes>(from)); }
QGRAIN_AVX512 floats numbers_of(words x) { return converted(as<integers>(x)); }
QGRAIN_AVX512 words places() { return words{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }
/// Entries of a table of eight, by the lower three bits.
QGRAIN_AVX512 floats entries_of_8(words index, const float* table) {
  struct half {
    float of_table[8];
  };
  floats twice;
  asm("vbroadcastf64x4 %1, %0" : "=v"(twice) : "m"(*reinterpret_cast<const half*>(table)));
  return entries(index, twice);
}

#define QGRAIN_LANES QGRAIN_AVX512
#include <qgrain/interop/detail/ggml_lanes.inc>
#undef QGRAIN_LANES

}  // namespace qgrain::detail::avx512

namespace qgrain::detail::avx2 {

QGRAIN_AVX2 integers truncated(floats x) {
  integers y;
  asm("vcvttps2dq %1, %0" : "=x"(y) : "x"(x));
  return y;
}
QGRAIN_AVX2 integers rounded_up(floats x) {
  floats y;
  asm("vroundps $10, %1, %0" : "=x"(y) : "x"(x));
  return nearest_numbers(y);
}
QGRAIN_AVX2 std::uint64_t fifth_bits(bytes x) { return signs_of_bytes(as<words>(x) << 3); }
template <int>
QGRAIN_AVX2 bytes codes_of_block(bytes x) {
  return x;
}
template <int>
QGRAIN_AVX2 half_of_words nibbles_of_block(bytes x) {
  return (lower_half(x) & 0x0F0F'0F0FU) | (upper_half(x) & 0x0F0F'0F0FU) << 4;
}

QGRAIN_AVX2 floats spread_half(std::uint16_t bits) { return widened(half_of_halves{} + bits); }
QGRAIN_AVX2 floats signed_numbers_at(const std::int8_t* from) {
  words wide;
  asm("vpmovsxbd %1, %0" : "=x"(wide) : "m"(memory_at<8>(from)));
  return converted(wide);
}
QGRAIN_AVX2 words bytes_at(const std::uint8_t* from) {
  words wide;
  asm("vpmovzxbd %1, %0" : "=x"(wide) : "m"(memory_at<8>(from)));
  return wide;
}
QGRAIN_AVX2 floats numbers_of(words x) { return converted(x); }
QGRAIN_AVX2 words places() { return words{0, 1, 2, 3, 4, 5, 6, 7}; }

#define QGRAIN_LANES QGRAIN_AVX2
#include <qgrain/interop/detail/ggml_lanes.inc>
#undef QGRAIN_LANES

}  // namespace qgrain::detail::avx2

#endif

namespace qgrain::interop::detail {

/// What run_widest finds beside the definitions of rows of blocks.
template <class B>
struct ggml_encoding_loops {};
template <class B>
struct ggml_decoding_loops {};
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
template <ggml_lane_block B>
struct ggml_encoding_loops<B> {
  using avx512_loop = qgrain::detail::avx512::ggml_encoding_loop<B>;
  using avx2_loop = qgrain::detail::avx2::ggml_encoding_loop<B>;
};
template <ggml_lane_block B>
struct ggml_decoding_loops<B> {
  using avx512_loop = qgrain::detail::avx512::ggml_decoding_loop<B>;
  using avx2_loop = qgrain::detail::avx2::ggml_decoding_loop<B>;
};
#endif

/// Whether those run here.
template <class B>
[[nodiscard]] bool encodes_in_lanes() {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  if constexpr (ggml_lane_block<B>) return chosen_instruction_set() != instruction_set::baseline;
#endif
  return false;
}

}  // namespace qgrain::interop::detail

#endif
