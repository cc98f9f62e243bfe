// Codes of a family as parts, and back: forms, padding, packing.
#ifndef QGRAIN_QUANTIZE_STORED_CODES_HPP
#define QGRAIN_QUANTIZE_STORED_CODES_HPP

#include <quantize/coded_family.hpp>
#include <quantize/granularity.hpp>
#include <quantize/recipe.hpp>

namespace qgrain::convert {

/// How the codes of one tensor are stored.
struct code_storage {
  const coded_family& family;
  const element_operations& elements;
  extents shape;  ///< of the tensor
  tensor_cut cut;

  /// The shape with its padding, where the family keeps that.
  [[nodiscard]] extents padded_shape() const;
  [[nodiscard]] dtype code_type() const noexcept;
  [[nodiscard]] bool is_packed() const noexcept;

  /// "codes" and "packed" without their data.
  void plan(tensor_parts& parts) const;
  /// Fills them. `codes` has elements.code_type and the tensor's own order.
  void store(std::vector<std::byte> codes, tensor_parts& parts) const;
  /// Codes from "codes" or, where there are none, from "packed".
  [[nodiscard]] std::vector<std::byte> load(const tensor_facts& facts, const tensor_parts& stored,
                                            std::string_view recipe_name) const;
};

/// compressed-tensors' words for the zero points of a matrix of groups, packed along the first axis.
[[nodiscard]] host_tensor pack_zero_points(const host_tensor& zero_points, shape2d groups, int bits);

/// compressed-tensors' words, row by row, of codes of one byte with sign.
[[nodiscard]] host_tensor pack_words(const host_tensor& codes, int bits);
[[nodiscard]] std::vector<std::byte> unpack_words(const host_tensor& words, shape2d shape, int bits);

}  // namespace qgrain::convert

#endif
