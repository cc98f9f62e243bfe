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

/// Throws unless the part has that many elements, naming both numbers.
void require_count(const tensor_facts& facts, std::string_view part, const host_tensor& tensor, index_t wanted,
                   const extents& shape);

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
