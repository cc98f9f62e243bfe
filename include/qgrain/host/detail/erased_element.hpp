// The bulk loops of one element stage behind functions over bytes.
#ifndef QGRAIN_HOST_DETAIL_ERASED_ELEMENT_HPP
#define QGRAIN_HOST_DETAIL_ERASED_ELEMENT_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/bulk.hpp>
#include <qgrain/host/detail/host_requirements.hpp>
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/quantizer/clip_limits.hpp>
#include <qgrain/scale/affine.hpp>

#include <cstddef>
#include <cstdint>

namespace qgrain::detail {

/// A scale as it is stored, and its zero point, apart.
template <class Stored>
struct scale_parts {
  using scale = Stored;
  using zero_point = void;
  static scale apart(const Stored& stored, std::byte*, index_t) noexcept { return stored; }
  static Stored together(scale s, const std::byte*, index_t) noexcept { return s; }
};
template <class T, class Integer>
struct scale_parts<affine_scale<T, Integer>> {
  using scale = T;
  using zero_point = Integer;
  static scale apart(const affine_scale<T, Integer>& stored, std::byte* zero_points, index_t group) noexcept {
    reinterpret_cast<Integer*>(zero_points)[group] = stored.zero_point;
    return stored.scale;
  }
  static affine_scale<T, Integer> together(scale s, const std::byte* zero_points, index_t group) noexcept {
    return {s, zero_points == nullptr ? Integer{} : reinterpret_cast<const Integer*>(zero_points)[group]};
  }
};

template <class Rounding>
[[nodiscard]] constexpr Rounding seeded(std::uint64_t seed) noexcept {
  if constexpr (requires { Rounding{seed}; }) {
    return Rounding{seed};
  } else {
    return {};
  }
}

template <class Element>
struct erased_element {
  using stored_scale = typename Element::stored_scale;
  using code_type = typename Element::code_type;
  using range_type = typename Element::range_type;
  using rounding_type = typename Element::rounding_type;
  using parts = scale_parts<stored_scale>;

  static const stored_scale* scales_in(const std::byte* stored) noexcept {
    return reinterpret_cast<const stored_scale*>(stored);
  }
  static auto known_scales(shape2d shape, shape2d group, const std::byte* stored) noexcept {
    return scale_memory<const stored_scale>{scales_in(stored),
                                            {ceil_div(shape.rows, group.rows), ceil_div(shape.cols, group.cols)}};
  }

  static float tensor_scale(float absmax) { return Element::tensor_scale(absmax); }
  static void make_scales(const void* ranges, index_t groups, float tensor, std::byte* stored) {
    const auto* known = static_cast<const range_type*>(ranges);
    auto* made = reinterpret_cast<stored_scale*>(stored);
    for (index_t g = 0; g < groups; ++g) made[g] = Element::scale(known[g], tensor);
  }
  static void split(const std::byte* stored, index_t groups, std::byte* scales, std::byte* zero_points) {
    auto* out = reinterpret_cast<typename parts::scale*>(scales);
    for (index_t g = 0; g < groups; ++g) out[g] = parts::apart(scales_in(stored)[g], zero_points, g);
  }
  static void join(const std::byte* scales, const std::byte* zero_points, index_t groups, std::byte* stored) {
    const auto* in = reinterpret_cast<const typename parts::scale*>(scales);
    auto* out = reinterpret_cast<stored_scale*>(stored);
    for (index_t g = 0; g < groups; ++g) out[g] = parts::together(in[g], zero_points, g);
  }
  static fault scales_fault(const std::byte* stored, index_t groups, const float* tensor_scale) {
    return scale_numbers_fault<Element>({scales_in(stored), static_cast<std::size_t>(groups)}, tensor_scale);
  }
  static index_t clipped(matrix_view<const float> in, shape2d group, const std::byte* stored, float tensor) {
    const index_t per_row = ceil_div(in.shape.cols, group.cols);
    index_t count = 0;
    for (index_t r = 0; r < in.shape.rows; ++r) {
      for (index_t c = 0; c < in.shape.cols; ++c) {
        const auto factors = Element::factors(scales_in(stored)[r / group.rows * per_row + c / group.cols], tensor);
        count += is_clipped<Element>(in(r, c), factors) ? 1 : 0;
      }
    }
    return count;
  }

  static void encode(const on_host& where, matrix_view<const float> in, shape2d group, const std::byte* stored,
                     float tensor, std::uint64_t seed, std::byte* codes) {
    encode_matrix<Element, float>(where, in, group, known_scales(in.shape, group, stored), tensor,
                                  plain_codes<code_type>{reinterpret_cast<code_type*>(codes), in.shape.cols},
                                  seeded<rounding_type>(seed));
  }
  static void decode(const on_host& where, const std::byte* codes, shape2d group, const std::byte* stored, float tensor,
                     matrix_view<float> out) {
    dequantize_matrix<Element, float>(
        where, plain_codes<const code_type>{reinterpret_cast<const code_type*>(codes), out.shape.cols},
        known_scales(out.shape, group, stored), tensor, group, out);
  }
  static void fake(const on_host& where, matrix_view<const float> in, shape2d group, const given_ranges& given,
                   std::uint64_t seed, matrix_view<float> out) {
    using stage = decltype(fake_stage<Element>(seeded<rounding_type>(seed)));
    fake_quantize_matrix<range_type, stage, float>(where, fake_stage<Element>(seeded<rounding_type>(seed)), nullptr,
                                                   tensor_scale_function<Element>(), in, out, group, given);
  }
};

}  // namespace qgrain::detail

#endif
