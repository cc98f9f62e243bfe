// What happens to the elements of a group, as a value: the bulk operations of one element type behind function
// pointers.
#ifndef QGRAIN_QUANTIZE_ELEMENT_OPERATIONS_HPP
#define QGRAIN_QUANTIZE_ELEMENT_OPERATIONS_HPP

#include <quantize/host_tensor.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/detail/measure_block.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <array>
#include <cstdint>
#include <type_traits>

namespace qgrain::convert {

/// A format with a scale rule and a rounding. Granularity is an argument, so recipes cost formats plus granularities,
/// not their product. `stored` is an array of the element's own scale type, zero points among them.
struct element_operations {
  std::string_view format;
  std::string_view scale;
  std::string_view rounding;
  int bits = 0;
  int scale_bits = 0;   ///< per group, the zero point counted
  int tensor_bits = 0;  ///< per tensor: not 0 where the scale has two levels
  dtype code_type = dtype::u8;
  dtype scale_type = dtype::f32;
  dtype zero_point_type = dtype::boolean;               ///< boolean where there is none
  std::size_t stored_bytes = 0;                         ///< of one group
  float (*scale_of_byte)(std::uint8_t byte) = nullptr;  ///< null where scales are floats
  bool signed_ranges = false;  ///< scales come from both ends of a range, not from the largest magnitude

  float (*tensor_scale)(float absmax) = nullptr;
  /// `ranges` is an array of float, or of signed_range where `signed_ranges` says so.
  void (*make_scales)(const void* ranges, index_t groups, float tensor_scale, std::byte* stored) = nullptr;
  /// Scales of `scale_type` and zero points (null where there are none) to and from stored form.
  void (*split)(const std::byte* stored, index_t groups, std::byte* scales, std::byte* zero_points) = nullptr;
  void (*join)(const std::byte* scales, const std::int64_t* zero_points, index_t groups, std::byte* stored) = nullptr;
  /// How many elements saturation made worse than rounding could: see quantize_and_measure.
  index_t (*clipped)(matrix_view<const float> in, shape2d group, const std::byte* stored, float tensor_scale) = nullptr;
  void (*encode)(const on_host&, matrix_view<const float> in, shape2d group, std::byte* stored, float tensor_scale,
                 std::byte* codes) = nullptr;
  void (*decode)(const on_host&, std::byte* codes, shape2d group, std::byte* stored, float tensor_scale,
                 matrix_view<float> out) = nullptr;
  /// Null where ranges have two ends.
  void (*fake)(const on_host&, matrix_view<const float> in, shape2d group, const given_ranges& given,
               matrix_view<float> out) = nullptr;

  [[nodiscard]] constexpr bool has_zero_points() const noexcept { return zero_point_type != dtype::boolean; }
};

/// One per type of the tensor: F32, BF16, F16. They differ where the tool computes in the tensor's own type.
using operations_by_type = std::array<const element_operations*, 3>;

[[nodiscard]] inline const element_operations& operations_for(const operations_by_type& all, dtype type) noexcept {
  return *all[type == dtype::bf16 ? 1 : type == dtype::f16 ? 2 : 0];
}

namespace detail {

template <class T>
[[nodiscard]] constexpr dtype dtype_of() noexcept {
  if (std::is_same_v<T, float>) return dtype::f32;
  if (std::is_same_v<T, bfloat16>) return dtype::bf16;
  if (std::is_same_v<T, float16>) return dtype::f16;
  if (std::is_same_v<T, std::int8_t>) return dtype::i8;
  if (std::is_same_v<T, std::int16_t>) return dtype::i16;
  if (std::is_same_v<T, std::uint16_t>) return dtype::u16;
  if (std::is_same_v<T, std::int32_t>) return dtype::i32;
  return dtype::u8;
}

template <class Stored>
struct stored_parts {
  using scale = Stored;
  static constexpr dtype zero_point = dtype::boolean;
  static scale get(const Stored& s, std::byte*, index_t) noexcept { return s; }
  static Stored make(scale s, const std::int64_t*, index_t) noexcept { return s; }
};
template <class T, class Integer>
struct stored_parts<affine_scale<T, Integer>> {
  using scale = T;
  static constexpr dtype zero_point = dtype_of<Integer>();
  static scale get(const affine_scale<T, Integer>& s, std::byte* zero_points, index_t group) noexcept {
    reinterpret_cast<Integer*>(zero_points)[group] = s.zero_point;
    return s.scale;
  }
  static affine_scale<T, Integer> make(scale s, const std::int64_t* zero_points, index_t group) noexcept {
    return {s, zero_points == nullptr ? Integer{} : static_cast<Integer>(zero_points[group])};
  }
};

template <class Element>
struct erased {
  using stored_scale = typename Element::stored_scale;
  using code_type = typename Element::code_type;
  using range_type = typename Element::range_type;
  using parts = stored_parts<stored_scale>;
  using memory = qgrain::detail::plain_codes<code_type>;

  static stored_scale* scales_in(std::byte* stored) noexcept { return reinterpret_cast<stored_scale*>(stored); }
  static const stored_scale* scales_in(const std::byte* stored) noexcept {
    return reinterpret_cast<const stored_scale*>(stored);
  }

