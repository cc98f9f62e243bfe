// Codebooks of sixteen entries over lanes: a code is found in four steps, in each of which lanes look up the limit that
// they compare with, and stands for an entry that lanes look up.
#ifndef QGRAIN_HOST_DETAIL_CODEBOOK_LANES_HPP
#define QGRAIN_HOST_DETAIL_CODEBOOK_LANES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/host/detail/avx2_lanes.hpp>
#include <qgrain/host/detail/avx512_lanes.hpp>
#include <qgrain/host/detail/neon_lanes.hpp>
#include <qgrain/host/instruction_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3 || QGRAIN_HOST_NEON

namespace qgrain::detail {

/// Entries, and the largest float of each code but the last.
template <class Format>
struct codebook_tables {
  alignas(64) static constexpr std::array<float, 16> entries = [] {
    std::array<float, 16> all{};
    for (std::size_t i = 0; i < 16; ++i) all[i] = Format::decode(static_cast<typename Format::code_type>(i));
    return all;
  }();
  alignas(64) static constexpr std::array<float, 16> limits = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<float, 16>{Format::template last_of<I>..., std::numeric_limits<float>::infinity()};
  }
  (std::make_integer_sequence<int, 15>{});
  /// At place i the limit First places on.
  template <std::size_t First>
  alignas(64) static constexpr std::array<float, 16> limits_from = [] {
    std::array<float, 16> some{};
    for (std::size_t i = 0; i < 16; ++i) some[i] = limits[(i + First) % 16];
    return some;
  }();
  /// Those that a step compares with, by what the steps before have found of a code: of four, two and one lower bits.
  template <std::size_t Bits>
  static constexpr std::array<float, 8> limits_of_step = [] {
    std::array<float, 8> some{};
    for (std::size_t i = 0; i < 8; ++i) some[i] = limits[(i % (16 >> (Bits + 1)) << (Bits + 1)) + (1U << Bits) - 1];
    return some;
  }();
};

}  // namespace qgrain::detail

#endif

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace qgrain::detail::avx512 {

/// Where x > bound, codes | bits; not for NaN.
QGRAIN_AVX512 words with_bits_where_larger(words codes, words bits, floats x, floats bound) {
  std::uint16_t above = 0;
  asm("vcmpps $30, %2, %1, %0" : "=k"(above) : "v"(x), "v"(bound));
  asm("vpord %2, %1, %0 %{%3%}" : "+v"(codes) : "v"(codes), "v"(bits), "Yk"(above));
  return codes;
}
/// Codes of sixteen numbers.
template <class Format>
QGRAIN_AVX512 integers codebook_codes(floats x) {
  using tables = codebook_tables<Format>;
  words codes = with_bits_where_larger(words{}, every<8>(), x, spread(tables::limits[7]));
  codes = with_bits_where_larger(codes, every<4>(), x,
                                 entries(codes, loaded<floats>(tables::template limits_from<3>.data())));
  codes = with_bits_where_larger(codes, every<2>(), x,
                                 entries(codes, loaded<floats>(tables::template limits_from<1>.data())));
  return as<integers>(
      with_bits_where_larger(codes, every<1>(), x, entries(codes, loaded<floats>(tables::limits.data()))));
}
/// Their entries.
template <class Format>
QGRAIN_AVX512 floats codebook_entries(words codes) {
  return entries(codes, loaded<floats>(codebook_tables<Format>::entries.data()));
}
/// Codes from memory; those beyond the last one are that one.
QGRAIN_AVX512 words codebook_codes_at(const std::uint8_t* codes) {
  words y;
  asm("vpminud %2, %1, %0" : "=v"(y) : "v"(widened_words(loaded<quarter_of_bytes>(codes))), "v"(words{} + 15U));
  return y;
}

}  // namespace qgrain::detail::avx512

