// The families of recipes that are an element stage under a granularity.
#ifndef QGRAIN_QUANTIZE_CODED_FAMILY_HPP
#define QGRAIN_QUANTIZE_CODED_FAMILY_HPP

#include <quantize/element_operations.hpp>

#include <qgrain/granularity/grouping.hpp>
#include <qgrain/interop/compressed_tensors.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace qgrain::convert {

/// How a code is written to "codes".
enum class code_form : std::uint8_t {
  value,     ///< in the code's own type
  low_bits,  ///< the low bits, in a byte without sign
  offset,    ///< plus 2^(bits - 1), in a byte without sign
};

/// How codes are written to "packed"; codes of 8 bits and more have none.
enum class code_packing : std::uint8_t {
  none,
  low_first,    ///< row by row, even elements in the low bits
  high_first,   ///< row by row, even elements in the high bits
  flat,         ///< over the whole tensor, even elements in the low bits
  int32,        ///< compressed-tensors' 32-bit words, with "packed_zero_points" and "shape"
  int32_dense,  ///< the same, codes lying across words
  row_pairs,    ///< two rows in one, the even row in the low bits
};

/// Of codes in 32-bit words; nothing for other packings.
[[nodiscard]] constexpr std::optional<interop::word_packing> words_of(code_packing packing) noexcept {
  if (packing == code_packing::int32) return interop::word_packing::whole_codes;
  if (packing == code_packing::int32_dense) return interop::word_packing::dense;
  return std::nullopt;
}

/// The shape that a tool gives its scales; the order of their elements is the same everywhere.
enum class scale_shape : std::uint8_t {
  keep,      ///< the tensor's axes, with groups instead of elements
  modelopt,  ///< TensorQuantizer's amax: as keep, groups as [n, 1], tiles as [R, 1, C, 1], one per tensor as []
  scalar,    ///< as keep, but one per tensor as []
  single,    ///< as keep, but one per tensor as [1]
  list,      ///< [n, 1]
  squeezed,  ///< torchao's integers: without the last axis where that has one group; one per tensor as []
  onnx,      ///< as keep, but [1] per tensor and [n] per axis
};

/// Rows of the catalogue are values of this type.
struct coded_family {
  std::string_view name;       ///< family and options, without granularity: "torchao_mxfp4/floor"
  std::string_view also = {};  ///< a second, complete name, such as a recipe type's: "mxfp4_ocp"
  std::string_view source;
  operations_by_type elements;
  std::string_view usual = {};  ///< the granularity where none is named; none: it has to be named
  std::optional<granularity_kind> only = std::nullopt;  ///< the one kind of granularity that it takes; none: all
  bool flattened = false;                               ///< groups are those of the flattened tensor
  group_tail tail = group_tail::short_group;
  bool codes = true;              ///< writes codes and reads them back
  bool scales = true;             ///< writes scales
  bool amax = false;              ///< writes ranges
  bool fake = false;              ///< values by fake quantization, rounded to the tensor's type
  bool padded = false;            ///< codes of the padding are written, as zeros
  bool zero_zero_points = false;  ///< symmetric, yet writes I32 zero points
  code_form form = code_form::value;
  code_packing packing = code_packing::none;
  scale_shape shapes = scale_shape::keep;
};

[[nodiscard]] std::span<const coded_family> modelopt_fake_families();
[[nodiscard]] std::span<const coded_family> modelopt_narrow_families();
[[nodiscard]] std::span<const coded_family> modelopt_mx_families();
[[nodiscard]] std::span<const coded_family> modelopt_packed_families();
[[nodiscard]] std::span<const coded_family> modelopt_exported_families();
[[nodiscard]] std::span<const coded_family> nvfp4_families();
[[nodiscard]] std::span<const coded_family> torchao_mx_families();
[[nodiscard]] std::span<const coded_family> torchao_int8_families();
[[nodiscard]] std::span<const coded_family> torchao_int4_families();
[[nodiscard]] std::span<const coded_family> fp8_families();
[[nodiscard]] std::span<const coded_family> compressed_tensors_families();
[[nodiscard]] std::span<const coded_family> onnx_families();

}  // namespace qgrain::convert

#endif
