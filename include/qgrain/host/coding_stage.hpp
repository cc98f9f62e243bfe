// The element stage of quantization to codes, as a value.
#ifndef QGRAIN_HOST_CODING_STAGE_HPP
#define QGRAIN_HOST_CODING_STAGE_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/host/detail/erased_element.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/scale/range.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace qgrain {

/// Types of codes, scales and zero points in memory.
enum class number_type : std::uint8_t { none, u8, i8, u16, i16, i32, bf16, f16, f32 };

/// Bytes of one number; 0 for none.
[[nodiscard]] constexpr index_t size_of(number_type type) noexcept {
  constexpr index_t sizes[] = {0, 1, 1, 2, 2, 4, 2, 2, 4};
  return sizes[static_cast<std::size_t>(type)];
}

/// The type of T; none for void.
template <class T>
[[nodiscard]] constexpr number_type number_type_of() noexcept {
  if (std::is_same_v<T, std::uint8_t>) return number_type::u8;
  if (std::is_same_v<T, std::int8_t>) return number_type::i8;
  if (std::is_same_v<T, std::uint16_t>) return number_type::u16;
  if (std::is_same_v<T, std::int16_t>) return number_type::i16;
  if (std::is_same_v<T, std::int32_t>) return number_type::i32;
  if (std::is_same_v<T, bfloat16>) return number_type::bf16;
  if (std::is_same_v<T, float16>) return number_type::f16;
  if (std::is_same_v<T, float>) return number_type::f32;
  return number_type::none;
}

/// A format, a scale rule and a rounding without their granularity, which is an argument here: a list of recipes costs
/// formats plus granularities, not their product. `recipe` (recipe.hpp) puts checks and memory around it.
///
/// The functions check nothing. `group` is the shape of a group; groups are counted row by row from the upper left
/// corner. `stored` are scales in the element stage's own form, `stored_bytes` each, aligned to 4 bytes: zero points
/// beside them. Bits are those of the operations of the quantizer type.
struct coding_stage {
  std::string_view format;
  std::string_view scale;
  std::string_view rounding;
  int code_bits = 0;
  int scale_bits = 0;   ///< per group, the zero point counted
  int tensor_bits = 0;  ///< per tensor: not 0 where the scale has two levels
  number_type code_type = number_type::u8;
  number_type scale_type = number_type::f32;
  number_type zero_point_type = number_type::none;  ///< none: there are no zero points
  index_t stored_bytes = 0;
  float (*scale_of_byte)(std::uint8_t byte) = nullptr;  ///< null where scales are floats
  bool both_ends = false;  ///< scales are made of both ends of a range (signed_range), not of the largest magnitude

  float (*tensor_scale)(float absmax) = nullptr;
  /// `ranges`: of each group a float, or a signed_range where `both_ends` says so.
  void (*make_scales)(const void* ranges, index_t groups, float tensor_scale, std::byte* stored) = nullptr;
  /// To scales of scale_type and zero points of zero_point_type, and back; zero points are not looked at where there
  /// are none, and may be null in `join`: zeros.
  void (*split)(const std::byte* stored, index_t groups, std::byte* scales, std::byte* zero_points) = nullptr;
  void (*join)(const std::byte* scales, const std::byte* zero_points, index_t groups, std::byte* stored) = nullptr;
  /// What is wrong with scales that were given.
  detail::fault (*scales_fault)(const std::byte* stored, index_t groups, const float* tensor_scale) = nullptr;
  /// How many elements saturation made worse than rounding could: see quantize_and_measure.
  index_t (*clipped)(matrix_view<const float> in, shape2d group, const std::byte* stored, float tensor_scale) = nullptr;

  /// Codes of code_type, row-major without gaps. `seed`: of a stochastic rounding.
  void (*encode)(const on_host& where, matrix_view<const float> in, shape2d group, const std::byte* stored,
                 float tensor_scale, std::uint64_t seed, std::byte* codes) = nullptr;
  void (*decode)(const on_host& where, const std::byte* codes, shape2d group, const std::byte* stored,
                 float tensor_scale, matrix_view<float> out) = nullptr;
  /// fake_quantize; `out` may be `in`.
  void (*fake)(const on_host& where, matrix_view<const float> in, shape2d group, const given_ranges& given,
               std::uint64_t seed, matrix_view<float> out) = nullptr;

  [[nodiscard]] constexpr bool has_zero_points() const noexcept { return zero_point_type != number_type::none; }
};

/// Which loops a stage is to have; the others stay null. Each costs compile time, once per instruction set. `scales`
/// has none of them.
enum class stage_parts : std::uint8_t { scales, codes, fake, all };

/// The stage of a quantizer type; its granularity does not matter.
template <quantizer_type Q, stage_parts Parts = stage_parts::all>
[[nodiscard]] constexpr coding_stage coding_stage_of() noexcept {
  using element = typename Q::element_type;
  using scale = typename Q::scale_type;
  using erased = detail::erased_element<element>;
  static_assert(std::is_same_v<typename Q::range_type, float> || std::is_same_v<typename Q::range_type, signed_range>,
                "qgrain::coding_stage_of: at run time scales are made of largest magnitudes or of both ends of ranges");
  coding_stage s;
  s.format = Q::format_type::name();
  s.scale = scale::name();
  s.rounding = Q::rounding_type::name();
  s.code_bits = Q::format_type::bits;
  s.scale_bits = scale::bits;
  s.tensor_bits = scale::tensor_bits;
  s.code_type = number_type_of<typename Q::code_type>();
  s.scale_type = number_type_of<typename erased::parts::scale>();
  s.zero_point_type = number_type_of<typename erased::parts::zero_point>();
  s.stored_bytes = static_cast<index_t>(sizeof(typename Q::stored_scale));
  if constexpr (std::is_same_v<typename erased::parts::scale, std::uint8_t>) {
    // Only E4M3 reads 0x38 as 1.
    const bool e4m3 = scale::tensor_bits > 0 || scale::restored(1.0F, scale::factors(0x38, 1.0F)) == 1.0F;
    s.scale_of_byte = e4m3 ? &float8_e4m3fn::decode : &float8_e8m0fnu::decode;
  }
  s.both_ends = std::is_same_v<typename Q::range_type, signed_range>;
  s.tensor_scale = &erased::tensor_scale;
  s.make_scales = &erased::make_scales;
  s.split = &erased::split;
  s.join = &erased::join;
  s.scales_fault = &erased::scales_fault;
  s.clipped = &erased::clipped;
  if constexpr (Parts == stage_parts::codes || Parts == stage_parts::all) {
    s.encode = &erased::encode;
    s.decode = &erased::decode;
  }
  if constexpr (Parts == stage_parts::fake || Parts == stage_parts::all) s.fake = &erased::fake;
  return s;
}

}  // namespace qgrain

#endif
