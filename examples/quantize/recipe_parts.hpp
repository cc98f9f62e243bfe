// What recipes share: checks of given and stored parts, packed codes.
#ifndef QGRAIN_QUANTIZE_RECIPE_PARTS_HPP
#define QGRAIN_QUANTIZE_RECIPE_PARTS_HPP

#include <quantize/recipe.hpp>

#include <qgrain/quantizer/packing.hpp>

#include <span>

namespace qgrain::convert {

[[noreturn]] void refuse(const tensor_facts& facts, const std::string& why);

/// Throws unless the tensor is F32, BF16 or F16.
void require_float(const tensor_facts& facts, std::string_view recipe_name);

/// Throws where a part is given that the recipe does not take.
void require_taken(const tensor_facts& facts, const tensor_parts& given, std::span<const std::string> takes,
                   std::string_view recipe_name);

/// Throws where the tensor has no elements.
void require_elements(const tensor_facts& facts);

/// Throws unless the part has the shape `wanted` or, where there is such, `other`, naming both. Extents of 1 at the end
/// do not count, one element has any rank, and a list may stand for elements along a single axis: [4] for [4, 1] or
/// [1, 4], but neither [8] nor [2, 4] for [4, 2].
void require_shape(const tensor_facts& facts, std::string_view part, const host_tensor& tensor, const extents& wanted,
                   const extents* other = nullptr);

/// Throws where a float tensor holds NaN or infinity, with their number and the place of the first.
void require_finite(const tensor_facts& facts, const host_tensor& tensor);

/// The place of an element, counted row by row: "[5, 7]".
[[nodiscard]] std::string place_text(const extents& shape, index_t element);

/// The part, or an error that lists what there is.
[[nodiscard]] const host_tensor& require_part(const tensor_facts& facts, const tensor_parts& stored,
                                              std::string_view part, std::string_view recipe_name);

/// A part as `wanted`: the same type, one byte as another one-byte float, or a float type that holds its numbers
/// exactly.
[[nodiscard]] host_tensor as_type(const tensor_facts& facts, std::string_view part, const host_tensor& tensor,
                                  dtype wanted);

/// Packs each row of one-byte codes on its own, so that rows end on whole bytes.
[[nodiscard]] std::vector<std::byte> pack_rows(std::span<const std::byte> codes, index_t cols, int bits,
                                               bit_order order);
/// The way back; codes in the low bits, not extended by sign.
[[nodiscard]] std::vector<std::byte> unpack_rows(std::span<const std::byte> packed, index_t rows, index_t cols,
                                                 int bits, bit_order order);

/// The shape with the last extent replaced (rows of bytes, of words).
[[nodiscard]] extents with_last(extents shape, index_t last);

/// Rows and columns: the last axis against all others.
[[nodiscard]] shape2d rows_of(const extents& shape) noexcept;

}  // namespace qgrain::convert

#endif
