// Codes along the rows or columns of a matrix of 32-bit words: what GPTQ and AWQ files have in common.
#ifndef QGRAIN_INTEROP_DETAIL_BIT_LINES_HPP
#define QGRAIN_INTEROP_DETAIL_BIT_LINES_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>

namespace qgrain::interop::detail {

/// Code i of a line of words `stride` apart: bits [i * bits, (i + 1) * bits), the first word lowest; a code may lie
/// across two words.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::uint32_t line_code(const std::int32_t* words, index_t stride, index_t i,
                                                                   int bits) noexcept {
  const index_t word = i * bits / 32;
  const auto skipped = static_cast<int>(i * bits % 32);
  std::uint32_t value = static_cast<std::uint32_t>(words[word * stride]) >> skipped;
  if (skipped + bits > 32) value |= static_cast<std::uint32_t>(words[(word + 1) * stride]) << (32 - skipped);
  return low_bits(value, bits);
}

/// Puts code i into words that are 0 there.
QGRAIN_HOST_DEVICE constexpr void put_line_code(std::int32_t* words, index_t stride, index_t i, int bits,
                                                std::uint32_t code) noexcept {
  const index_t word = i * bits / 32;
  const auto skipped = static_cast<int>(i * bits % 32);
  std::int32_t& first = words[word * stride];
  first = static_cast<std::int32_t>(static_cast<std::uint32_t>(first) | code << skipped);
  if (skipped + bits > 32) {
    std::int32_t& second = words[(word + 1) * stride];
    second = static_cast<std::int32_t>(static_cast<std::uint32_t>(second) | code >> (32 - skipped));
  }
}

}  // namespace qgrain::interop::detail

#endif
