// Stores that are rows of small codes beside an array of one-byte scales: MX and NVFP4 of all tools but ggml.
#ifndef QGRAIN_INTEROP_DETAIL_BLOCK_STORE_HPP
#define QGRAIN_INTEROP_DETAIL_BLOCK_STORE_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/code_rules.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::interop::detail {

/// `Spec` has name(), kind, bits, group_size, scales (scale_kind), two_level, tensor_use and whole_groups: whether rows
/// of elements are padded with code 0 to whole groups.
///
/// elements: rows of packed codes, the first in the lowest bits; scales: [rows, ceil(cols / group_size)].
template <class Spec>
struct block_store {
  shape2d shape;
  std::vector<std::uint8_t> elements;
  std::vector<std::uint8_t> scales;
  float tensor_scale = 1.0F;  ///< not used by stores of one level

  [[nodiscard]] static constexpr std::string_view name() noexcept { return Spec::name(); }

  /// Elements per row with their padding.
  [[nodiscard]] static constexpr index_t padded_cols(index_t cols) noexcept {
    return Spec::whole_groups ? ceil_div(cols, Spec::group_size) * Spec::group_size : cols;
  }

  /// @throws error errc::invalid_shape where a part has a wrong size, both named
  [[nodiscard]] code_matrix codes() const {
    require_extent(name(), shape, Spec::group_size);
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.kind = Spec::kind;
    to.bits = Spec::bits;
    to.group_size = Spec::group_size;
    require_count(name(), "scales", static_cast<index_t>(to.group_count()), scales.size());
    unpack_rows(elements, padded_cols(shape.cols), bit_order::low_first, to);
    to.scales = scale_array(Spec::scales, std::span(scales));
    to.two_level = Spec::two_level;
    to.tensor_scale = Spec::two_level ? tensor_scale : 1.0F;
    to.tensor_use = Spec::tensor_use;
    return to;
  }

  /// @throws error errc::unsupported where the values cannot be held
  [[nodiscard]] static block_store from_codes(const code_matrix& given) {
    require_whole(name(), given);
    require_kind(name(), given, Spec::kind, Spec::bits);
    require_no_minimums(name(), given);
    const code_matrix from = regrouped(name(), given, Spec::group_size);
    block_store to;
    to.shape = from.shape;
    if constexpr (Spec::two_level) {
      to.tensor_scale = tensor_scale_as(name(), from, Spec::scales, Spec::tensor_use);
      to.scales = bytes_of(from.scales);
    } else {
      to.scales = bytes_of(one_level_scales(name(), from, Spec::scales));
    }
    to.elements = packed_rows(from, padded_cols(from.shape.cols), bit_order::low_first);
    return to;
  }
};

}  // namespace qgrain::interop::detail

#endif
