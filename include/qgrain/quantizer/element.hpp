// One element through a format and a scale: the definition that every backend calls.
#ifndef QGRAIN_QUANTIZER_ELEMENT_HPP
#define QGRAIN_QUANTIZER_ELEMENT_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/concepts.hpp>
#include <qgrain/core/config.hpp>

namespace qgrain::detail {

/// The nearest value of the format, NaN kept. A format without a `round` of its own is asked by encoding and decoding.
template <class Format, class Round>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float round_to(float x, Round round) noexcept {
  if constexpr (requires { Format::round(x, round); }) {
    return Format::round(x, round);
  } else {
    return is_nan(x) ? x : Format::decode(Format::encode(x));
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

template <class Format, class Scale, class Round>
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float fake_element(float x, typename Scale::factors_type factors,
                                                              Round round) noexcept {
  return Scale::restored(round_to<Format>(Scale::scaled(x, factors), round), factors);
}

}  // namespace qgrain::detail

#endif
