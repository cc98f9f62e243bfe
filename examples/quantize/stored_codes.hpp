// Codes of a family as parts, and back: forms, padding, packing.
#ifndef QGRAIN_QUANTIZE_STORED_CODES_HPP
#define QGRAIN_QUANTIZE_STORED_CODES_HPP

#include <quantize/coded_family.hpp>
#include <quantize/granularity.hpp>
#include <quantize/recipe.hpp>

#include <cstdint>
#include <string_view>
#include <vector>

namespace qgrain::convert {

/// The least and the largest code as an integer.
struct code_limits {
  std::int64_t least;
  std::int64_t most;
};
[[nodiscard]] code_limits limits_of_codes(const coding_stage& elements) noexcept;

/// How the codes of one tensor are stored.
struct code_storage {
  const coded_family& family;
  const coding_stage& elements;
  extents shape;  ///< of the tensor
  tensor_cut cut;

  /// The shape with its padding, where the family keeps that.
  [[nodiscard]] extents padded_shape() const;
  [[nodiscard]] dtype code_type() const noexcept;
  [[nodiscard]] bool is_packed() const noexcept;

  /// "codes" and "packed" without their data.
  void plan(tensor_parts& parts) const;
  /// Fills them. `codes` has dtype_of(elements.code_type) and the tensor's own order.
  void store(std::vector<std::byte> codes, tensor_parts& parts) const;
  /// Codes from "codes" or, where there are none, from "packed".
  /// @throws error errc::invalid_shape for another shape, errc::out_of_range for a code that the format does not have,
  /// errc::bad_file where "codes" and "packed" contradict each other
  [[nodiscard]] std::vector<std::byte> load(const tensor_facts& facts, const tensor_parts& stored,
                                            std::string_view recipe_name) const;

 private:
  [[nodiscard]] std::vector<std::byte> from_plain(const tensor_facts& facts, const host_tensor& plain,
                                                  std::string_view recipe_name) const;
  [[nodiscard]] std::vector<std::byte> from_packed(const tensor_facts& facts, const host_tensor& packed,
                                                   std::string_view recipe_name) const;
  /// Codes in the elements' own form, without padding.
  [[nodiscard]] std::vector<std::byte> in_own_form(std::vector<std::byte> codes, bool with_padding) const;
};

/// compressed-tensors' words for the zero points of a matrix of groups, packed along the first axis.
[[nodiscard]] host_tensor pack_zero_points(const host_tensor& zero_points, shape2d groups, int bits,
                                           interop::word_packing packing);

[[nodiscard]] std::vector<std::int64_t> unpack_zero_points(const host_tensor& words, shape2d groups, int bits,
                                                           interop::word_packing packing);

/// compressed-tensors' words, row by row, of codes of one byte with sign.
[[nodiscard]] host_tensor pack_words(const host_tensor& codes, int bits, interop::word_packing packing);
[[nodiscard]] std::vector<std::byte> unpack_words(const host_tensor& words, shape2d shape, int bits,
                                                  interop::word_packing packing);

}  // namespace qgrain::convert

#endif
