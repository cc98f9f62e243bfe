// The element stage over lanes of AVX-512: 64 elements of a row at a time. What is left of a row, and what holds a NaN, goes
// through the definition one by one.
#ifndef QGRAIN_HOST_DETAIL_AVX512_LOOPS_HPP
#define QGRAIN_HOST_DETAIL_AVX512_LOOPS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/avx512_lanes.hpp>
#include <qgrain/host/detail/lane_rules.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace qgrain::detail::avx512 {

/// Elements of a step.
inline constexpr index_t step = 4 * lanes;

/// The factors of each group of a block, ready for lanes.
template <std::size_t Groups>
struct group_numbers {
  std::array<float, Groups> forward;
  std::array<float, Groups> reciprocal;
  std::array<float, Groups> limit;
  std::array<std::uint32_t, Groups> kept_sign;  ///< patterns above keep their sign
  std::array<float, Groups> backward;
};

/// Those of one group in all lanes.
struct lane_factors {
  floats forward;
  floats reciprocal;
  floats limit;
  words kept_sign;
  floats backward;

  template <std::size_t Groups>
  QGRAIN_AVX512 static lane_factors of(const group_numbers<Groups>& all, index_t group) {
    const auto g = static_cast<std::size_t>(group);
    return {spread(all.forward[g]), spread(all.reciprocal[g]), spread(all.limit[g]), spread(all.kept_sign[g]),
            spread(all.backward[g])};
  }
};

/// Sixteen elements towards codes of a format.
template <class Element>
struct lane_encoder {
  using format = typename Element::format_type;
  using code_type = typename Element::code_type;
  static constexpr element_arithmetic arithmetic = arithmetic_of<typename Element::scale_type>();
  static constexpr bool divides = arithmetic.scaled == element_operation::quotient;

  /// What a value is limited to before it is divided, so that no product overflows. Its quotient rounds to max_finite, and
  /// so would that of everything beyond.
  static constexpr float largest = [] {
    if constexpr (is_small_integer<format>()) return -format::lowest;
    return format::max_finite;
  }();

  /// What is looked at for NaN and for the sign.
  QGRAIN_AVX512 static floats prepared(floats x, const lane_factors& f) {
    if constexpr (divides) return x;
    return product(x, f.forward);
  }

  /// The number of steps of prepared values, which integers are rounded to.
  QGRAIN_AVX512 static floats limited_quotient(floats x, const lane_factors& f) {
    if constexpr (divides) return quotient(limited(x, f.limit), f.forward, f.reciprocal);
    return limited(x, f.limit);
  }
  QGRAIN_AVX512 static floats limited_magnitude_of(floats x, const lane_factors& f) {
    if constexpr (divides) return quotient(limited_magnitude(x, f.limit), f.forward, f.reciprocal);
    return limited_magnitude(x, f.limit);
  }

  /// A code in 32 bits, of integers its number.
  QGRAIN_AVX512 static words code(floats x, const lane_factors& f) {
    if constexpr (is_small_integer<format>()) {
      return as<words>(nearest_numbers(limited_quotient(x, f)));
    } else {
      using counts = step_counts<format>;
      const floats magnitude = limited_magnitude_of(x, f);
      const numbers binade = larger(as<numbers>(as<words>(magnitude) & f32_infinity_bits),
                                    as<numbers>(spread(static_cast<std::uint32_t>(counts::least_binade))));
      const numbers anchor = binade + (counts::anchor_distance + counts::first_count);
      const words count = as<words>(magnitude + as<floats>(anchor)) + (as<words>(anchor) >> counts::unused_bits);
      if constexpr (divides && arithmetic.zero_before) {
        return with_bits_where_above(count & (format::sign_code - 1U), spread(std::uint32_t{format::sign_code}),
                                     as<words>(x), f.kept_sign);
      } else {
        return chosen(spread(format::sign_code - 1U), count, as<words>(x) >> (32 - format::bits));
      }
    }
  }
  QGRAIN_AVX512 static bytes narrowed_codes(const words (&code)[4]) {
    if constexpr (is_small_integer<format>()) {
      const numbers x[4] = {as<numbers>(code[0]), as<numbers>(code[1]), as<numbers>(code[2]), as<numbers>(code[3])};
      const bytes all = narrowed_signed(x);
      if constexpr (format::bits == 8) return all;
      return smaller_signed(all, bytes{} + static_cast<std::uint8_t>(format::max_finite));
    } else {
      return narrowed(code);
    }
  }

