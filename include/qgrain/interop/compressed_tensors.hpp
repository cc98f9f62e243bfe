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

/// Words per row of `cols` codes: 32 / bits codes each, whatever is left of the 32 bits unused.
[[nodiscard]] QGRAIN_HOST_DEVICE constexpr index_t compressed_tensors_words(index_t cols, int bits) noexcept {
  return ceil_div(cols, 32 / bits);
}

/// Packs signed codes of 2 to 8 bits, row by row, the first code in the lowest bits, each offset by 2^(bits - 1).
/// Unused bits are 0.
///
/// codes: [rows, cols]; words: [rows, compressed_tensors_words(cols, bits)], all written. For zero points, which the
/// tool packs along dimension 0, give both matrices transposed.
QGRAIN_HOST_DEVICE constexpr void pack_to_int32(matrix_view<const std::int8_t> codes, int bits,
                                                matrix_view<std::int32_t> words) noexcept {
  const int per_word = 32 / bits;
  const int offset = 1 << (bits - 1);
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    for (index_t w = 0; w * per_word < codes.shape.cols; ++w) {
      std::uint32_t value = 0;
      for (int place = 0; place < per_word && w * per_word + place < codes.shape.cols; ++place) {
        value |= low_bits(codes(r, w * per_word + place) + offset, bits) << (place * bits);
      }
      words(r, w) = static_cast<std::int32_t>(value);
    }
  }
}

/// The way back.
QGRAIN_HOST_DEVICE constexpr void unpack_from_int32(matrix_view<const std::int32_t> words, int bits,
                                                    matrix_view<std::int8_t> codes) noexcept {
  const int per_word = 32 / bits;
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    for (index_t c = 0; c < codes.shape.cols; ++c) {
      const auto word = static_cast<std::uint32_t>(words(r, c / per_word));
      const std::uint32_t value = low_bits(word >> (static_cast<int>(c % per_word) * bits), bits);
      codes(r, c) = static_cast<std::int8_t>(static_cast<std::int32_t>(value) - (1 << (bits - 1)));
    }
  }
}

/// pack-quantized: integers of 2 to 8 bits under scales by groups of a row (group_size = cols: by channel).
struct ct_packed_weights {
  shape2d shape;  ///< weight_shape
  int bits = 4;
  index_t group_size = 128;
  std::vector<std::int32_t> weight_packed;  ///< [rows, compressed_tensors_words(cols, bits)]
  scale_array weight_scale;                 ///< [rows, groups]
  /// Packed along dimension 0: [compressed_tensors_words(rows, bits), groups]; empty where symmetric.
  std::vector<std::int32_t> weight_zero_point;

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
    const index_t per_word = 32 / bits;
    const index_t row_words = compressed_tensors_words(shape.cols, bits);
    detail::require_count(name(), "weight_packed", shape.rows * row_words, weight_packed.size());
    detail::require_count(name(), "weight_scale", shape.rows * groups, weight_scale.size());
    const auto field = [&](std::int32_t word, index_t place) {
      return low_bits(static_cast<std::uint32_t>(word) >> (static_cast<int>(place) * bits), bits);
    };
    if (!weight_zero_point.empty()) {
      const index_t rows = compressed_tensors_words(shape.rows, bits);
      detail::require_count(name(), "weight_zero_point", rows * groups, weight_zero_point.size());
      for (index_t r = 0; r < shape.rows; ++r) {
        for (index_t g = 0; g < groups; ++g) {
          const std::int32_t word = weight_zero_point[static_cast<std::size_t>(r / per_word * groups + g)];
          to.zero_points.push_back(static_cast<std::int32_t>(field(word, r % per_word)));
        }
      }
    }
    to.codes.resize(static_cast<std::size_t>(shape.elements()));
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t c = 0; c < shape.cols; ++c) {
        const std::int32_t word = weight_packed[static_cast<std::size_t>(r * row_words + c / per_word)];
        to.code(r, c) = static_cast<std::uint8_t>(field(word, c % per_word));
      }
    }
    to.scales = weight_scale;
    return to;
  }

  /// Zero points of 2^(bits - 1) throughout are left out; minimums become zero points where they are whole.
  /// @throws error errc::unsupported where the values cannot be held
  [[nodiscard]] static ct_packed_weights from_codes(const code_matrix& from) {
    detail::require_whole(name(), from);
    detail::require_kind(name(), from, code_kind::integer, from.bits);
    require_bits(from.bits);
    ct_packed_weights to;
    to.shape = from.shape;
    to.bits = from.bits;
    to.group_size = from.group_size;
    const bool bytes = from.scales.kind == scale_kind::e8m0 || from.scales.kind == scale_kind::e4m3;
    const scale_kind kind = bytes || from.two_level ? scale_kind::float32 : from.scales.kind;
    to.weight_scale = detail::one_level_scales(name(), from, kind);
    const index_t groups = from.groups_per_row();
    const index_t per_word = 32 / to.bits;
    const index_t row_words = compressed_tensors_words(from.shape.cols, to.bits);
    const auto put = [&](std::int32_t& word, std::uint32_t field, index_t place) {
      word = static_cast<std::int32_t>(static_cast<std::uint32_t>(word) | field << (static_cast<int>(place) * to.bits));
    };
    const std::int32_t middle = 1 << (from.bits - 1);
    const auto zeros = detail::zero_points_in(name(), from, 0, 2 * middle - 1);
    if (std::any_of(zeros.begin(), zeros.end(), [&](std::int32_t zero) { return zero != middle; })) {
      to.weight_zero_point.resize(
          static_cast<std::size_t>(compressed_tensors_words(from.shape.rows, to.bits) * groups));
      for (index_t r = 0; r < from.shape.rows; ++r) {
        for (index_t g = 0; g < groups; ++g) {
          put(to.weight_zero_point[static_cast<std::size_t>(r / per_word * groups + g)],
              static_cast<std::uint32_t>(zeros[static_cast<std::size_t>(r * groups + g)]), r % per_word);
        }
      }
    }
    to.weight_packed.resize(static_cast<std::size_t>(from.shape.rows * row_words));
    for (index_t r = 0; r < from.shape.rows; ++r) {
      for (index_t c = 0; c < from.shape.cols; ++c) {
        put(to.weight_packed[static_cast<std::size_t>(r * row_words + c / per_word)], from.code(r, c), c % per_word);
      }
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
