// Quantized matrices of this library as codes that stores take, and back.
#ifndef QGRAIN_INTEROP_QUANTIZED_CODES_HPP
#define QGRAIN_INTEROP_QUANTIZED_CODES_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/format/codebook.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/code_rules.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/quantized_view.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qgrain::interop {

namespace detail {

template <class Format, class Wanted>
concept codes_of_format = std::same_as<Format, Wanted> || std::same_as<Format, plain_cast<Wanted>>;

/// The kind of a format's codes; formats without one do not compile.
template <class Format>
[[nodiscard]] constexpr code_kind kind_of_format() noexcept {
  static_assert(Format::bits <= 8, "qgrain::interop: codes of more than 8 bits have no store; keep them as they are");
  if constexpr (codes_of_format<Format, float4_e2m1fn>) {
    return code_kind::e2m1;
  } else if constexpr (codes_of_format<Format, float6_e2m3fn>) {
    return code_kind::e2m3;
  } else if constexpr (codes_of_format<Format, float6_e3m2fn>) {
    return code_kind::e3m2;
  } else if constexpr (codes_of_format<Format, float8_e4m3fn>) {
    return code_kind::e4m3;
  } else if constexpr (codes_of_format<Format, float8_e5m2>) {
    return code_kind::e5m2;
  } else if constexpr (codes_of_format<Format, nf4_modelopt> || codes_of_format<Format, modelopt_nf4<>>) {
    return code_kind::nf4_modelopt;
  } else if constexpr (codes_of_format<Format, iq4_nl>) {
    return code_kind::iq4_nl;
  } else {
    static_assert(
        requires { Format::is_signed; },
        "qgrain::interop: this format has no store; use an integer, e2m1fn, e2m3fn, e3m2fn, e4m3fn, e5m2, nf4_modelopt "
        "or iq4_nl");
    return code_kind::integer;
  }
}

/// What is added to an integer code so that it is 0 or more.
template <class Format>
[[nodiscard]] constexpr std::int32_t code_offset() noexcept {
  if constexpr (requires { Format::is_signed; }) return Format::is_signed ? 1 << (Format::bits - 1) : 0;
  return 0;
}

/// A stored scale: bare, or with a zero point.
template <class S>
concept with_zero_point = requires(S stored) {
  stored.scale;
  stored.zero_point;
};

/// How a scale policy reads what it stores, asked with numbers whose product and quotient are exact. Policies that do
/// neither are found when values are compared.
template <class Q>
struct scale_meaning {
  using policy = typename Q::scale_type;
  using stored = typename Q::stored_scale;
  static constexpr bool bytes = std::same_as<stored, std::uint8_t>;
  static constexpr bool two_level = policy::tensor_bits > 0;

  [[nodiscard]] static scale_kind kind() noexcept {
    if constexpr (bytes) {
      const bool e4m3 = two_level || policy::restored(1.0F, policy::factors(0x38, 1.0F)) == 1.0F;
      return e4m3 ? scale_kind::e4m3 : scale_kind::e8m0;
    } else if constexpr (with_zero_point<stored>) {
      return scale_array::kind_of<decltype(stored{}.scale)>();
    } else {
      return scale_array::kind_of<stored>();
    }
  }
  [[nodiscard]] static scale_use use() noexcept {
    if constexpr (bytes || with_zero_point<stored>) return scale_use::multiplies;
    if constexpr (storage_element<stored>) {
      const float value = policy::restored(2.0F, policy::factors(from_float<stored>(4.0F), 1.0F));
      return value == 0.5F ? scale_use::divides : scale_use::multiplies;
    }
  }
  [[nodiscard]] static scale_use tensor_use() noexcept {
    if constexpr (bytes && two_level) {
      const float value = policy::restored(1.0F, policy::factors(0x38, 4.0F));
      return value == 0.25F ? scale_use::divides : scale_use::multiplies;
    }
    return scale_use::multiplies;
  }
};

template <class Q>
void require_view(const quantized_view<Q>& view) {
  const status verdict = Q::check(view.shape);
  if (!verdict) {
    qgrain::detail::raise(verdict.code(), describe<Q>().name + " cannot take a " + std::to_string(view.shape.rows) +
                                              " x " + std::to_string(view.shape.cols) + " matrix: the rule asks for " +
                                              std::to_string(verdict.wanted()) + ", found " +
                                              std::to_string(verdict.found()));
  }
  if (view.codes == nullptr || view.scales == nullptr ||
      (Q::scale_type::tensor_bits > 0 && view.tensor_scale == nullptr)) {
    qgrain::detail::raise(errc::invalid_argument,
                          describe<Q>().name + " has no memory for codes, scales or the tensor scale");
  }
}

/// Equal numbers or both NaN, everywhere.
template <class Q>
[[nodiscard]] bool same_values(const code_matrix& codes, const quantized_view<Q>& view) noexcept {
  for (index_t r = 0; r < view.shape.rows; ++r) {
    for (index_t c = 0; c < view.shape.cols; ++c) {
      const float a = codes.value(r, c);
      const float b = view(r, c);
      if (!(a == b || (is_nan(a) && is_nan(b)))) return false;
    }
  }
  return true;
}

}  // namespace detail

