// NVIDIA ModelOpt's packed tensors (its QTensor classes).
#ifndef QGRAIN_INTEROP_MODELOPT_HPP
#define QGRAIN_INTEROP_MODELOPT_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/block_store.hpp>
#include <qgrain/interop/detail/code_rules.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::interop {

namespace detail {

struct modelopt_mxfp4_spec {
  static constexpr code_kind kind = code_kind::e2m1;
  static constexpr int bits = 4;
  static constexpr index_t group_size = 32;
  static constexpr scale_kind scales = scale_kind::e8m0;
  static constexpr bool two_level = false;
  static constexpr scale_use tensor_use = scale_use::multiplies;
  static constexpr bool whole_groups = true;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ModelOpt MXFP4QTensor"; }
};

struct modelopt_mxfp8_spec : modelopt_mxfp4_spec {
  static constexpr code_kind kind = code_kind::e4m3;
  static constexpr int bits = 8;
  static constexpr bool whole_groups = false;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ModelOpt MXFP8QTensor"; }
};

struct modelopt_nvfp4_spec : modelopt_mxfp4_spec {
  static constexpr index_t group_size = 16;
  static constexpr scale_kind scales = scale_kind::e4m3;
  static constexpr bool two_level = true;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ModelOpt NVFP4QTensor"; }
};

}  // namespace detail

/// Even elements in the low nibble, E8M0 bytes by groups of 32. ModelOpt's own groups run over the flattened tensor:
/// for rows that are no whole groups, which are padded here, it has other bytes.
using modelopt_mxfp4_weights = detail::block_store<detail::modelopt_mxfp4_spec>;
/// One E4M3 byte per element, rows not padded; E8M0 bytes by groups of 32.
using modelopt_mxfp8_weights = detail::block_store<detail::modelopt_mxfp8_spec>;
/// Even elements in the low nibble, rows padded to groups of 16; E4M3 bytes by groups, and a tensor scale that
/// multiplies them (weight_scale_2).
using modelopt_nvfp4_weights = detail::block_store<detail::modelopt_nvfp4_spec>;

/// INT4QTensor: codes offset by 8, the even element in the high nibble, scales that divide (they are 7 / amax), by
/// groups of the flattened tensor, which are groups of a row here: rows are whole groups.
struct modelopt_int4_weights {
  shape2d shape;
  index_t group_size = 128;
  std::vector<std::uint8_t> packed;  ///< ceil(elements / 2) bytes
  scale_array scales;                ///< in the type of the tensor

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ModelOpt INT4QTensor"; }

  /// Values are (code - 8) / scale in float32; the tool itself computes in the type of the scales.
  /// @throws error errc::invalid_shape where a part has a wrong size, both named
  [[nodiscard]] code_matrix codes() const {
    detail::require_extent(name(), shape, group_size);
    detail::require_multiple(name(), "columns", group_size, shape.cols);
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.group_size = group_size;
    detail::require_count(name(), "scales", static_cast<index_t>(to.group_count()), scales.size());
    detail::require_count(name(), "packed codes", packed_bytes(shape.elements(), 4), packed.size());
    to.codes.resize(static_cast<std::size_t>(shape.elements()));
    unpack_codes(packed.data(), shape.elements(), 4, bit_order::high_first, to.codes.data());
    to.scales = scales;
    to.use = scale_use::divides;
    return to;
  }

  /// Scales that multiply are taken where their reciprocals are exact.
  /// @throws error errc::unsupported where the values cannot be held, errc::invalid_shape for rows of partial groups
  [[nodiscard]] static modelopt_int4_weights from_codes(const code_matrix& from) {
    detail::require_whole(name(), from);
    detail::require_kind(name(), from, code_kind::integer, 4);
    detail::require_symmetric(name(), from);
    detail::require_multiple(name(), "columns", from.group_size, from.shape.cols);
    modelopt_int4_weights to;
    to.shape = from.shape;
    to.group_size = from.group_size;
    const bool bytes = from.scales.kind == scale_kind::e8m0 || from.scales.kind == scale_kind::e4m3;
    if (from.use == scale_use::divides && !from.two_level && !bytes) {
      to.scales = from.scales;
    } else {
      code_matrix inverse = from;
      inverse.use = from.use == scale_use::divides ? scale_use::multiplies : scale_use::divides;
      to.scales = detail::one_level_scales(name(), inverse, bytes ? scale_kind::float32 : from.scales.kind);
    }
    to.packed.resize(static_cast<std::size_t>(packed_bytes(from.shape.elements(), 4)));
    pack_codes(from.codes.data(), from.shape.elements(), 4, bit_order::high_first, to.packed.data());
    return to;
  }
};

