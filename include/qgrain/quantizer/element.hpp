// One element through a format and a scale: the definition that every backend calls.
#ifndef QGRAIN_QUANTIZER_ELEMENT_HPP
#define QGRAIN_QUANTIZER_ELEMENT_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/scale/element_arithmetic.hpp>
#include <qgrain/scale/range.hpp>

#include <cstdint>

namespace qgrain {

namespace detail {

/// The nearest value of the format, NaN kept. A format without a `round` of its own is asked by encoding and decoding.
template <class Format, class Round>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float round_to(float x, Round round) noexcept {
  if constexpr (requires { Format::round(x, round); }) {
    return Format::round(x, round);
  } else {
    return selected(is_nan(x), x, Format::decode(Format::encode(x)));
  }
}

/// The code of the nearest finite value.
template <class Format, class Round>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr typename Format::code_type encode_as(float x, Round round) noexcept {
  if constexpr (requires { Format::encode_saturated(x, round); }) {
    return Format::encode_saturated(x, round);
  } else if constexpr (requires { Format::encode(x, round); }) {
    return Format::encode(x, round);
  } else {
    return Format::encode(x);
  }
}

}  // namespace detail

/// A quantizer without its granularity: what happens to one element, and to the scale of its group, once the group's
/// range is known. Loops and kernels are instantiated on this, so that granularities add to them instead of
/// multiplying.
template <element_format Format, scale_policy Scale, rounding_policy Rounding>
struct element_quantizer {
  using format_type = Format;
  using scale_type = Scale;
  using rounding_type = Rounding;
  using code_type = typename Format::code_type;
  using stored_scale = typename Scale::stored_type;
  using factors_type = typename Scale::factors_type;
  using range_type = range_of<Scale>;  ///< what is known of a group: its largest magnitude (float), or a signed_range

  /// The scale kept once per tensor, from the tensor's largest magnitude; 1 for scales of one level.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float tensor_scale(float absmax) noexcept {
    return Scale::template tensor_scale<Format>(absmax);
  }
  /// The scale kept per group, from the group's range.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr stored_scale scale(range_type range,
                                                                       float tensor_scale = 1.0F) noexcept {
    return Scale::template stored<Format>(range, tensor_scale);
  }
  /// A stored scale, ready for use.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr factors_type factors(stored_scale stored,
                                                                         float tensor_scale = 1.0F) noexcept {
    return Scale::factors(stored, tensor_scale);
  }

  /// One element to its code: saturating, NaN as the format has it. `element` is its row-major index.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x, factors_type factors,
                                                                     std::uint64_t element = 0,
                                                                     Rounding rounding = {}) noexcept {
    const float scaled = Scale::scaled(x, factors);
    if constexpr (requires { Format::encode_computed(scaled, 0U, rounding.at(element)); }) {
      // What a factor does to 1 is NaN where the factor is.
      const std::uint32_t sign_of_nan = sign_of_computed_nan<is_quotient>(scaled, x, Scale::scaled(1.0F, factors));
      return Format::encode_computed(scaled, sign_of_nan, rounding.at(element));
    } else {
      return detail::encode_as<Format>(scaled, rounding.at(element));
    }
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code, factors_type factors) noexcept {
    return Scale::restored(Format::decode(code), factors);
  }
  /// decode(encode(x)), except that NaN stays NaN, and the sign of zero is kept, in formats that lack them.
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float fake(float x, factors_type factors, std::uint64_t element = 0,
                                                               Rounding rounding = {}) noexcept {
    return Scale::restored(detail::round_to<Format>(Scale::scaled(x, factors), rounding.at(element)), factors);
  }

 private:
  static constexpr bool is_quotient = detail::arithmetic_of<Scale>().scaled == element_operation::quotient;
};

}  // namespace qgrain

#endif
