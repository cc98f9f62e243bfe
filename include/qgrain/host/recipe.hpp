// Quantization by a recipe that is known when the program runs: an element stage under any granularity.
#ifndef QGRAIN_HOST_RECIPE_HPP
#define QGRAIN_HOST_RECIPE_HPP

#include <qgrain/core/detail/requirements.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/granularity/grouping.hpp>
#include <qgrain/host/coding_stage.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/ranges.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace qgrain {

/// A named quantizer as a value; copies share nothing. `find_recipe` (find_recipe.hpp) knows names, and
/// `recipe{"mine", coding_stage_of<Q>(), groups}` makes one of any quantizer type and any grouping. Where the recipe is
/// one of a few types, `dispatch` (quantizer/dispatch.hpp) costs less.
struct recipe {
  std::string name;
  coding_stage elements;
  grouping groups;

  /// Whether a matrix suits: see grouping::check.
  [[nodiscard]] constexpr status check(shape2d shape) const noexcept { return groups.check(shape); }
  /// Rows and columns of groups, in whose order scales lie.
  [[nodiscard]] constexpr shape2d scale_shape(shape2d shape) const noexcept {
    const shape2d group = groups.group_shape(shape);
    return {ceil_div(shape.rows, group.rows), ceil_div(shape.cols, group.cols)};
  }
  [[nodiscard]] constexpr index_t scale_count(shape2d shape) const noexcept { return scale_shape(shape).elements(); }
  /// What a quantized matrix costs: see grouping::stored_bytes.
  [[nodiscard]] constexpr index_t stored_bytes(shape2d shape) const noexcept {
    return groups.stored_bytes(shape, elements.code_bits, elements.scale_bits, elements.tensor_bits);
  }
};

/// What `quantize` by a recipe makes: plain arrays of the types that recipe::elements names.
struct coded_matrix {
  shape2d shape;
  std::vector<std::byte> codes;        ///< of code_type, row-major
  std::vector<std::byte> scales;       ///< of scale_type, one per group
  std::vector<std::byte> zero_points;  ///< of zero_point_type, one per group; empty where there are none
  float tensor_scale = 1.0F;
};

/// Scales that are known, such as those of a file: arrays as in coded_matrix, which must outlive the call.
struct given_recipe_scales {
  std::span<const std::byte> scales;
  std::span<const std::byte> zero_points = {};
  float tensor_scale = 1.0F;
};