  static auto known_scales(shape2d shape, shape2d group, std::byte* stored) noexcept {
    return qgrain::detail::scale_memory<stored_scale>{
        scales_in(stored), {ceil_div(shape.rows, group.rows), ceil_div(shape.cols, group.cols)}};
  }
  static float tensor_scale(float absmax) { return Element::tensor_scale(absmax); }
  static void make_scales(const void* ranges, index_t groups, float tensor, std::byte* stored) {
    const auto* known = static_cast<const range_type*>(ranges);
    for (index_t g = 0; g < groups; ++g) scales_in(stored)[g] = Element::scale(known[g], tensor);
  }
  static void split(const std::byte* stored, index_t groups, std::byte* scales, std::byte* zero_points) {
    auto* out = reinterpret_cast<typename parts::scale*>(scales);
    for (index_t g = 0; g < groups; ++g) out[g] = parts::get(scales_in(stored)[g], zero_points, g);
  }
  static void join(const std::byte* scales, const std::int64_t* zero_points, index_t groups, std::byte* stored) {
    const auto* in = reinterpret_cast<const typename parts::scale*>(scales);
    for (index_t g = 0; g < groups; ++g) scales_in(stored)[g] = parts::make(in[g], zero_points, g);
  }
  static index_t clipped(matrix_view<const float> in, shape2d group, const std::byte* stored, float tensor) {
    const index_t per_row = ceil_div(in.shape.cols, group.cols);
    index_t count = 0;
    for (index_t r = 0; r < in.shape.rows; ++r) {
      for (index_t c = 0; c < in.shape.cols; ++c) {
        const auto factors = Element::factors(scales_in(stored)[r / group.rows * per_row + c / group.cols], tensor);
        count += qgrain::detail::is_clipped<Element>(in(r, c), factors) ? 1 : 0;
      }
    }
    return count;
  }
  static void encode(const on_host& where, matrix_view<const float> in, shape2d group, std::byte* stored, float tensor,
                     std::byte* codes) {
    qgrain::detail::encode_matrix<Element, float>(where, in, group, known_scales(in.shape, group, stored), tensor,
                                                  memory{reinterpret_cast<code_type*>(codes), in.shape.cols}, {});
  }
  static void decode(const on_host& where, std::byte* codes, shape2d group, std::byte* stored, float tensor,
                     matrix_view<float> out) {
    qgrain::detail::dequantize_matrix<Element, float>(where,
                                                      memory{reinterpret_cast<code_type*>(codes), out.shape.cols},
                                                      known_scales(out.shape, group, stored), tensor, group, out);
  }
  static void fake(const on_host& where, matrix_view<const float> in, shape2d group, const given_ranges& given,
                   matrix_view<float> out) {
    qgrain::detail::fake_quantize_matrix<range_type>(where, qgrain::detail::fake_stage<Element>({}),
                                                     qgrain::detail::tensor_scale_function<Element>(), in, out, group,
                                                     given);
  }
};

template <class Element>
[[nodiscard]] constexpr element_operations described() noexcept {
  using scale = typename Element::scale_type;
  using e = erased<Element>;
  element_operations o;
  o.format = Element::format_type::name();
  o.scale = scale::name();
  o.rounding = Element::rounding_type::name();
  o.bits = Element::format_type::bits;
  o.scale_bits = scale::bits;
  o.tensor_bits = scale::tensor_bits;
  o.code_type = dtype_of<typename Element::code_type>();
  o.scale_type = dtype_of<typename e::parts::scale>();
  o.zero_point_type = e::parts::zero_point;
  o.stored_bytes = sizeof(typename Element::stored_scale);
  if constexpr (std::is_same_v<typename e::parts::scale, std::uint8_t>) {
    // Only E4M3 reads 0x38 as 1.
    const bool e4m3 = scale::tensor_bits > 0 || scale::restored(1.0F, scale::factors(0x38, 1.0F)) == 1.0F;
    o.scale_of_byte = e4m3 ? &float8_e4m3fn::decode : &float8_e8m0fnu::decode;
  }
  o.signed_ranges = !std::is_same_v<typename Element::range_type, float>;
  o.tensor_scale = &e::tensor_scale;
  o.make_scales = &e::make_scales;
  o.split = &e::split;
  o.join = &e::join;
  o.clipped = &e::clipped;
  return o;
}

/// With codes.
template <class Element>
inline constexpr element_operations coding = [] {
  element_operations o = described<Element>();
  o.encode = &erased<Element>::encode;
  o.decode = &erased<Element>::decode;
  return o;
}();
/// With fake quantization only.
template <class Element>
inline constexpr element_operations faking = [] {
  element_operations o = described<Element>();
  o.fake = &erased<Element>::fake;
  return o;
}();
/// With both.
template <class Element>
inline constexpr element_operations coding_and_faking = [] {
  element_operations o = coding<Element>;
  o.fake = &erased<Element>::fake;
  return o;
}();

}  // namespace detail

/// The operations of quantizer types; granularities of the types do not matter. Each costs compile time: three loops
/// for three instruction sets.
template <class F32, class BF16 = F32, class F16 = F32>
inline constexpr operations_by_type coding_of = {&detail::coding<typename F32::element_type>,
                                                 &detail::coding<typename BF16::element_type>,
                                                 &detail::coding<typename F16::element_type>};
template <class Q>
inline constexpr operations_by_type faking_of = {&detail::faking<typename Q::element_type>,
                                                 &detail::faking<typename Q::element_type>,
                                                 &detail::faking<typename Q::element_type>};
template <class Q>
inline constexpr operations_by_type coding_and_faking_of = {&detail::coding_and_faking<typename Q::element_type>,
                                                            &detail::coding_and_faking<typename Q::element_type>,
                                                            &detail::coding_and_faking<typename Q::element_type>};

}  // namespace qgrain::convert

#endif
