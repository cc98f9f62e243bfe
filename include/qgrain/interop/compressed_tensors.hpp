// compressed-tensors: "pack-quantized" integers in 32-bit words and "nvfp4-pack-quantized" weights.
#ifndef QGRAIN_INTEROP_COMPRESSED_TENSORS_HPP
#define QGRAIN_INTEROP_COMPRESSED_TENSORS_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/block_store.hpp>
#include <qgrain/interop/detail/code_rules.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::interop {

/// How codes of 3, 5, 6 and 7 bits lie in 32-bit words; those of 2, 4 and 8 bits lie the same way in both.
enum class word_packing : std::uint8_t {
  whole_codes,  ///< 32 / bits codes in a word, whatever is left of it unused: before 0.14
  dense,        ///< one after the other, across words
};

/// Words per row of `cols` codes.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t compressed_tensors_words(
    index_t cols, int bits, word_packing packing = word_packing::whole_codes) noexcept {
  return packing == word_packing::dense ? ceil_div(cols * bits, 32) : ceil_div(cols, 32 / bits);
}

/// Where a code lies: its lowest bit in a word, its highest ones in the next word where `shift` + bits exceeds 32.
struct word_place {
  index_t word;
  int shift;
};
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr word_place place_in_words(index_t code, int bits,
                                                                     word_packing packing) noexcept {
  const index_t per_word = 32 / bits;
  if (packing == word_packing::whole_codes) return {code / per_word, static_cast<int>(code % per_word) * bits};
  return {code * bits / 32, static_cast<int>(code * bits % 32)};
}

/// The field at `shift` of a word, offset by 2^(bits - 1), as a signed code. `next` is the word behind, and looked at
/// where the field ends in it.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr std::int8_t code_in_words(std::int32_t word, std::int32_t next, int shift,
                                                                     int bits) noexcept {
  std::uint32_t field = static_cast<std::uint32_t>(word) >> shift;
  if (shift + bits > 32) field |= static_cast<std::uint32_t>(next) << (32 - shift);
  return static_cast<std::int8_t>(static_cast<std::int32_t>(low_bits(field, bits)) - (1 << (bits - 1)));
}

/// Packs signed codes of 2 to 8 bits, row by row, the first code in the lowest bits, each offset by 2^(bits - 1).
/// Unused bits are 0.
///
/// codes: [rows, cols]; words: [rows, compressed_tensors_words(cols, bits, packing)], all written. For zero points,
/// which the tool packs along dimension 0, give both matrices transposed.
QGRAIN_HOST_DEVICE constexpr void pack_to_int32(matrix_view<const std::int8_t> codes, int bits,
                                                matrix_view<std::int32_t> words,
                                                word_packing packing = word_packing::whole_codes) noexcept {
  const index_t width = compressed_tensors_words(codes.shape.cols, bits, packing);
  const int offset = 1 << (bits - 1);
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    for (index_t w = 0; w < width; ++w) words(r, w) = 0;
    const auto put = [&](index_t word, std::uint32_t part) {
      words(r, word) = static_cast<std::int32_t>(static_cast<std::uint32_t>(words(r, word)) | part);
    };
    for (index_t c = 0; c < codes.shape.cols; ++c) {
      const word_place place = place_in_words(c, bits, packing);
      const std::uint32_t field = low_bits(codes(r, c) + offset, bits);
      put(place.word, field << place.shift);
      if (place.shift + bits > 32) put(place.word + 1, field >> (32 - place.shift));
    }
  }
}

/// The way back.
QGRAIN_HOST_DEVICE constexpr void unpack_from_int32(matrix_view<const std::int32_t> words, int bits,
                                                    matrix_view<std::int8_t> codes,
                                                    word_packing packing = word_packing::whole_codes) noexcept {
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    for (index_t c = 0; c < codes.shape.cols; ++c) {
      const word_place place = place_in_words(c, bits, packing);
      const bool goes_on = place.shift + bits > 32;
      codes(r, c) = code_in_words(words(r, place.word), goes_on ? words(r, place.word + 1) : 0, place.shift, bits);
    }
  }
}