namespace detail {

[[nodiscard]] inline fault recipe_shape_fault(const recipe& r, shape2d shape) {
  const status verdict = r.check(shape);
  return verdict ? fault{} : shape_fault(verdict, r.name, shape);
}

[[nodiscard]] inline fault recipe_input_fault(const recipe& r, matrix_view<const float> in, const given_ranges& given) {
  return first_fault([&] { return recipe_shape_fault(r, in.shape); },
                     [&] { return matrix_fault("the input matrix", in); },
                     [&] {
                       return ranges_fault({r.elements.scale, !r.elements.both_ends, r.elements.both_ends,
                                            r.elements.tensor_bits > 0, r.scale_count(in.shape)},
                                           given);
                     });
}

/// A stage may have been made without some of its loops (stage_parts).
[[nodiscard]] inline fault loops_fault(const recipe& r, bool there, const char* what) {
  if (there) return {};
  return {errc::unsupported, "recipe " + r.name + " was made without its loops of " + what};
}

/// Of arrays of scales and zero points: their bytes.
[[nodiscard]] inline fault scale_bytes_fault(const recipe& r, shape2d shape, std::size_t scales, std::size_t zeros) {
  const index_t groups = r.scale_count(shape);
  return first_fault(
      [&] { return count_fault("bytes of scales", groups * size_of(r.elements.scale_type), index_t(scales)); },
      [&] {
        return count_fault("bytes of zero points", groups * size_of(r.elements.zero_point_type), index_t(zeros));
      });
}

[[nodiscard]] inline std::vector<std::byte> joined_scales(const recipe& r, const given_recipe_scales& given,
                                                          index_t groups) {
  std::vector<std::byte> stored(static_cast<std::size_t>(groups * r.elements.stored_bytes));
  r.elements.join(given.scales.data(), r.elements.has_zero_points() ? given.zero_points.data() : nullptr, groups,
                  stored.data());
  return stored;
}

/// The scales of a matrix, in stored form.
[[nodiscard]] inline std::vector<std::byte> scales_made(const on_host& where, const recipe& r,
                                                        matrix_view<const float> in, const given_ranges& given,
                                                        float tensor_scale) {
  const index_t groups = r.scale_count(in.shape);
  const shape2d group = r.groups.group_shape(in.shape);
  std::vector<std::byte> stored(static_cast<std::size_t>(groups * r.elements.stored_bytes));
  const auto make = [&](const auto& ranges) {
    r.elements.make_scales(ranges.data(), groups, tensor_scale, stored.data());
  };
  if (r.elements.both_ends) {
    given.ends.empty() ? make(qgrain::ranges_of<signed_range>(where, in, group)) : make(given.ends);
  } else {
    given.absmax.empty() ? make(qgrain::ranges_of(where, in, group)) : make(given.absmax);
  }
  return stored;
}

[[nodiscard]] inline fault quantize_by(const on_host& where, const recipe& r, matrix_view<const float> in,
                                       coded_matrix& out, const given_ranges& given, std::uint64_t seed) {
  const coding_stage& e = r.elements;
  if (fault found = first_fault([&] { return loops_fault(r, e.encode != nullptr, "codes"); },
                                [&] { return recipe_input_fault(r, in, given); })) {
    return found;
  }
  const auto groups = static_cast<std::size_t>(r.scale_count(in.shape));
  out.shape = in.shape;
  with_runner(where, [&](task_runner& runner) {
    out.tensor_scale = tensor_scale_from(runner, in, given, e.tensor_bits > 0 ? e.tensor_scale : nullptr);
  });
  const std::vector<std::byte> stored = scales_made(where, r, in, given, out.tensor_scale);
  out.codes.resize(static_cast<std::size_t>(in.shape.elements() * size_of(e.code_type)));
  out.scales.resize(groups * static_cast<std::size_t>(size_of(e.scale_type)));
  out.zero_points.resize(groups * static_cast<std::size_t>(size_of(e.zero_point_type)));
  e.encode(where, in, r.groups.group_shape(in.shape), stored.data(), out.tensor_scale, seed, out.codes.data());
  e.split(stored.data(), static_cast<index_t>(groups), out.scales.data(), out.zero_points.data());
  return {};
}

[[nodiscard]] inline fault encode_by(const on_host& where, const recipe& r, matrix_view<const float> in,
                                     const given_recipe_scales& given, std::span<std::byte> codes, std::uint64_t seed) {
  const coding_stage& e = r.elements;
  fault found =
      first_fault([&] { return recipe_input_fault(r, in, {}); },
                  [&] { return scale_bytes_fault(r, in.shape, given.scales.size(), given.zero_points.size()); },
                  [&] {
                    return size_fault("bytes of codes", in.shape.elements() * size_of(e.code_type),
                                      static_cast<index_t>(codes.size()));
                  });
  if (found) return found;
  const index_t groups = r.scale_count(in.shape);
  const std::vector<std::byte> stored = joined_scales(r, given, groups);
  found = e.scales_fault(stored.data(), groups, &given.tensor_scale);
  if (!found)
    e.encode(where, in, r.groups.group_shape(in.shape), stored.data(), given.tensor_scale, seed, codes.data());
  return found;
}

[[nodiscard]] inline fault decode_by(const on_host& where, const recipe& r, const coded_matrix& in,
                                     matrix_view<float> out) {
  const coding_stage& e = r.elements;
  fault found = first_fault([&] { return recipe_shape_fault(r, in.shape); },
                            [&] { return same_shape_fault(in.shape, out.shape); },
                            [&] { return matrix_fault("the output matrix", out); },
                            [&] {
                              return count_fault("bytes of codes", in.shape.elements() * size_of(e.code_type),
                                                 static_cast<index_t>(in.codes.size()));
                            },
                            [&] { return scale_bytes_fault(r, in.shape, in.scales.size(), in.zero_points.size()); });
  if (found) return found;
  const std::vector<std::byte> stored =
      joined_scales(r, {in.scales, in.zero_points, in.tensor_scale}, r.scale_count(in.shape));
  e.decode(where, in.codes.data(), r.groups.group_shape(in.shape), stored.data(), in.tensor_scale, out);
  return found;
}

[[nodiscard]] inline fault fake_by(const on_host& where, const recipe& r, matrix_view<const float> in,
                                   matrix_view<float> out, const given_ranges& given, std::uint64_t seed) {
  fault found = first_fault([&] { return loops_fault(r, r.elements.fake != nullptr, "fake quantization"); },
                            [&] { return recipe_input_fault(r, in, given); },
                            [&] { return same_shape_fault(in.shape, out.shape); },
                            [&] { return matrix_fault("the output matrix", out); });
  if (!found) r.elements.fake(where, in, r.groups.group_shape(in.shape), given, seed, out);
  return found;
}

}  // namespace detail