  /// The value of the nearest code, before it is brought back.
  QGRAIN_AVX512 static floats nearest(floats x, const lane_factors& f) {
    if constexpr (is_small_integer<format>()) {
      const floats whole = nearest_integers(limited_quotient(x, f));
      const floats inside = format::max_finite == largest ? whole : smaller(whole, spread(format::max_finite));
      return as<floats>(as<words>(inside) | (as<words>(x) & f32_sign_bit));
    } else {
      using counts = step_counts<format>;
      const floats magnitude = limited_magnitude_of(x, f);
      const numbers binade = larger(as<numbers>(as<words>(magnitude) & f32_infinity_bits),
                                    as<numbers>(spread(static_cast<std::uint32_t>(counts::least_binade))));
      const floats anchor = as<floats>(binade + counts::anchor_distance);
      const floats near = (magnitude + anchor) - anchor;
      if constexpr (divides && arithmetic.zero_before && !arithmetic.zero_after) {
        return as<floats>(with_bits_where_above(as<words>(near), spread(f32_sign_bit), as<words>(x), f.kept_sign));
      } else {
        return as<floats>(chosen(spread(f32_sign_bit), as<words>(x), as<words>(near)));
      }
    }
  }
};

/// A value of the format brought back.
template <class Element>
QGRAIN_AVX512 floats restored(floats q, const lane_factors& f) {
  const floats value = product(q, f.backward);
  if constexpr (arithmetic_of<typename Element::scale_type>().zero_after) return value + floats{};
  return value;
}

/// Sixteen codes as values of the format, times 2^-exponent of binary16's bias.
template <class Element>
struct lane_decoder {
  using format = typename Element::format_type;
  using code_type = typename Element::code_type;
  static constexpr bool by_table = format::bits <= 4 && !is_small_integer<format>();
  static constexpr bool by_half = !by_table && is_shifted_half<format>();
  /// What values are to be multiplied by besides the scale.
  static constexpr float unit = [] {
    if constexpr (by_half) return power_of_two(15 - format::bias);
    return 1.0F;
  }();

  alignas(64) static constexpr std::array<float, lanes> table = [] {
    std::array<float, lanes> values{};
    if constexpr (by_table) {
      for (std::size_t i = 0; i < lanes; ++i) values[i] = format::decode(static_cast<code_type>(i));
    }
    return values;
  }();

  /// Thirty-two codes as binary16.
  QGRAIN_AVX512 static halves shifted(const code_type* codes) {
    const halves wide = widened_halves(loaded<half_of_bytes>(codes));
    constexpr auto digits = static_cast<std::uint16_t>((format::sign_code - 1U) << (10 - format::mantissa_bits));
    const halves magnitude = wide << (10 - format::mantissa_bits) & digits;
    const halves sign = wide << (16 - format::bits) & std::uint16_t{0x8000};
    if constexpr (format::specials == special_values::none) {
      return magnitude | sign;
    } else {
      constexpr auto nan = std::uint16_t{0x7E00};
      constexpr auto special = static_cast<std::uint16_t>((format::max_code + 1U) << (10 - format::mantissa_bits));
      if constexpr (format::specials == special_values::nan_at_ones) {
        return ((magnitude == special) ? halves{} + nan : magnitude) | sign;
      } else {
        return ((magnitude > special) ? halves{} + nan : magnitude) | sign;
      }
    }
  }

  QGRAIN_AVX512 static void values(const code_type* codes, floats (&out)[4]) {
    if constexpr (by_half) {
      for (int half = 0; half < 2; ++half) {
        const halves all = shifted(codes + half * 2 * lanes);
        out[2 * half] = widened(as<two_halves>(all).low);
        out[2 * half + 1] = widened(as<two_halves>(all).high);
      }
    } else {
      for (int i = 0; i < 4; ++i) {
        if constexpr (by_table) {
          const words wide = widened_words(loaded<quarter_of_bytes>(codes + i * lanes));
          out[i] = entries(wide, loaded<floats>(table.data()));
        } else {
          out[i] = converted(widened_numbers(loaded<quarter_of_bytes>(codes + i * lanes)));
        }
      }
    }
  }

 private:
  struct two_halves {
    half_of_halves low;
    half_of_halves high;
  };
};

/// What encoding and faking take of the factors of each group; false where some group's scale needs a division.
template <class Element, std::size_t Groups>
QGRAIN_AVX512 bool make_numbers(const typename Element::factors_type* factors, index_t groups,
                                group_numbers<Groups>& all) {
  using encoder = lane_encoder<Element>;
  std::uint32_t others = 0;
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t g = 0; g < groups; ++g) {
    const float forward = factors[g].forward;
    all.forward.data()[g] = forward;
    all.backward.data()[g] = factors[g].backward;
    all.limit.data()[g] = encoder::divides ? encoder::largest * forward : encoder::largest;
    if constexpr (encoder::divides) {
      others |= divides_in_lanes(forward) ? 0U : 1U;
      all.reciprocal.data()[g] = 1.0F / forward;
    }
  }
  if (others != 0) return false;
  if constexpr (encoder::divides && encoder::arithmetic.zero_before) {
    // A quotient is zero up to forward * 2^-150, in units of the least float.
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      const auto zeros = static_cast<std::int32_t>(all.forward.data()[g] * 0.5F);
      all.kept_sign.data()[g] = f32_sign_bit + static_cast<std::uint32_t>(zeros);
    }
  }
  return true;
}

