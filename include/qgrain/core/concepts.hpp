// What each policy slot of a quantizer asks for. Nothing is registered: a type that has these members takes part.
#ifndef QGRAIN_CORE_CONCEPTS_HPP
#define QGRAIN_CORE_CONCEPTS_HPP

#include <qgrain/core/matrix_view.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace qgrain {

/// What one code means. `encode` takes every float; `max_finite` is the largest value that the scale maps a range's end
/// to.
///
/// Optional members, used where they exist: `encode(x, round)` and `round(x, round)` with a rounding function (see
/// rounding_policy), the latter giving the value on the format's grid as a float with NaN kept. A format without them
/// has one rounding of its own.
template <class F>
concept element_format = requires(float x, typename F::code_type code) {
  { F::name() } -> std::convertible_to<std::string_view>;
  { F::bits } -> std::convertible_to<int>;
  { F::max_finite } -> std::convertible_to<float>;
  { F::encode(x) } -> std::same_as<typename F::code_type>;
  { F::decode(code) } -> std::same_as<float>;
};

/// How a magnitude becomes an integer. `at(element)` gives a function float -> float that rounds a magnitude in [0,
/// 2^22] to an integer; `element` is the row-major index in the tensor, which only stochastic rounding looks at.
template <class R>
concept rounding_policy = std::is_trivially_copyable_v<R> &&
    requires(const R rounding, std::uint64_t element, float x) {
  { R::name() } -> std::convertible_to<std::string_view>;
  { rounding.at(element)(x) } -> std::same_as<float>;
};

/// Which elements share a scale: blocks of one shape, cut from the upper left corner, shorter at the right and lower
/// edge.
template <class G>
concept granularity_policy = requires(shape2d shape) {
  { G::name() } -> std::convertible_to<std::string_view>;
  { G::group_shape(shape) } -> std::same_as<shape2d>;
};

/// How the largest magnitude of a group becomes a scale, and how the scale acts on one element.
///
/// `stored_type` is what is kept per group (`bits` of it), `tensor_bits` what is kept once per tensor (0 for one
/// level). `factors(stored, tensor_scale)` prepares the scale for use; `scaled(x, f)` brings an element to the range of
/// the format and `restored(q, f)` brings a value of the format back. Members that are templates on the format:
///   tensor_scale<Format>(absmax of the tensor) and stored<Format>(absmax of the group, tensor_scale).
/// An optional member `arithmetic` (scale/element_arithmetic.hpp) lets loops over vectors do it in their own way.
template <class S>
concept scale_policy = requires(float x, typename S::stored_type stored, typename S::factors_type factors) {
  { S::name() } -> std::convertible_to<std::string_view>;
  { S::bits } -> std::convertible_to<int>;
  { S::tensor_bits } -> std::convertible_to<int>;
  { S::factors(stored, x) } -> std::same_as<typename S::factors_type>;
  { S::scaled(x, factors) } -> std::same_as<float>;
  { S::restored(x, factors) } -> std::same_as<float>;
};

/// A composition of the four, as made by `quantizer`.
template <class Q>
concept quantizer_type = element_format<typename Q::format_type> && granularity_policy<typename Q::granularity_type> &&
    scale_policy<typename Q::scale_type> && rounding_policy<typename Q::rounding_type>;

}  // namespace qgrain

#endif