/// Quantizes a matrix. Bits, NaN, `given` and errors as for quantizer types (host/quantize.hpp); `seed` is that of a
/// stochastic rounding. in: [rows, cols], any leading dimension. Two passes, three where the scale has two levels.
/// Allocates the result, the ranges and the scales once more.
/// @throws error errc::unsupported besides where the stage was made without its loops of codes
[[nodiscard]] inline coded_matrix quantize(const on_host& where, const recipe& r, matrix_view<const float> in,
                                           const given_ranges& given = {}, std::uint64_t seed = 0) {
  coded_matrix out;
  detail::raise_if(detail::quantize_by(where, r, in, out, given, seed));
  return out;
}
/// The same for callers without exceptions: the status of its checks; `out` is what it was unless it is ok.
[[nodiscard]] inline status try_quantize(const on_host& where, const recipe& r, matrix_view<const float> in,
                                         coded_matrix& out, const given_ranges& given = {}, std::uint64_t seed = 0) {
  return detail::quantize_by(where, r, in, out, given, seed).verdict;
}

/// Codes under scales that are known: `codes` takes shape.elements() numbers of code_type. One pass; nothing has been
/// written where an error is thrown. Allocates the scales once more.
/// @throws error errc::invalid_shape where the recipe refuses the shape or the bytes of scales or zero points are not
/// those of its groups, errc::buffer_too_small for too little room, errc::non_finite and errc::out_of_range for numbers
/// that cannot be used
inline void quantize_with_scales(const on_host& where, const recipe& r, matrix_view<const float> in,
                                 const given_recipe_scales& given, std::span<std::byte> codes, std::uint64_t seed = 0) {
  detail::raise_if(detail::encode_by(where, r, in, given, codes, seed));
}
/// The same for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
[[nodiscard]] inline status try_quantize_with_scales(const on_host& where, const recipe& r, matrix_view<const float> in,
                                                     const given_recipe_scales& given, std::span<std::byte> codes,
                                                     std::uint64_t seed = 0) {
  return detail::encode_by(where, r, in, given, codes, seed).verdict;
}

/// The values of codes. out: [rows, cols], any leading dimension. One pass; scales are taken as they are. Allocates
/// them once more.
/// @throws error errc::invalid_shape where the recipe refuses the shape, shapes differ or the bytes of an array are not
/// those that the recipe has
inline void dequantize(const on_host& where, const recipe& r, const coded_matrix& in, matrix_view<float> out) {
  detail::raise_if(detail::decode_by(where, r, in, out));
}
/// The same for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
[[nodiscard]] inline status try_dequantize(const on_host& where, const recipe& r, const coded_matrix& in,
                                           matrix_view<float> out) {
  return detail::decode_by(where, r, in, out).verdict;
}

/// The values that quantizing and decoding would give, without codes. `out` may be `in`. As fake_quantize of the
/// quantizer type, `given` and errors included. (`fake_recipe` does this alone, band by band, for less compile time.)
inline void fake_quantize(const on_host& where, const recipe& r, matrix_view<const float> in, matrix_view<float> out,
                          const given_ranges& given = {}, std::uint64_t seed = 0) {
  detail::raise_if(detail::fake_by(where, r, in, out, given, seed));
}
/// The same for callers without exceptions: the status of its checks; nothing has been written unless it is ok.
[[nodiscard]] inline status try_fake_quantize(const on_host& where, const recipe& r, matrix_view<const float> in,
                                              matrix_view<float> out, const given_ranges& given = {},
                                              std::uint64_t seed = 0) {
  return detail::fake_by(where, r, in, out, given, seed).verdict;
}

}  // namespace qgrain

#endif