template <class Element>
struct encode_step {
  template <std::size_t Groups>
  QGRAIN_AVX512 static bool prepare(const typename Element::factors_type* factors, index_t groups,
                                    group_numbers<Groups>& all) {
    return make_numbers<Element>(factors, groups, all);
  }
  using encoder = lane_encoder<Element>;
  /// False where there is a NaN: nothing has been written.
  template <class In>
  QGRAIN_AVX512 static bool run(const In* in, typename Element::code_type* out, const lane_factors (&f)[4]) {
    floats x[4];
    for (int i = 0; i < 4; ++i) x[i] = encoder::prepared(widened_at(in + i * lanes), f[i]);
    if (has_nan(x[0], x[1], x[2], x[3])) return false;
    words code[4];
    for (int i = 0; i < 4; ++i) code[i] = encoder::code(x[i], f[i]);
    stored(encoder::narrowed_codes(code), out);
    return true;
  }
};

template <class Element>
struct fake_step {
  template <std::size_t Groups>
  QGRAIN_AVX512 static bool prepare(const typename Element::factors_type* factors, index_t groups,
                                    group_numbers<Groups>& all) {
    return make_numbers<Element>(factors, groups, all);
  }
  using encoder = lane_encoder<Element>;
  template <class In>
  QGRAIN_AVX512 static bool run(const In* in, float* out, const lane_factors (&f)[4]) {
    floats x[4];
    for (int i = 0; i < 4; ++i) x[i] = encoder::prepared(widened_at(in + i * lanes), f[i]);
    if (has_nan(x[0], x[1], x[2], x[3])) return false;
    for (int i = 0; i < 4; ++i) {
      floats value = encoder::nearest(x[i], f[i]);
      stored(restored<Element>(value, f[i]), out + i * lanes);
    }
    return true;
  }
};

template <class Element>
struct decode_step {
  /// False where the unit would make a scale overflow.
  template <std::size_t Groups>
  QGRAIN_AVX512 static bool prepare(const typename Element::factors_type* factors, index_t groups,
                                    group_numbers<Groups>& all) {
    constexpr float unit = lane_decoder<Element>::unit;
    std::uint32_t others = 0;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      const float backward = factors[g].backward;
      others |= unit == 1.0F || magnitude_bits(backward) < magnitude_bits(power_of_two(100)) ? 0U : 1U;
      all.backward.data()[g] = backward * unit;
    }
    return others == 0;
  }
  QGRAIN_AVX512 static bool run(const typename Element::code_type* in, float* out, const lane_factors (&f)[4]) {
    floats x[4];
    lane_decoder<Element>::values(in, x);
    for (int i = 0; i < 4; ++i) stored(restored<Element>(x[i], f[i]), out + i * lanes);
    return true;
  }
};

/// The patterns of sixteen magnitudes as numbers, NaN last.
template <class T>
QGRAIN_AVX512 numbers magnitudes_at(const T* from) {
  return as<numbers>(as<words>(widened_at(from)) & ~f32_sign_bit);
}

/// The largest magnitudes, a lane each, of `count` elements, a multiple of sixteen.
template <class T>
QGRAIN_AVX512 numbers largest_lanes(const T* x, index_t count) {
  numbers a = magnitudes_at(x);
  index_t i = lanes;
  if (count >= 2 * step) {
    numbers b = magnitudes_at(x + lanes);
    numbers c = magnitudes_at(x + 2 * lanes);
    numbers d = magnitudes_at(x + 3 * lanes);
    for (i = step; i + step <= count; i += step) {
      a = larger(a, magnitudes_at(x + i));
      b = larger(b, magnitudes_at(x + i + lanes));
      c = larger(c, magnitudes_at(x + i + 2 * lanes));
      d = larger(d, magnitudes_at(x + i + 3 * lanes));
    }
    a = larger(larger(a, b), larger(c, d));
  }
  for (; i < count; i += lanes) a = larger(a, magnitudes_at(x + i));
  return a;
}

/// Widens the largest magnitudes of sixteen neighbouring groups by their elements.
template <class T>
QGRAIN_AVX512 void widen_groups(const T* x, index_t group_cols, float* absmax) {
  numbers largest[lanes];
  if (group_cols == 32) {
    for (int g = 0; g < lanes; ++g) largest[g] = largest_lanes(x + g * 32, 32);
  } else if (group_cols == 16) {
    for (int g = 0; g < lanes; ++g) largest[g] = magnitudes_at(x + g * 16);
  } else {
    for (int g = 0; g < lanes; ++g) largest[g] = largest_lanes(x + g * group_cols, group_cols);
  }
  stored(larger(magnitudes_at(absmax), largest_of_each(largest)), absmax);
}

/// A step of `Step` with factors from `group` on, a group per `PerGroup` lanes; 0: all lanes have the same.
template <class Step, int PerGroup, class In, class Out, std::size_t Groups>
QGRAIN_AVX512 bool run_step(const In* in, Out* out, const group_numbers<Groups>& all, index_t group) {
  lane_factors f[4];
  for (int i = 0; i < 4; ++i) f[i] = lane_factors::of(all, group + (PerGroup == 0 ? 0 : i * lanes / PerGroup));
  return Step::run(in, out, f);
}

}  // namespace qgrain::detail::avx512

#endif

#endif
