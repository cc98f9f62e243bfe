// Codes and scales that somebody else owns, to be read element by element, in kernels too.
#ifndef QGRAIN_QUANTIZER_QUANTIZED_VIEW_HPP
#define QGRAIN_QUANTIZER_QUANTIZED_VIEW_HPP

#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <concepts>
#include <span>
#include <string>
#include <type_traits>

namespace qgrain {

/// codes: [rows, cols], row-major, dense; scales: Q::scale_count(shape), groups row by row; tensor_scale: 1 for one
/// level. Trivially copyable; the memory must outlive every use. It does not know how much memory there is: `view_of`
/// makes one from spans and checks. `quantized_view<const Q>` only reads; a view to modify converts to it.
template <quantizer_type Q>
struct quantized_view {
  detail::as_const_as<Q, typename Q::code_type>* codes = nullptr;
  detail::as_const_as<Q, typename Q::stored_scale>* scales = nullptr;
  /// One float, written by `quantize`; may be null where Q::scale_type has one level.
  detail::as_const_as<Q, float>* tensor_scale = nullptr;
  shape2d shape;

  template <std::same_as<quantized_view<const Q>> Read>
  requires(!std::is_const_v<Q>) QGRAIN_HOST_DEVICE constexpr operator Read() const noexcept {  // NOLINT: on purpose
    return {codes, scales, tensor_scale, shape};
  }

  /// The value of one element.
  [[nodiscard]] QGRAIN_HOST_DEVICE float operator()(index_t row, index_t col) const noexcept {
    const float tensor = tensor_scale == nullptr ? 1.0F : *tensor_scale;
    return Q::decode(codes[row * shape.cols + col], Q::factors(scales[Q::scale_index(shape, row, col)], tensor));
  }
};

/// A view of memory that is large enough: at least one code per element and Q::scale_count(shape) scales;
/// `view_of<const Q>` of memory that is const.
/// @throws error errc::invalid_shape where Q::check refuses the shape, errc::buffer_too_small for short spans, both
/// numbers named, errc::invalid_argument where a two-level scale has no `tensor_scale`
template <quantizer_type Q>
[[nodiscard]] quantized_view<Q> view_of(shape2d shape, std::span<detail::as_const_as<Q, typename Q::code_type>> codes,
                                        std::span<detail::as_const_as<Q, typename Q::stored_scale>> scales,
                                        detail::as_const_as<Q, float>* tensor_scale = nullptr) {
  const auto refuse = [](errc code, const char* what, index_t wanted, index_t found) {
    qgrain::detail::raise(code,
                          std::string(what) + ": needs " + std::to_string(wanted) + ", has " + std::to_string(found));
  };
  const status verdict = Q::check(shape);
  if (!verdict) refuse(verdict.code(), "the shape of a quantized matrix", verdict.wanted(), verdict.found());
  const auto held_codes = static_cast<index_t>(codes.size());
  const auto held_scales = static_cast<index_t>(scales.size());
  if (held_codes < shape.elements()) {
    refuse(errc::buffer_too_small, "memory for codes", shape.elements(), held_codes);
  }
  if (held_scales < Q::scale_count(shape)) {
    refuse(errc::buffer_too_small, "memory for scales", Q::scale_count(shape), held_scales);
  }
  if (Q::scale_type::tensor_bits > 0 && tensor_scale == nullptr) {
    qgrain::detail::raise(errc::invalid_argument,
                          "there is no memory for the tensor scale of " + std::string(Q::scale_type::name()));
  }
  return {codes.data(), scales.data(), tensor_scale, shape};
}

}  // namespace qgrain

#endif