/// NF4QTensor: the even element in the high nibble, groups of 64 of the flattened tensor, int8 scales under float ones
/// (double quantization, see double_quantized_scales).
struct modelopt_nf4_weights {
  static constexpr index_t group_size = 64;

  shape2d shape;                     ///< columns in multiples of 64
  std::vector<std::uint8_t> packed;  ///< elements / 2 bytes
  std::vector<std::int8_t> scales;   ///< whole groups of scale_group, the last ones padding
  index_t scale_group = 256;
  std::vector<float> double_scales;  ///< one per group of scales
  float scale_zero = 0.0F;           ///< the mean that was taken off the scales

  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ModelOpt NF4QTensor"; }

  /// @throws error errc::invalid_shape where a part has a wrong size, both named
  [[nodiscard]] code_matrix codes() const {
    detail::require_extent(name(), shape, group_size);
    detail::require_multiple(name(), "columns", group_size, shape.cols);
    detail::require_extent(name(), shape, scale_group);
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.kind = code_kind::nf4_modelopt;
    to.group_size = group_size;
    const index_t scale_groups = ceil_div(static_cast<index_t>(to.group_count()), scale_group);
    detail::require_count(name(), "scales", scale_groups * scale_group, scales.size());
    detail::require_count(name(), "double scales", scale_groups, double_scales.size());
    detail::require_count(name(), "packed codes", packed_bytes(shape.elements(), 4), packed.size());
    to.codes.resize(static_cast<std::size_t>(shape.elements()));
    unpack_codes(packed.data(), shape.elements(), 4, bit_order::high_first, to.codes.data());
    for (std::size_t g = 0; g < to.group_count(); ++g) {
      const float multiplier = double_scales[g / static_cast<std::size_t>(scale_group)];
      to.scales.patterns.push_back(bits_of(double_quantized_scales<>::decode(scales[g], multiplier, scale_zero)));
    }
    return to;
  }

  /// Scales are quantized with the numbers given and must come back unchanged: those of codes(), or any that int8 steps
  /// meet. (Other scales need a new double quantization, which changes values.)
  /// @throws error errc::unsupported where the values cannot be held, errc::invalid_shape for wrong sizes
  [[nodiscard]] static modelopt_nf4_weights from_codes(const code_matrix& from, index_t scales_in_group,
                                                       std::vector<float> multipliers, float zero) {
    detail::require_whole(name(), from);
    detail::require_kind(name(), from, code_kind::nf4_modelopt, 4);
    detail::require_no_minimums(name(), from);
    detail::require_multiple(name(), "columns", group_size, from.shape.cols);
    detail::require_extent(name(), from.shape, scales_in_group);
    const code_matrix whole = detail::regrouped(name(), from, group_size);
    const scale_array wanted = detail::one_level_scales(name(), whole, scale_kind::float32);
    const index_t scale_groups = ceil_div(static_cast<index_t>(wanted.size()), scales_in_group);
    detail::require_count(name(), "double scales", scale_groups, multipliers.size());
    modelopt_nf4_weights to;
    to.shape = from.shape;
    to.scale_group = scales_in_group;
    to.scale_zero = zero;
    for (index_t g = 0; g < scale_groups * scales_in_group; ++g) {
      using second = double_quantized_scales<>;
      const float multiplier = multipliers[static_cast<std::size_t>(g / scales_in_group)];
      const bool padding = g >= static_cast<index_t>(wanted.size());
      const float scale = padding ? 0.0F : wanted.value(static_cast<std::size_t>(g));
      const std::int8_t code = second::encode(second::centred(scale, zero), multiplier);
      if (!padding && qgrain::bits_of(second::decode(code, multiplier, zero)) != qgrain::bits_of(scale)) {
        detail::refuse(name(), from,
                       "its scales are int8 steps of 1 / " + detail::text_of(multiplier) + " around " +
                           detail::text_of(zero) + ", which do not meet " + detail::text_of(scale));
      }
      to.scales.push_back(code);
    }
    to.double_scales = std::move(multipliers);
    to.packed.resize(static_cast<std::size_t>(packed_bytes(from.shape.elements(), 4)));
    pack_codes(from.codes.data(), from.shape.elements(), 4, bit_order::high_first, to.packed.data());
    return to;
  }
};

}  // namespace qgrain::interop

#endif
