// Scales of a tensor: made from its ranges, from given ranges, or given themselves.
#ifndef QGRAIN_QUANTIZE_CODED_SCALES_HPP
#define QGRAIN_QUANTIZE_CODED_SCALES_HPP

#include <quantize/element_operations.hpp>
#include <quantize/granularity.hpp>
#include <quantize/host_tensor.hpp>
#include <quantize/recipe.hpp>

#include <qgrain/host/on_host.hpp>
#include <qgrain/interop/compressed_tensors.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace qgrain::convert {

/// What the scales of one tensor are of.
struct scale_layout {
  const tensor_facts& facts;
  const coding_stage& elements;
  const tensor_cut& cut;
  const extents& shape;  ///< that of the scales
  std::string_view recipe_name;
  interop::word_packing words = interop::word_packing::whole_codes;  ///< of packed zero points

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

/// Where scales come from: a user, or a file of codes, which may hold what the recipe itself makes of groups of zeros.
enum class scale_source : std::uint8_t { given, stored };

/// Stored form of scales and zero points that were given or lie in a file; zero points may lie there packed.
/// @throws error errc::invalid_shape where they have another shape; errc::out_of_range where a scale is no positive
/// number or a zero point no code, naming place and number; errc::bad_file where packed and plain ones contradict
[[nodiscard]] std::vector<std::byte> join_scales(const scale_layout& of, const tensor_parts& parts,
                                                 scale_source source);

/// The scale of the whole tensor.
[[nodiscard]] float tensor_scale_of(const scale_layout& of, const host_tensor& global, scale_source source);

/// Given ranges, of groups or of the tensor ([1]). Throws where one is negative or no number.
[[nodiscard]] std::vector<float> given_ranges_of(const scale_layout& of, const host_tensor& amax);

}  // namespace qgrain::convert

#endif
