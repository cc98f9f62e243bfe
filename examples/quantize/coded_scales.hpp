// Scales of a tensor: made from its ranges, from given ranges, or given themselves.
#ifndef QGRAIN_QUANTIZE_CODED_SCALES_HPP
#define QGRAIN_QUANTIZE_CODED_SCALES_HPP

#include <quantize/element_operations.hpp>
#include <quantize/granularity.hpp>
#include <quantize/host_tensor.hpp>
#include <quantize/recipe.hpp>

#include <qgrain/host/on_host.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace qgrain::convert {

/// What the scales of one tensor are of.
struct scale_layout {
  const tensor_facts& facts;
  const element_operations& elements;
  const tensor_cut& cut;
  const extents& shape;  ///< that of the scales
  std::string_view recipe_name;

  [[nodiscard]] bool has_two_levels() const noexcept { return elements.tensor_bits > 0; }
};

/// Scales in the form that elements take, and what they were made from.
struct coded_scales {
  std::vector<std::byte> stored;
  std::vector<float> absmax;  ///< per group, where ranges were looked at
  float tensor_absmax = 0.0F;
  float tensor_scale = 1.0F;
};

/// From what is given, and for the rest from the values x, in the order of the cut's matrices.
[[nodiscard]] coded_scales make_scales(const scale_layout& of, const tensor_parts& given, const std::vector<float>& x,
                                       const on_host& where);

/// Stored form of scales and zero points that were given or lie in a file.
/// @throws error errc::out_of_range where a zero point does not fit into its type
[[nodiscard]] std::vector<std::byte> join_scales(const scale_layout& of, const tensor_parts& parts);

/// A given part as float32. Throws where its type is no float or its number of elements not `count`.
[[nodiscard]] std::vector<float> given_floats(const tensor_facts& facts, std::string_view part,
                                              const host_tensor& tensor, index_t count, const extents& shape);
[[nodiscard]] float given_float(const tensor_facts& facts, std::string_view part, const host_tensor& tensor);

}  // namespace qgrain::convert

#endif
