// AWQ checkpoints (AutoAWQ, "gemm" version): int4 words in interleaved order.
#ifndef QGRAIN_INTEROP_AWQ_HPP
#define QGRAIN_INTEROP_AWQ_HPP

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/bit_lines.hpp>
#include <qgrain/interop/detail/code_rules.hpp>
#include <qgrain/layout/interleaved.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qgrain::interop {

/// A Linear weight [out, in], stored transposed. A word has eight outputs of one input in the order of
/// interleaved_pairs; value = (code - zero point) * scale.
struct awq_weights {
  shape2d shape;                      ///< [out, in]; outputs in multiples of 8
  index_t group_size = 128;           ///< of inputs; the last group may be shorter
  std::vector<std::int32_t> qweight;  ///< [in, out / 8]
  std::vector<std::int32_t> qzeros;   ///< [groups, out / 8], in the same order
  std::vector<float16> scales;        ///< [groups, out]

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "AWQ"; }

  /// @throws error errc::invalid_shape where a part has a wrong size, both named
  [[nodiscard]] code_matrix codes() const {
    detail::require_extent(name(), shape, group_size);
    detail::require_multiple(name(), "outputs", 8, shape.rows);
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.group_size = group_size;
    const index_t groups = to.groups_per_row();
    detail::require_count(name(), "qweight", shape.cols * shape.rows / 8, qweight.size());
    detail::require_count(name(), "qzeros", groups * shape.rows / 8, qzeros.size());
    detail::require_count(name(), "scales", groups * shape.rows, scales.size());
    to.scales.kind = scale_kind::float16;
    to.codes.resize(static_cast<std::size_t>(shape.elements()));
    for (index_t r = 0; r < shape.rows; ++r) {
      for (index_t g = 0; g < groups; ++g) {
        to.zero_points.push_back(static_cast<std::int32_t>(detail::line_code(qzeros.data(), 1, place(g, r, shape), 4)));
        to.scales.patterns.push_back(scales[static_cast<std::size_t>(g * shape.rows + r)].bits);
      }
      for (index_t c = 0; c < shape.cols; ++c) {
        to.code(r, c) = static_cast<std::uint8_t>(detail::line_code(qweight.data(), 1, place(c, r, shape), 4));
      }
    }
    return to;
  }

  /// Scales have to be float16 numbers; minimums become zero points where they are whole.
  /// @throws error errc::unsupported where the values cannot be held, errc::invalid_shape where words are not filled
  [[nodiscard]] static awq_weights from_codes(const code_matrix& from) {
    detail::require_whole(name(), from);
    detail::require_kind(name(), from, code_kind::integer, 4);
    detail::require_multiple(name(), "outputs", 8, from.shape.rows);
    const scale_array halves = detail::one_level_scales(name(), from, scale_kind::float16);
    const auto zeros = detail::zero_points_in(name(), from, 0, 15);
    awq_weights to;
    to.shape = from.shape;
    to.group_size = from.group_size;
    const index_t groups = from.groups_per_row();
    to.qweight.resize(static_cast<std::size_t>(from.shape.cols * from.shape.rows / 8));
    to.qzeros.resize(static_cast<std::size_t>(groups * from.shape.rows / 8));
    to.scales.resize(static_cast<std::size_t>(groups * from.shape.rows));
    for (index_t r = 0; r < from.shape.rows; ++r) {
      for (index_t g = 0; g < groups; ++g) {
        const auto at = static_cast<std::size_t>(r * groups + g);
        detail::put_line_code(to.qzeros.data(), 1, place(g, r, from.shape), 4, static_cast<std::uint32_t>(zeros[at]));
        to.scales[static_cast<std::size_t>(g * from.shape.rows + r)] = {
            static_cast<std::uint16_t>(halves.patterns[at])};
      }
      for (index_t c = 0; c < from.shape.cols; ++c) {
        detail::put_line_code(to.qweight.data(), 1, place(c, r, from.shape), 4, from.code(r, c));
      }
    }
    return to;
  }

 private:
  /// Which code of the words, counted through, belongs to an output of a line.
  [[nodiscard]] static constexpr index_t place(index_t line, index_t output, shape2d shape) noexcept {
    return interleaved_pairs::index({0, shape.rows}, {line, output});
  }
};

}  // namespace qgrain::interop

#endif