/// What `quantize<Q>` made, as codes for a store: `gptq_weights::from_codes(codes_of(quantized.view()))`. Any
/// granularity: scales of more rows than one are repeated. Every value is compared with the view's. Two passes over the
/// codes, and a copy.
/// @throws error errc::unsupported where values come about in another way than a code_matrix has (scales that round to
/// 16 bits), errc::invalid_shape and errc::invalid_argument for views that are none
template <quantizer_type Q>
[[nodiscard]] code_matrix codes_of(const quantized_view<Q>& view) {
  using format = typename Q::format_type;
  using meaning = detail::scale_meaning<Q>;
  detail::require_view(view);
  code_matrix to;
  to.origin = describe<Q>().name;
  to.shape = view.shape;
  to.kind = detail::kind_of_format<format>();
  to.bits = format::bits;
  const shape2d group = Q::granularity_type::group_shape(view.shape);
  to.group_size = smaller_of(group.cols, view.shape.cols);
  constexpr std::int32_t offset = detail::code_offset<format>();
  for (index_t i = 0; i < view.shape.elements(); ++i) {
    to.codes.push_back(static_cast<std::uint8_t>(low_bits(static_cast<std::int32_t>(view.codes[i]) + offset, to.bits)));
  }
  to.scales.kind = meaning::kind();
  to.use = meaning::use();
  to.two_level = meaning::two_level;
  to.tensor_use = meaning::tensor_use();
  to.tensor_scale = meaning::two_level ? *view.tensor_scale : 1.0F;
  std::vector<float> effective;
  for (index_t r = 0; r < view.shape.rows; ++r) {
    for (index_t c = 0; c < view.shape.cols; c += to.group_size) {
      const auto& stored = view.scales[Q::scale_index(view.shape, r, c)];
      if constexpr (detail::with_zero_point<typename Q::stored_scale>) {
        to.scales.patterns.push_back(scale_array::pattern_of(stored.scale));
        to.zero_points.push_back(static_cast<std::int32_t>(stored.zero_point) + offset);
      } else if constexpr (meaning::bytes) {
        to.scales.patterns.push_back(stored);
      } else {
        to.scales.patterns.push_back(scale_array::pattern_of(stored));
      }
      if constexpr (!detail::with_zero_point<typename Q::stored_scale>) {
        if (to.kind == code_kind::integer && offset == 0) to.zero_points.push_back(0);
        effective.push_back(Q::scale_type::restored(1.0F, Q::factors(stored, to.tensor_scale)));
      }
    }
  }
  if (detail::same_values(to, view)) return to;
  // Multipliers whose reciprocal is rounded: what they multiply by in the end is a scale too.
  if (!effective.empty()) {
    to.scales = scale_array(std::span<const float>(effective));
    to.use = scale_use::multiplies;
    to.two_level = false;
    to.tensor_scale = 1.0F;
    if (detail::same_values(to, view)) return to;
  }
  qgrain::detail::raise(errc::unsupported, to.origin + " rounds its values in a way that no store has: its scale is " +
                                               std::string(Q::scale_type::name()));
}