namespace qgrain::detail::avx2 {

/// Entries of a table of eight, by the lower three bits.
QGRAIN_AVX2 floats entries_of_8(words index, const float* table) {
  floats y;
  asm("vpermps %2, %1, %0" : "=x"(y) : "x"(index), "m"(memory_at<32>(table)));
  return y;
}
/// 2 codes, and 1 more where x > bound.
QGRAIN_AVX2 words with_next_bit(words codes, floats x, floats bound) { return codes + codes - as<words>(x > bound); }
template <class Format>
QGRAIN_AVX2 integers codebook_codes(floats x) {
  using tables = codebook_tables<Format>;
  words codes = words{} - as<words>(x > spread(tables::limits[7]));
  codes = with_next_bit(codes, x, entries_of_8(codes, tables::template limits_of_step<2>.data()));
  codes = with_next_bit(codes, x, entries_of_8(codes, tables::template limits_of_step<1>.data()));
  return as<integers>(with_next_bit(codes, x, entries_of_8(codes, tables::template limits_of_step<0>.data())));
}
template <class Format>
QGRAIN_AVX2 floats codebook_entries(words codes) {
  const float* const table = codebook_tables<Format>::entries.data();
  const floats low = entries_of_8(codes, table);
  floats y;
  asm("vblendvps %3, %2, %1, %0" : "=x"(y) : "x"(low), "x"(entries_of_8(codes, table + 8)), "x"(codes << 28));
  return y;
}
QGRAIN_AVX2 words codebook_codes_at(const std::uint8_t* codes) {
  words wide;
  asm("vpmovzxbd %1, %0" : "=x"(wide) : "m"(memory_at<8>(codes)));
  return smaller(wide, words{} + 15U);
}

}  // namespace qgrain::detail::avx2

#elif QGRAIN_HOST_NEON

namespace qgrain::detail::neon {

/// The limit at places First, First + Step and so on, as many as the bits found so far tell apart.
template <class Format, std::size_t First, std::size_t Step, std::size_t Found>
QGRAIN_NEON floats limit_of(const words (&above)[3]) {
  if constexpr (Found == 0) {
    return spread(codebook_tables<Format>::limits[First]);
  } else {
    // The last bit found tells neighbours apart.
    const words low = as<words>(limit_of<Format, First, 2 * Step, Found - 1>(above));
    const words high = as<words>(limit_of<Format, First + Step, 2 * Step, Found - 1>(above));
    return as<floats>(chosen_by(above[Found - 1], high, low));
  }
}
template <class Format>
QGRAIN_NEON integers codebook_codes(floats x) {
  words above[3] = {};
  above[0] = as<words>(x > limit_of<Format, 7, 8, 0>(above));
  above[1] = as<words>(x > limit_of<Format, 3, 8, 1>(above));
  above[2] = as<words>(x > limit_of<Format, 1, 4, 2>(above));
  const words last = as<words>(x > limit_of<Format, 0, 2, 3>(above));
  return as<integers>((above[0] & 8U) | (above[1] & 4U) | (above[2] & 2U) | (last & 1U));
}
/// The bytes of a code's entry are among four vectors; where an index is beyond one of them, it gives zeros.
template <class Format>
QGRAIN_NEON floats codebook_entries(words codes) {
  const float* const table = codebook_tables<Format>::entries.data();
  const auto index = as<bytes>(codes * 0x0404'0404U + 0x0302'0100U);
  return as<floats>(entries(index, loaded<bytes>(table)) | entries(index - std::uint8_t{16}, loaded<bytes>(table + 4)) |
                    entries(index - std::uint8_t{32}, loaded<bytes>(table + 8)) |
                    entries(index - std::uint8_t{48}, loaded<bytes>(table + 12)));
}
QGRAIN_NEON words codebook_codes_at(const std::uint8_t* codes) {
  std::uint8_t four __attribute__((vector_size(4)));
  __builtin_memcpy(&four, codes, sizeof four);
  const words wide = __builtin_convertvector(four, words);
  words y;
  asm("umin %0.4s, %1.4s, %2.4s" : "=w"(y) : "w"(wide), "w"(words{} + 15U));
  return y;
}

}  // namespace qgrain::detail::neon

#endif

#endif
