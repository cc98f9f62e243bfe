// All formats of the library in one list, for tables and for tests that go through every one.
#ifndef QGRAIN_FORMAT_CATALOG_HPP
#define QGRAIN_FORMAT_CATALOG_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/concepts.hpp>
#include <qgrain/format/codebook.hpp>
#include <qgrain/format/float16.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/format/rounding.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace qgrain {

/// Formats as a pack, to be visited one by one.
template <class... Formats>
struct format_list {
  static constexpr int size = sizeof...(Formats);
};

/// Integers, two's complement and unsigned.
using integer_formats =
    format_list<int2, int3, int4, int5, int6, int7, int8, int16,  //
                int2_narrow, int3_narrow, int4_narrow, int5_narrow, int6_narrow, int7_narrow, int8_narrow, int16_narrow,
                uint2, integer<3, integer_range::nonnegative>, uint4, uint5, uint6, uint7, uint8, uint16>;
/// Small floats, and the two of 16 bits.
using float_formats =
    format_list<float4_e2m1fn, float6_e2m3fn, float6_e3m2fn, float8_e4m3fn, float8_e5m2, float8_e4m3fnuz,
                float8_e5m2fnuz, float8_e4m3b11fnuz, float8_e4m3, float8_e3m4, float16_format, bfloat16_format>;
/// Tables of values.
using codebook_formats = format_list<nf4, nf4_modelopt, iq4_nl, ternary>;

namespace detail {
template <class... Lists>
struct joined_lists;
template <class... A>
struct joined_lists<format_list<A...>> {
  using type = format_list<A...>;
};
template <class... A, class... B, class... Rest>
struct joined_lists<format_list<A...>, format_list<B...>, Rest...> : joined_lists<format_list<A..., B...>, Rest...> {};
}  // namespace detail

/// A new format takes its place in one of these lists, and with that in every table and test.
using all_formats =
    typename detail::joined_lists<integer_formats, float_formats, format_list<float8_e8m0fnu>, codebook_formats>::type;

/// Calls `visit(std::type_identity<Format>{})` for each format, in order.
template <class... Formats, class Visitor>
constexpr void for_each_format(format_list<Formats...>, Visitor&& visit) {
  (visit(std::type_identity<Formats>{}), ...);
}

/// What can be said of a format without knowing what it is: found by encoding and decoding.
struct format_description {
  std::string_view name;
  int bits;
  float max_finite;
  float lowest;          ///< the most negative value; the least one where there is no sign
  float least_positive;  ///< the smallest value above zero
  bool has_infinity;
  bool has_nan;
  bool has_negative_zero;
  bool takes_rounding;  ///< encode(x, round) exists
};

namespace detail {

template <class Format>
[[nodiscard]] constexpr float through(float x) noexcept {
  return Format::decode(Format::encode(x));
}

/// Bisection over patterns: the first float32 above zero that does not become zero (or less, in a table without zero)
/// becomes the least positive value.
template <class Format>
[[nodiscard]] constexpr float least_positive() noexcept {
  std::int32_t zero = 0;
  std::int32_t positive = magnitude_bits(Format::max_finite);
  while (positive - zero > 1) {
    const std::int32_t middle = zero + (positive - zero) / 2;
    (through<Format>(float_from_magnitude(middle)) > 0 ? positive : zero) = middle;
  }
  return through<Format>(float_from_magnitude(positive));
}

template <class Format>
[[nodiscard]] constexpr float lowest() noexcept {
  if constexpr (requires { Format::lowest; }) {
    return Format::lowest;
  } else {
    return -Format::max_finite;
  }
}

template <class Format>
concept takes_rounding = requires(float x) {
  Format::encode(x, nearest_even{});
};

}  // namespace detail

/// Works at compile time too.
template <element_format Format>
[[nodiscard]] constexpr format_description describe_format() noexcept {
  format_description d{};
  d.name = Format::name();
  d.bits = Format::bits;
  d.max_finite = Format::max_finite;
  d.lowest = detail::lowest<Format>();
  d.least_positive = detail::least_positive<Format>();
  d.has_infinity = bits_of(detail::through<Format>(float_from_bits(f32_infinity_bits))) == f32_infinity_bits;
  d.has_nan = is_nan(detail::through<Format>(quiet_nan()));
  d.has_negative_zero = bits_of(detail::through<Format>(-0.0F)) == f32_sign_bit;
  d.takes_rounding = detail::takes_rounding<Format>;
  return d;
}

/// One description per format of a list, in its order. A template, so that only who asks for the catalog compiles every
/// format.
template <class Formats = all_formats>
[[nodiscard]] constexpr auto format_catalog() noexcept {
  return []<class... Format>(format_list<Format...>) {
    return std::array<format_description, sizeof...(Format)>{describe_format<Format>()...};
  }(Formats{});
}

}  // namespace qgrain

#endif
