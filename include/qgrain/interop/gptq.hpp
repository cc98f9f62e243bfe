// GPTQ checkpoints (AutoGPTQ, GPTQModel): qweight, qzeros, scales, g_idx.
#ifndef QGRAIN_INTEROP_GPTQ_HPP
#define QGRAIN_INTEROP_GPTQ_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/bit_lines.hpp>
#include <qgrain/interop/detail/code_rules.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::interop {

/// What is stored for a zero point z.
enum class gptq_zeros : std::uint8_t {
  minus_one,  ///< z - 1: checkpoint_format "gptq", so z is 1 to 2^bits
  plain,      ///< z: "gptq_v2"
};

/// A Linear weight [out, in], stored transposed, in words of 32 bits without gaps, first code lowest. Codes of 2, 3, 4
/// and 8 bits; value = (code - zero point) * scale.
template <gptq_zeros Zeros>
struct gptq_weights_as {
  shape2d shape;  ///< [out, in]; both fill whole words
  int bits = 4;
  index_t group_size = 128;           ///< of inputs; the last group may be shorter
  std::vector<std::int32_t> qweight;  ///< [in * bits / 32, out]: packed along the inputs
  std::vector<std::int32_t> qzeros;   ///< [groups, out * bits / 32]: packed along the outputs
  std::vector<float16> scales;        ///< [groups, out]
  std::vector<std::int32_t> g_idx;    ///< group of each input; empty: in order

  [[nodiscard]] static constexpr std::string_view name() noexcept {
    return Zeros == gptq_zeros::minus_one ? "GPTQ" : "GPTQ v2";
  }

  /// @throws error errc::invalid_shape where a part has a wrong size; errc::unsupported where inputs are permuted
  /// (desc_act), so that groups are not consecutive
  [[nodiscard]] code_matrix codes() const {
    detail::require_extent(name(), shape, group_size);
    require_words(bits, shape);
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.bits = bits;
    to.group_size = group_size;
    const index_t groups = to.groups_per_row();
    const index_t out_words = shape.rows * bits / 32;
    detail::require_count(name(), "qweight", shape.cols * bits / 32 * shape.rows, qweight.size());
    detail::require_count(name(), "qzeros", groups * out_words, qzeros.size());
    detail::require_count(name(), "scales", groups * shape.rows, scales.size());
    if (!g_idx.empty()) detail::require_count(name(), "g_idx", shape.cols, g_idx.size());
    for (std::size_t i = 0; i < g_idx.size(); ++i) {
      if (g_idx[i] != static_cast<index_t>(i) / group_size) {
        qgrain::detail::raise(errc::unsupported, std::string(name()) + ": groups are not in order: g_idx[" +
                                                     std::to_string(i) + "] is " + std::to_string(g_idx[i]) +
                                                     " with groups of " + std::to_string(group_size));
      }
    }
    to.scales.kind = scale_kind::float16;
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t g = 0; g < groups; ++g) {
        const std::uint32_t zero = detail::line_code(qzeros.data() + g * out_words, 1, r, bits);
        to.zero_points.push_back(static_cast<std::int32_t>(zero) + stored_below);
        to.scales.patterns.push_back(scales[static_cast<std::size_t>(g * shape.rows + r)].bits);
      }
    }
    to.codes.resize(static_cast<std::size_t>(shape.elements()));
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t c = 0; c < shape.cols; ++c) {
        to.code(r, c) = static_cast<std::uint8_t>(detail::line_code(qweight.data() + r, shape.rows, c, bits));
      }
    }
    return to;
  }

  /// Scales have to be float16 numbers; minimums become zero points where they are whole. g_idx is written.
  /// @throws error errc::unsupported where the values cannot be held, errc::invalid_shape where words are not filled
  [[nodiscard]] static gptq_weights_as from_codes(const code_matrix& from) {
    detail::require_whole(name(), from);
    detail::require_kind(name(), from, code_kind::integer, from.bits);
    require_words(from.bits, from.shape);
    const scale_array halves = detail::one_level_scales(name(), from, scale_kind::float16);
    const auto zeros = detail::zero_points_in(name(), from, stored_below, (1 << from.bits) - 1 + stored_below);
    gptq_weights_as to;
    to.shape = from.shape;
    to.bits = from.bits;
    to.group_size = from.group_size;
    const index_t groups = from.groups_per_row();
    const index_t out_words = from.shape.rows * from.bits / 32;
    to.qweight.resize(static_cast<std::size_t>(from.shape.cols * from.bits / 32 * from.shape.rows));
    to.qzeros.resize(static_cast<std::size_t>(groups * out_words));
    to.scales.resize(static_cast<std::size_t>(groups * from.shape.rows));
    for (index_t r = 0; r < from.shape.rows; ++r) {
      for (index_t g = 0; g < groups; ++g) {
        const auto at = static_cast<std::size_t>(r * groups + g);
        detail::put_line_code(to.qzeros.data() + g * out_words, 1, r, to.bits,
                              static_cast<std::uint32_t>(zeros[at] - stored_below));
        to.scales[static_cast<std::size_t>(g * from.shape.rows + r)] = {
            static_cast<std::uint16_t>(halves.patterns[at])};
      }
      for (index_t c = 0; c < from.shape.cols; ++c) {
        detail::put_line_code(to.qweight.data() + r, from.shape.rows, c, to.bits, from.code(r, c));
      }
    }
    for (index_t c = 0; c < from.shape.cols; ++c) to.g_idx.push_back(static_cast<std::int32_t>(c / to.group_size));
    return to;
  }

 private:
  static constexpr std::int32_t stored_below = Zeros == gptq_zeros::minus_one ? 1 : 0;

  static void require_words(int bits, shape2d shape) {
    if (bits != 2 && bits != 3 && bits != 4 && bits != 8) {
      qgrain::detail::raise(errc::unsupported,
                            std::string(name()) + " has codes of 2, 3, 4 or 8 bits, not " + std::to_string(bits));
    }
    const index_t codes = bits == 3 ? 32 : 32 / bits;  // those that fill whole words
    detail::require_multiple(name(), "inputs", codes, shape.cols);
    detail::require_multiple(name(), "outputs", codes, shape.rows);
  }
};

/// Zero points are stored less one: what most checkpoints hold (checkpoint_format "gptq").
using gptq_weights = gptq_weights_as<gptq_zeros::minus_one>;
/// Zero points are stored as they are (checkpoint_format "gptq_v2").
using gptq_v2_weights = gptq_weights_as<gptq_zeros::plain>;

}  // namespace qgrain::interop

#endif
