// What saturation costs: which values lie beyond the ends of a format by more than rounding.
#ifndef QGRAIN_QUANTIZER_CLIP_LIMITS_HPP
#define QGRAIN_QUANTIZER_CLIP_LIMITS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <cstdint>
#include <limits>

namespace qgrain {

namespace detail {

/// Half the distance between the value at an end of a format and the value next to it. Codes next to each other are
/// values next to each other, but for those that wrap around or are no numbers, which lie further away or nowhere.
template <class Format>
[[nodiscard]] constexpr float half_last_step(float end) noexcept {
  const auto code = static_cast<std::int32_t>(Format::encode(end));
  float least = std::numeric_limits<float>::infinity();
  for (const std::int32_t neighbour : {code - 1, code + 1}) {
    const float value = Format::decode(static_cast<typename Format::code_type>(neighbour));
    const float distance = is_nan(value) ? 0.0F : value < end ? end - value : value - end;
    if (distance > 0.0F && distance < least) least = distance;
  }
  return least / 2;
}

}  // namespace detail

/// Values, divided by their scale, outside of [least, most] are clipped: they lie more than half a step of the format
/// beyond its ends [lowest, highest].
template <class Format>
struct clip_limits {
  static constexpr float highest = Format::max_finite;
  static constexpr float lowest = Format::decode(Format::encode(detail::lowest_value<Format>()));
  static constexpr float most = highest + detail::half_last_step<Format>(highest);
  static constexpr float least = lowest - detail::half_last_step<Format>(lowest);
};

/// Whether saturation made an element worse than rounding could, as `error_sums::clipped` counts: 1 or 0, without a
/// branch; 0 for NaN. `factors`: of its group, Element::factors(scale, tensor scale).
template <class Element>
[[nodiscard]] QGRAIN_ALWAYS_INLINE std::uint8_t is_clipped(float x, typename Element::factors_type factors) noexcept {
  using limits = clip_limits<typename Element::format_type>;
  const float scaled = Element::scale_type::scaled(x, factors);
  const unsigned above = scaled > limits::most ? 1U : 0U;
  const unsigned below = scaled < limits::least ? 1U : 0U;
  return static_cast<std::uint8_t>(above | below);
}

}  // namespace qgrain

#endif
