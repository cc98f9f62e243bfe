// The element stage over lanes: four vectors of a row at a time. What holds a NaN goes through the definition one by
// one. Text that lane_kernels.hpp includes once for each instruction set, in its namespace, over its operations
// (avx512_lanes.hpp): functions inline only into those of the same set, and no template parameter names one.
#ifdef QGRAIN_LANES

/// Elements of a step.
inline constexpr index_t step = 4 * lanes;

// From and to ports: a vector of the step that begins at i, codes of all of it.
template <lane_order Order, int Part, class T>
QGRAIN_LANES floats values(value_source<T> in, index_t i) {
  if constexpr (Order == lane_order::in_turn) {
    return widened_at(in.row + i + Part * lanes);
  } else {
    const words pairs = loaded<words>(in.row + i + Part / 2 * 2 * lanes);
    return as<floats>(Part % 2 == 0 ? pairs << 16 : pairs & every<0xFFFF'0000U>());
  }
}
template <class T, class Vector>
QGRAIN_LANES void put_values(value_target<T> out, index_t i, Vector x) {
  if constexpr (requires { streamed(x, out.row); }) {  // a set may have no such stores
    if (__builtin_expect(out.is_streamed, 0)) return streamed(x, out.row + i);
  }
  stored(x, out.row + i);
}
QGRAIN_LANES void put(value_target<float> out, index_t i, floats x) { put_values(out, i, x); }
QGRAIN_LANES void put(value_target<bfloat16> out, index_t i, floats x) { put_values(out, i, rounded(x, bfloat16{})); }
template <class Code>
QGRAIN_LANES void put(code_target<Code> out, index_t i, bytes codes) {
  stored(codes, out.row + i);
}
template <class Code>
QGRAIN_LANES void put(nibble_target<Code> out, index_t i, bytes codes) {
  const halves pairs = as<halves>(as<words>(codes) & every<0x0F0F'0F0FU>());
  const halves one = out.order == bit_order::low_first ? pairs | pairs >> 4 : pairs << 4 | pairs >> 8;
  stored(narrowed(one), out.row + i / 2);
}

/// Asks for the blocks to the right, or the next rows; they may lie anywhere.
template <class T>
QGRAIN_LANES void prefetch(value_source<T> in, index_t i, index_t cols) {
  constexpr index_t line = 64 / static_cast<index_t>(sizeof(T));
  if (in.ahead == read_ahead::none) return;
  for (index_t k = i; k < i + step; k += line) __builtin_prefetch(in.row + k + cols);
  if (__builtin_expect(in.ahead == read_ahead::two_blocks, 0)) {
    for (index_t k = i; k < i + step; k += line) __builtin_prefetch(in.row + k + 2 * cols, 0, 2);
  }
}
template <class Codes>
QGRAIN_LANES void prefetch(Codes, index_t, index_t) {}

template <lane_order Order>
QGRAIN_LANES bytes packs_in_order(words packs) {
  if constexpr (Order == lane_order::in_pairs) packs = reordered(packs, pairs_of_packs);
  return in_order<Order>(packs);
}
/// Integers beyond a signed byte become its ends.
template <lane_order Order>
QGRAIN_LANES bytes narrowed_signed(const integers (&x)[4]) {
  return packs_in_order<Order>(packed_signed_bytes(packed(x[0], x[1]), packed(x[2], x[3])));
}
/// Integers beyond an unsigned byte become its ends.
template <lane_order Order>
QGRAIN_LANES bytes narrowed_unsigned(const integers (&x)[4]) {
  return packs_in_order<Order>(packed_bytes(packed(x[0], x[1]), packed(x[2], x[3])));
}

/// As narrowed_signed, of the upper 16 bits of each.
template <lane_order Order>
QGRAIN_LANES bytes narrowed_upper_signed(const integers (&x)[4]) {
  const words all = packed_signed_bytes(upper_halves(as<words>(x[0]), as<words>(x[1])),
                                        upper_halves(as<words>(x[2]), as<words>(x[3])));
  return in_order<Order>(Order == lane_order::in_pairs ? all : reordered(all, halves_in_turn));
}

/// Those of one group in all lanes.
struct lane_factors {
  floats forward;
  floats reciprocal;
  floats kept_sign;
  floats backward;
  floats zero_point;

  QGRAIN_LANES static lane_factors of(const group_numbers& all, index_t g) {
    return {spread_at(all.forward.data() + g), spread_at(all.reciprocal.data() + g),
            spread_at(all.kept_sign.data() + g), spread_at(all.backward.data() + g),
            spread_at(all.zero_point.data() + g)};
  }
  /// The same for many steps: in registers.
  QGRAIN_LANES static lane_factors held(const group_numbers& all, index_t g) {
    return {spread(all.forward.data()[g]), spread(all.reciprocal.data()[g]), spread(all.kept_sign.data()[g]),
            spread(all.backward.data()[g]), spread(all.zero_point.data()[g])};
  }
  /// Each lane its own.
  QGRAIN_LANES static lane_factors from(const group_numbers& all, index_t g) {
    return {loaded<floats>(all.forward.data() + g), loaded<floats>(all.reciprocal.data() + g),
            loaded<floats>(all.kept_sign.data() + g), loaded<floats>(all.backward.data() + g),
            loaded<floats>(all.zero_point.data() + g)};
  }
};

/// Lanes of elements towards codes of a format.
template <class Element>
struct lane_encoder {
  using format = typename Element::format_type;
  using code_type = typename Element::code_type;
  static constexpr element_arithmetic arithmetic = arithmetic_of<typename Element::scale_type>();
  static constexpr bool divides = arithmetic.scaled == element_operation::quotient;
  static constexpr bool has_zero_point = arithmetic.zero_point != zero_point_use::none && is_small_integer<format>();
  static constexpr bool adds_first = has_zero_point && arithmetic.zero_point == zero_point_use::before_rounding;
  /// Whether 0 is added to what is rounded: -0 becomes +0.
  static constexpr bool zero_before =
      arithmetic.zero_before || arithmetic.zero_point == zero_point_use::before_rounding;

  /// What quotients are limited to: what rounds to the last code, or beyond it.
  static constexpr float largest = [] {
    if constexpr (has_zero_point) return 256.0F;  // more than all codes are wide
    if constexpr (is_small_integer<format>()) return larger_of(-format::lowest, format::max_finite);
    return format::max_finite;
  }();

  /// Whether codes come of fixed-point quotients, but for those next to a tie: see lane_rules.hpp.
  static constexpr bool in_fixed_point = [] {
    if constexpr (is_small_integer<format>()) return divides && !has_zero_point && format::is_signed;
    return false;
  }();
  /// What reciprocals are multiplied by for them.
  static constexpr float fixed_point_unit = in_fixed_point ? 65536.0F : 1.0F;

  /// False where a quotient is next to a tie, or no fixed-point number.
  template <lane_order Order>
  QGRAIN_LANES static bool fixed_point_codes(const floats (&x)[4], const lane_factors (&f)[4], bytes& codes) {
    const floats half = spread(fixed_point_unit / 2.0F + 2.0F);
    const integers number[4] = {
        nearest_numbers(fused(x[0], f[0].reciprocal, half)), nearest_numbers(fused(x[1], f[1].reciprocal, half)),
        nearest_numbers(fused(x[2], f[2].reciprocal, half)), nearest_numbers(fused(x[3], f[3].reciprocal, half))};
    codes = inside(narrowed_upper_signed<Order>(number));
    return all_have_some(number, every<0xFFFCU>());
  }

  /// The quotient or product, NaN for infinities and where something overflows on the way too.
  QGRAIN_LANES static floats scaled(floats x, const lane_factors& f) {
    if constexpr (divides) return quotient(x, f.forward, f.reciprocal);
    return product(x, f.forward);
  }
  /// The same with reciprocals for fixed-point numbers.
  QGRAIN_LANES static floats scaled_in_units(floats x, const lane_factors& f) {
    if constexpr (!in_fixed_point) return scaled(x, f);
    return quotient(x, f.forward, product(f.reciprocal, spread(1.0F / fixed_point_unit)));
  }
  /// Floats without -0, whose sign is that of the quotient: it is +0 for both zeros. Where it underflows it would have
  /// the sign of x; that of a wide group, at least 2, needs the definition there.
  static constexpr bool has_quotient_sign = zero_before && !is_small_integer<format>();
  /// What has the sign of the result: x itself, whose quotient may be no float.
  QGRAIN_LANES static floats signed_by(floats x, floats scaled_x) {
    if constexpr (has_quotient_sign && !divides) return scaled_x + floats{};
    return divides && !has_quotient_sign ? x : scaled_x;
  }
  /// Whether some element needs the definition.
  QGRAIN_LANES static bool has_other(const floats (&q)[4], const floats (&x)[4], bool has_wide) {
    if constexpr (has_quotient_sign && divides) {
      if (has_wide && has_subnormal(x)) return true;
    }
    return has_nan(q[0], q[1], q[2], q[3]);
  }

  /// The codes of a step of quotients.
  template <lane_order Order>
  QGRAIN_LANES static bytes codes(const floats (&q)[4], const floats (&x)[4], const lane_factors (&f)[4]) {
    // No loops over the four, which g++ would keep together with the arrays in memory.
    if constexpr (is_small_integer<format>()) {
      const integers number[4] = {nearest_number(q[0], f[0]), nearest_number(q[1], f[1]), nearest_number(q[2], f[2]),
                                  nearest_number(q[3], f[3])};
      if constexpr (format::is_signed) {
        return inside(narrowed_signed<Order>(number));
      } else {
        const bytes all = narrowed_unsigned<Order>(number);
        if constexpr (format::max_finite == 255.0F) return all;
        return smaller(all, all_bytes(format::max_finite));
      }
    } else {
      const integers number[4] = {counted_steps(q[0]), counted_steps(q[1]), counted_steps(q[2]), counted_steps(q[3])};
      return float_codes<Order>(number, x);
    }
  }
  QGRAIN_LANES static bytes all_bytes(float number) {
    return bytes{} + static_cast<std::uint8_t>(static_cast<std::int32_t>(number));
  }

  /// The value of the nearest code, before it is brought back.
  QGRAIN_LANES static floats nearest(floats q, floats x, const lane_factors& f) {
    if constexpr (is_small_integer<format>()) {
      const floats whole = rounded_steps(limited(q, spread(largest)), f);
      floats inside = whole;
      if constexpr (format::lowest > -largest) inside = larger(inside, spread(format::lowest));
      if constexpr (format::max_finite < largest) inside = smaller(inside, spread(format::max_finite));
      if constexpr (has_zero_point && !adds_first) return inside;
      if constexpr (has_zero_point) return negative_where_kept(inside, x, f);
      if constexpr (zero_before) return negative_where_kept(magnitude_of(inside), x, f);
      return as<floats>(as<words>(inside) | (as<words>(x) & f32_sign_bit));
    } else {
      const floats magnitude = limited_magnitude(q, spread(largest));
      const floats anchor =
          as<floats>(binade_of(magnitude) +
                     as<integers>(every<static_cast<std::uint32_t>(step_counts<format>::anchor_distance)>()));
      const floats near = (magnitude + anchor) - anchor;
      return with_sign_of(near, x);
    }
  }

 private:
  /// The integer of a quotient, which may lie outside of the format.
  QGRAIN_LANES static integers nearest_number(floats q, const lane_factors& f) {
    const floats steps = limited(q, spread(largest));
    if constexpr (adds_first) return nearest_numbers(steps + f.zero_point);
    if constexpr (has_zero_point) return nearest_numbers(steps) + nearest_numbers(f.zero_point);
    return nearest_numbers(steps);
  }

  /// Where a code begins in 15 bits that end with the last mantissa digit of the exponent's half of a float.
  static constexpr int first_bit() { return 7 - format::mantissa_bits; }
  /// The code of a magnitude from that bit on, other digits above it.
  QGRAIN_LANES static integers counted_steps(floats q) {
    using counts = step_counts<format>;
    const floats magnitude = limited_magnitude(q, spread(largest));
    constexpr auto distance = static_cast<std::uint32_t>(counts::anchor_distance + counts::first_count);
    const integers anchor = binade_of(magnitude) + as<integers>(every<distance>());
    return sum_of_halves<std::uint16_t{1} << first_bit(), 1>(magnitude + as<floats>(anchor));
  }
  template <lane_order Order>
  QGRAIN_LANES static bytes float_codes(const integers (&number)[4], const floats (&sign)[4]) {
    constexpr int unused = 8 - format::bits;
    const words upper = every<0xFF00'FF00U>();
    const halves first = as<halves>(packed(number[0], number[1])) >> first_bit();
    const halves second = as<halves>(packed(number[2], number[3])) << (8 - first_bit());
    const halves first_sign = as<halves>(packed(as<integers>(sign[0]), as<integers>(sign[1]))) >> (8 + unused);
    halves second_sign = as<halves>(packed(as<integers>(sign[2]), as<integers>(sign[3])));
    if constexpr (unused > 0) second_sign = second_sign >> unused;
    const words digits = chosen_by(upper, as<words>(second), as<words>(first));
    const words signs = chosen_by(upper, as<words>(second_sign), as<words>(first_sign));
    words all = chosen_by(every<0x0101'0101U * format::sign_code>(), signs, digits);
    if constexpr (unused > 0) all = all & every<0x0101'0101U * (2U * format::sign_code - 1U)>();
    return in_order<Order>(reordered(all, Order == lane_order::in_pairs ? pairs_in_turn : packs_in_turn));
  }

  /// Signed codes within the format.
  QGRAIN_LANES static bytes inside(bytes all) {
    if constexpr (format::max_finite < 127.0F) all = smaller_signed(all, all_bytes(format::max_finite));
    if constexpr (format::lowest > -128.0F) all = larger_signed(all, all_bytes(format::lowest));
    return all;
  }
  QGRAIN_LANES static integers binade_of(floats magnitude) {
    return larger(as<integers>(as<words>(magnitude) & every<f32_infinity_bits>()),
                  as<integers>(every<static_cast<std::uint32_t>(step_counts<format>::least_binade)>()));
  }
  QGRAIN_LANES static floats magnitude_of(floats x) { return as<floats>(as<words>(x) & ~f32_sign_bit); }
  QGRAIN_LANES static floats negative_where_kept(floats value, floats x, const lane_factors& f) {
    return as<floats>(
        with_bits_where_above(as<words>(value), spread(f32_sign_bit), as<words>(x), as<words>(f.kept_sign)));
  }
  QGRAIN_LANES static floats rounded_steps(floats steps, const lane_factors& f) {
    if constexpr (adds_first) return nearest_integers(steps + f.zero_point);
    if constexpr (has_zero_point) return nearest_integers(steps) + f.zero_point;
    return nearest_integers(steps);
  }
};

/// A value of the format brought back.
template <class Element, bool AddsZero = true>
QGRAIN_LANES floats restored(floats q, const lane_factors& f) {
  constexpr element_arithmetic arithmetic = arithmetic_of<typename Element::scale_type>();
  if constexpr (arithmetic.zero_point != zero_point_use::none && is_small_integer<typename Element::format_type>()) {
    q = q - f.zero_point;
  }
  const floats value = product(q, f.backward);
  if constexpr (arithmetic.zero_after && AddsZero) return value + floats{};
  return value;
}

/// Sixteen codes as values of the format, times 2^-exponent of binary16's bias.
template <class Element>
struct lane_decoder {
  using format = typename Element::format_type;
  using code_type = typename Element::code_type;
  static constexpr bool by_table = format::bits == 4 && !is_small_integer<format>();
  static constexpr bool by_half = !by_table && is_shifted_half<format>();
  /// Eight bits that become binary16 by one shift where none is NaN.
  static constexpr bool by_shift = [] {
    if constexpr (by_half) return format::bits == 8 && format::specials == special_values::nan_at_ones;
    return false;
  }();
  /// What values are to be multiplied by besides the scale.
  static constexpr float unit = [] {
    if constexpr (by_half) return power_of_two(15 - format::bias);
    return 1.0F;
  }();

  /// Whether -0 is decoded as +0, which is what a sum with 0 makes of it: under scales that leave a product its sign.
  static constexpr bool has_positive_zero = by_table && arithmetic_of<typename Element::scale_type>().zero_after;

  /// The value of each code of four bits.
  alignas(64) static constexpr std::array<float, 16> table = [] {
    std::array<float, 16> values{};
    if constexpr (format::bits == 4) {
      for (std::uint32_t i = 0; i < 16; ++i) values[i] = format::decode(code_of_bits<code_type>(i, 4));
      if (has_positive_zero) {
        for (float& value : values) value = value == 0.0F ? 0.0F : value;
      }
    }
    return values;
  }();

  /// Codes of two vectors as binary16.
  QGRAIN_LANES static halves shifted(const code_type* codes) {
    const halves wide = widened_halves_at(codes);
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

  QGRAIN_LANES static void values(const code_type* codes, floats (&out)[4]) {
    if constexpr (by_shift) {
      if (__builtin_expect(!has_byte_of_ones(loaded<bytes>(codes)), 1)) {
        // The sign fills the bits above a code, of which one is too many.
        constexpr auto used =
            static_cast<std::uint16_t>(0x8000U | (format::sign_code - 1U) << (10 - format::mantissa_bits));
        return shifted_signed_values<10 - format::mantissa_bits, used>(codes, out);
      }
    }
    if constexpr (by_half) {
      for (int half = 0; half < 2; ++half) {
        const halves all = shifted(codes + half * 2 * lanes);
        out[2 * half] = widened_lower(all);
        out[2 * half + 1] = widened_upper(all);
      }
    } else if constexpr (by_table) {
      table_values<lane_decoder>(codes, out);
    } else {
      converted_values(codes, out);
    }
  }
};

/// The zero point of factors that have one.
template <class Factors>
QGRAIN_LANES float zero_point_of(const Factors& f) {
  if constexpr (requires { f.zero_point; }) return f.zero_point;
  return 0.0F;
}

/// What encoding and faking take of the factors of each group; false where some group needs the definition.
template <class Element>
QGRAIN_LANES bool make_numbers(const typename Element::factors_type* factors, index_t groups, group_numbers& all,
                               [[maybe_unused]] float reciprocal_unit = 1.0F) {
  using encoder = lane_encoder<Element>;
  std::uint32_t others = 0;
  QGRAIN_INDEPENDENT_ITERATIONS
  for (index_t g = 0; g < groups; ++g) {
    const float forward = factors[g].forward;
    all.forward.data()[g] = forward;
    all.backward.data()[g] = factors[g].backward;
    if constexpr (encoder::divides) {
      others |= divides_in_lanes(forward) ? 0U : 1U;
      all.reciprocal.data()[g] = reciprocal_unit / forward;
    }
    if constexpr (encoder::has_zero_point) {
      using format = typename Element::format_type;
      const float zero_point = zero_point_of(factors[g]);
      all.zero_point.data()[g] = zero_point;
      others |= zero_point >= format::lowest && zero_point <= format::max_finite ? 0U : 1U;
    }
  }
  if (others != 0) return false;
  if constexpr (encoder::divides && encoder::has_quotient_sign) {
    std::uint32_t wide = 0;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) wide |= all.forward.data()[g] >= 2.0F ? 1U : 0U;
    all.has_wide = wide != 0;
  } else if constexpr (encoder::divides && encoder::zero_before) {
    // A quotient is zero up to forward * 2^-150, in units of the least float. Beside a zero point no zero has a sign.
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      const auto zeros = static_cast<std::int32_t>(all.forward.data()[g] * 0.5F);
      const std::uint32_t last = f32_sign_bit + static_cast<std::uint32_t>(zeros);
      all.kept_sign.data()[g] =
          float_from_bits(encoder::has_zero_point && zero_point_of(factors[g]) != 0.0F ? ~0U : last);
    }
  }
  return true;
}

template <class Element>
struct encode_step {
  using encoder = lane_encoder<Element>;
  QGRAIN_LANES static bool prepare(const typename Element::factors_type* factors, index_t groups, group_numbers& all) {
    return make_numbers<Element>(factors, groups, all, encoder::fixed_point_unit);
  }
  /// False where there is a NaN: nothing has been written.
  template <lane_order Order, class In, class Out>
  QGRAIN_LANES static bool run(In in, Out out, index_t c, const lane_factors (&f)[4], [[maybe_unused]] bool has_wide) {
    const floats x[4] = {values<Order, 0>(in, c), values<Order, 1>(in, c), values<Order, 2>(in, c),
                         values<Order, 3>(in, c)};
    if constexpr (encoder::in_fixed_point) {
      bytes codes;
      if (__builtin_expect(encoder::template fixed_point_codes<Order>(x, f, codes), 1)) {
        put(out, c, codes);
        return true;
      }
    }
    const floats q[4] = {encoder::scaled_in_units(x[0], f[0]), encoder::scaled_in_units(x[1], f[1]),
                         encoder::scaled_in_units(x[2], f[2]), encoder::scaled_in_units(x[3], f[3])};
    if (encoder::has_other(q, x, has_wide)) return false;
    const floats sign[4] = {encoder::signed_by(x[0], q[0]), encoder::signed_by(x[1], q[1]),
                            encoder::signed_by(x[2], q[2]), encoder::signed_by(x[3], q[3])};
    put(out, c, encoder::template codes<Order>(q, sign, f));
    return true;
  }
};

template <class Element>
struct fake_step {
  QGRAIN_LANES static bool prepare(const typename Element::factors_type* factors, index_t groups, group_numbers& all) {
    return make_numbers<Element>(factors, groups, all);
  }
  using encoder = lane_encoder<Element>;
  template <lane_order, class In, class Out>
  QGRAIN_LANES static bool run(In in, Out out, index_t c, const lane_factors (&f)[4], [[maybe_unused]] bool has_wide) {
    constexpr auto order = lane_order::in_turn;
    const floats x[4] = {values<order, 0>(in, c), values<order, 1>(in, c), values<order, 2>(in, c),
                         values<order, 3>(in, c)};
    const floats q[4] = {encoder::scaled(x[0], f[0]), encoder::scaled(x[1], f[1]), encoder::scaled(x[2], f[2]),
                         encoder::scaled(x[3], f[3])};
    if (encoder::has_other(q, x, has_wide)) return false;
    for (int i = 0; i < 4; ++i) {
      const floats near = encoder::nearest(q[i], encoder::signed_by(x[i], q[i]), f[i]);
      put(out, c + i * lanes, restored<Element>(near, f[i]));
    }
    return true;
  }
};

template <class Element>
struct decode_step {
  /// False where the unit would make a scale overflow, or a product might be a zero.
  QGRAIN_LANES static bool prepare(const typename Element::factors_type* factors, index_t groups, group_numbers& all) {
    constexpr float unit = lane_decoder<Element>::unit;
    std::uint32_t others = 0;
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t g = 0; g < groups; ++g) {
      const float backward = factors[g].backward;
      if constexpr (lane_decoder<Element>::has_positive_zero) others |= backward >= power_of_two(-120) ? 0U : 1U;
      others |= unit == 1.0F || magnitude_bits(backward) < magnitude_bits(power_of_two(100)) ? 0U : 1U;
      all.backward.data()[g] = backward * unit;
      if constexpr (requires { factors->zero_point; }) all.zero_point.data()[g] = factors[g].zero_point;
    }
    return others == 0;
  }
  template <lane_order, class In, class Out>
  QGRAIN_LANES static bool run(In in, Out out, index_t c, const lane_factors (&f)[4], [[maybe_unused]] bool has_wide) {
    floats x[4];
    if constexpr (In::is_packed) {
      nibble_values<lane_decoder<Element>>(in.row + c / 2, in.order, x);
    } else {
      lane_decoder<Element>::values(in.row + c, x);
    }
    for (int i = 0; i < 4; ++i)
      put(out, c + i * lanes, restored<Element, !lane_decoder<Element>::has_positive_zero>(x[i], f[i]));
    return true;
  }
};

template <lane_work Work, class Element>
struct step_for;
template <class Element>
struct step_for<lane_work::encode, Element> : encode_step<Element> {};
template <class Element>
struct step_for<lane_work::fake, Element> : fake_step<Element> {};
template <class Element>
struct step_for<lane_work::decode, Element> : decode_step<Element> {};
template <class Operation>
using step_of = step_for<Operation::lanes, typename Operation::element_type>;

/// The patterns of magnitudes as integers, NaN last.
template <class T>
QGRAIN_LANES integers magnitudes_at(const T* from) {
  return as<integers>(as<words>(widened_at(from)) & every<~f32_sign_bit>());
}

/// The largest magnitudes, a lane each, of `count` elements, a multiple of the lanes.
template <class T>
QGRAIN_LANES integers largest_lanes(const T* x, index_t count) {
  integers a = magnitudes_at(x);
  index_t i = lanes;
  if (count >= 2 * step) {
    integers b = magnitudes_at(x + lanes);
    integers c = magnitudes_at(x + 2 * lanes);
    integers d = magnitudes_at(x + 3 * lanes);
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

/// The same of elements that fill half a lane each.
QGRAIN_LANES integers largest_lanes(const bfloat16* x, index_t count) {
  if (count % (2 * lanes) != 0) return largest_lanes<bfloat16>(x, count);
  const halves digits = as<halves>(every<0x7FFF'7FFFU>());
  halves largest = loaded<halves>(x) & digits;
  for (index_t i = 2 * lanes; i < count; i += 2 * lanes) largest = larger(largest, loaded<halves>(x + i) & digits);
  return larger(as<integers>(as<words>(largest) << 16), as<integers>(as<words>(largest) & every<0xFFFF'0000U>()));
}

/// Widens the largest magnitudes of as many neighbouring groups as there are lanes by their elements.
template <class T>
QGRAIN_LANES void widen_groups(const T* x, index_t group_cols, float* absmax) {
  integers largest[lanes];
  if (group_cols == 32) {
    for (int g = 0; g < lanes; ++g) largest[g] = largest_lanes(x + g * 32, 32);
  } else if (group_cols == 16) {
    for (int g = 0; g < lanes; ++g) largest[g] = largest_lanes(x + g * 16, 16);
  } else {
    for (int g = 0; g < lanes; ++g) largest[g] = largest_lanes(x + g * group_cols, group_cols);
  }
  stored(larger(magnitudes_at(absmax), largest_of_each(largest)), absmax);
}

/// The same of fewer groups.
template <class T>
QGRAIN_LANES void widen_few_groups(const T* x, index_t group_cols, index_t groups, float* absmax) {
  integers largest[lanes] = {};
  float widened[lanes] = {};
  for (index_t g = 0; g < groups; ++g) {
    largest[g] = largest_lanes(x + g * group_cols, group_cols);
    widened[g] = absmax[g];
  }
  stored(larger(magnitudes_at(widened), largest_of_each(largest)), widened);
  for (index_t g = 0; g < groups; ++g) absmax[g] = widened[g];
}

/// A step of `Step` from column c on, all lanes under the same factors.
template <class Step, class In, class Out>
QGRAIN_LANES bool run_step(In in, Out out, index_t c, const lane_factors& shared, bool has_wide) {
  const lane_factors f[] = {shared, shared, shared, shared};
  return Step::template run<In::natural_order>(in, out, c, f, has_wide);
}
/// With factors from `group` on, a group per `Width` elements.
template <class Step, int Width, class In, class Out>
QGRAIN_LANES bool run_step(In in, Out out, index_t c, const group_numbers& all, index_t group) {
  lane_factors f[4];
  for (int i = 0; i < 4; ++i) {
    if constexpr (Width == 1) {
      f[i] = lane_factors::from(all, group + i * lanes);
    } else {
      f[i] = lane_factors::of(all, group + i * lanes / Width);
    }
  }
  constexpr lane_order order = Width % (2 * lanes) == 0 ? In::natural_order : lane_order::in_turn;
  return Step::template run<order>(in, out, c, f, all.has_wide);
}

#endif