/// Codes of a store into a quantized view: everything of `out` is written. Every value is compared.
/// @throws error errc::unsupported where Q cannot hold the values, errc::invalid_shape where the shapes differ;
/// nothing has been written then
template <quantizer_type Q>
void write_codes(const code_matrix& given, const quantized_view<Q>& out) {
  using format = typename Q::format_type;
  using stored_scale = typename Q::stored_scale;
  using meaning = detail::scale_meaning<Q>;
  const std::string name = describe<Q>().name;
  detail::require_view(out);
  detail::require_whole(name, given);
  if (given.shape != out.shape) {
    qgrain::detail::raise(errc::invalid_shape, name + ": the output is " + std::to_string(out.shape.rows) + " x " +
                                                   std::to_string(out.shape.cols) + ", the codes of " + given.origin +
                                                   " are " + std::to_string(given.shape.rows) + " x " +
                                                   std::to_string(given.shape.cols));
  }
  detail::require_kind(name, given, detail::kind_of_format<format>(), format::bits);
  const shape2d group = Q::granularity_type::group_shape(out.shape);
  code_matrix from = detail::regrouped(name, given, smaller_of(group.cols, out.shape.cols));
  constexpr std::int32_t offset = detail::code_offset<format>();
  constexpr bool zero_points = detail::with_zero_point<stored_scale>;
  constexpr bool integers = detail::kind_of_format<format>() == code_kind::integer;
  std::vector<std::int32_t> zeros;
  if constexpr (integers)
    zeros = detail::zero_points_in(name, from, zero_points ? 0 : offset, zero_points ? 255 : offset);
  if constexpr (!integers) detail::require_no_minimums(name, from);
  float tensor_scale = 1.0F;
  scale_array scales;
  if constexpr (meaning::two_level) {
    tensor_scale = detail::tensor_scale_as(name, from, meaning::kind(), meaning::tensor_use());
    scales = from.scales;
  } else if (from.use == meaning::use() && from.scales.kind == meaning::kind() && !from.two_level) {
    scales = from.scales;
  } else {
    if (meaning::use() == scale_use::divides) {
      from.use = from.use == scale_use::divides ? scale_use::multiplies : scale_use::divides;
    }
    scales = detail::one_level_scales(name, from, meaning::kind());
  }
  // Into memory of its own first, so that nothing is written where values differ.
  std::vector<typename Q::code_type> codes;
  for (const std::uint8_t code : from.codes) {
    codes.push_back(static_cast<typename Q::code_type>(static_cast<std::int32_t>(code) - offset));
  }
  std::vector<stored_scale> stored(static_cast<std::size_t>(Q::scale_count(out.shape)));
  for (index_t r = 0; r < out.shape.rows; ++r) {
    for (index_t c = 0; c < out.shape.cols; c += from.group_size) {
      const std::size_t at = from.group_of(r, c);
      stored_scale& own = stored[static_cast<std::size_t>(Q::scale_index(out.shape, r, c))];
      if constexpr (meaning::bytes) {
        own = static_cast<std::uint8_t>(scales.patterns[at]);
      } else if constexpr (zero_points) {
        own.scale = from_float<decltype(own.scale)>(scales.value(at));
        own.zero_point = static_cast<decltype(own.zero_point)>(zeros[at] - offset);
      } else {
        own = from_float<stored_scale>(scales.value(at));
      }
    }
  }
  if (!detail::same_values(given, quantized_view<Q>{codes.data(), stored.data(), &tensor_scale, out.shape})) {
    detail::refuse(name, given,
                   "its values come from " + std::string(Q::scale_type::name()) + " scales by " +
                       std::string(Q::granularity_type::name()) + " and would differ");
  }
  for (std::size_t i = 0; i < codes.size(); ++i) out.codes[i] = codes[i];
  for (std::size_t i = 0; i < stored.size(); ++i) out.scales[i] = stored[i];
  if (out.tensor_scale != nullptr) *out.tensor_scale = tensor_scale;
}

}  // namespace qgrain::interop

#endif