/// pack-quantized: integers of 2 to 8 bits under scales by groups of a row (group_size = cols: by channel).
struct ct_packed_weights {
  shape2d shape;  ///< weight_shape
  int bits = 4;
  index_t group_size = 128;
  std::vector<std::int32_t> weight_packed;  ///< [rows, compressed_tensors_words(cols, bits, packing)]
  scale_array weight_scale;                 ///< [rows, groups]
  /// Packed along dimension 0: [compressed_tensors_words(rows, bits, packing), groups]; empty where symmetric.
  std::vector<std::int32_t> weight_zero_point;
  word_packing packing = word_packing::whole_codes;

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "compressed-tensors pack-quantized"; }

  /// @throws error errc::invalid_shape where a part has a wrong size, both named
  [[nodiscard]] code_matrix codes() const {
    detail::require_extent(name(), shape, group_size);
    require_bits(bits);
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.bits = bits;
    to.group_size = group_size;
    const index_t groups = to.groups_per_row();
    const index_t row_words = compressed_tensors_words(shape.cols, bits, packing);
    detail::require_count(name(), "weight_packed", shape.rows * row_words, weight_packed.size());
    detail::require_count(name(), "weight_scale", shape.rows * groups, weight_scale.size());
    const auto plain = [&](const std::vector<std::int32_t>& words, index_t line, index_t stride, index_t at) {
      const word_place place = place_in_words(at, bits, packing);
      const auto word = [&](index_t w) { return words[static_cast<std::size_t>(line + w * stride)]; };
      const std::int32_t next = place.shift + bits > 32 ? word(place.word + 1) : 0;
      return code_in_words(word(place.word), next, place.shift, bits) + (1 << (bits - 1));
    };
    if (!weight_zero_point.empty()) {
      const index_t rows = compressed_tensors_words(shape.rows, bits, packing);
      detail::require_count(name(), "weight_zero_point", rows * groups, weight_zero_point.size());
      for (index_t r = 0; r < shape.rows; ++r) {
        for (index_t g = 0; g < groups; ++g) to.zero_points.push_back(plain(weight_zero_point, g, groups, r));
      }
    }
    to.codes.resize(static_cast<std::size_t>(shape.elements()));
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t c = 0; c < shape.cols; ++c)
        to.code(r, c) = static_cast<std::uint8_t>(plain(weight_packed, r * row_words, 1, c));
    }
    to.scales = weight_scale;
    return to;
  }

  /// Zero points of 2^(bits - 1) throughout are left out; minimums become zero points where they are whole.
  /// @throws error errc::unsupported where the values cannot be held
  [[nodiscard]] static ct_packed_weights from_codes(const code_matrix& from,
                                                    word_packing packing = word_packing::whole_codes) {
    detail::require_whole(name(), from);
    detail::require_kind(name(), from, code_kind::integer, from.bits);
    require_bits(from.bits);
    ct_packed_weights to;
    to.shape = from.shape;
    to.bits = from.bits;
    to.group_size = from.group_size;
    to.packing = packing;
    const bool bytes = from.scales.kind == scale_kind::e8m0 || from.scales.kind == scale_kind::e4m3;
    const scale_kind kind = bytes || from.two_level ? scale_kind::float32 : from.scales.kind;
    to.weight_scale = detail::one_level_scales(name(), from, kind);
    const index_t groups = from.groups_per_row();
    const index_t row_words = compressed_tensors_words(from.shape.cols, to.bits, packing);
    const auto put = [&](std::vector<std::int32_t>& words, index_t line, index_t stride, index_t at,
                         std::uint32_t field) {
      const word_place place = place_in_words(at, to.bits, packing);
      const auto add = [&](index_t word, std::uint32_t part) {
        std::int32_t& whole = words[static_cast<std::size_t>(line + word * stride)];
        whole = static_cast<std::int32_t>(static_cast<std::uint32_t>(whole) | part);
      };
      add(place.word, field << place.shift);
      if (place.shift + to.bits > 32) add(place.word + 1, field >> (32 - place.shift));
    };
    const std::int32_t middle = 1 << (from.bits - 1);
    const auto zeros = detail::zero_points_in(name(), from, 0, 2 * middle - 1);
    if (std::any_of(zeros.begin(), zeros.end(), [&](std::int32_t zero) { return zero != middle; })) {
      to.weight_zero_point.resize(
          static_cast<std::size_t>(compressed_tensors_words(from.shape.rows, to.bits, packing) * groups));
      for (index_t r = 0; r < from.shape.rows; ++r) {
        for (index_t g = 0; g < groups; ++g) {
          const std::int32_t zero = zeros[static_cast<std::size_t>(r * groups + g)];
          put(to.weight_zero_point, g, groups, r, static_cast<std::uint32_t>(zero));
        }
      }
    }
    to.weight_packed.resize(static_cast<std::size_t>(from.shape.rows * row_words));
    for (index_t r = 0; r < from.shape.rows; ++r) {
      for (index_t c = 0; c < from.shape.cols; ++c) put(to.weight_packed, r * row_words, 1, c, from.code(r, c));
    }
    return to;
  }

 private:
  static void require_bits(int bits) {
    if (bits >= 2 && bits <= 8) return;
    qgrain::detail::raise(errc::unsupported,
                          std::string(name()) + " has codes of 2 to 8 bits, not " + std::to_string(bits));
  }
};

namespace detail {

struct ct_nvfp4_spec {
  static constexpr code_kind kind = code_kind::e2m1;
  static constexpr int bits = 4;
  static constexpr index_t group_size = 16;
  static constexpr scale_kind scales = scale_kind::e4m3;
  static constexpr bool two_level = true;
  static constexpr scale_use tensor_use = scale_use::divides;
  static constexpr bool whole_groups = true;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "compressed-tensors nvfp4-pack-quantized"; }
};

}  // namespace detail

/// nvfp4-pack-quantized: even elements in the low nibble, E4M3 scales by groups of 16, and a global scale that divides
/// them, the inverse of ModelOpt's.
using ct_nvfp4_weights = detail::block_store<detail::ct_nvfp4_spec>;

}  // namespace qgrain::interop

#endif
