// What stores ask of a code_matrix before they take it: each rule refuses with a sentence that names both sides.
#ifndef QGRAIN_INTEROP_DETAIL_CODE_RULES_HPP
#define QGRAIN_INTEROP_DETAIL_CODE_RULES_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::interop::detail {

[[noreturn]] inline void refuse(std::string_view target, const code_matrix& from, const std::string& reason) {
  qgrain::detail::raise(errc::unsupported,
                        std::string(target) + " cannot hold what " + from.origin + " holds: " + reason);
}

/// The shortest text that a person recognizes a float by.
[[nodiscard]] inline std::string text_of(float x) {
  std::array<char, 32> letters{};
  std::snprintf(letters.data(), letters.size(), "%.9g", static_cast<double>(x));
  return letters.data();
}

/// A part of a store has exactly this many entries.
inline void require_count(std::string_view store, const char* part, index_t wanted, std::size_t found) {
  if (static_cast<index_t>(found) == wanted) return;
  qgrain::detail::raise(errc::invalid_shape, std::string(store) + ": " + part + " needs " + std::to_string(wanted) +
                                                 " entries, has " + std::to_string(found));
}

inline void require_multiple(std::string_view store, const char* what, index_t of, index_t found) {
  if (found % of == 0) return;
  qgrain::detail::raise(errc::invalid_shape, std::string(store) + ": " + what + " come in multiples of " +
                                                 std::to_string(of) + ", found " + std::to_string(found));
}

inline void require_extent(std::string_view store, shape2d shape, index_t group_size) {
  constexpr index_t most = index_t{1} << 57;  // counts of bits still fit index_t
  const bool exists = shape.rows >= 1 && shape.cols >= 1 && group_size >= 1;
  if (exists && shape.cols <= most / shape.rows && group_size <= most) return;
  qgrain::detail::raise(errc::invalid_shape, std::string(store) + ": a matrix of " + std::to_string(shape.rows) +
                                                 " x " + std::to_string(shape.cols) + " with groups of " +
                                                 std::to_string(group_size) + " does not exist");
}

/// The parts of a code_matrix fit each other and every code fits its bits.
inline void require_whole(std::string_view target, const code_matrix& from) {
  require_extent(from.origin, from.shape, from.group_size);
  if (from.bits < 1 || from.bits > 8) refuse(target, from, "codes of " + std::to_string(from.bits) + " bits");
  const auto groups = static_cast<index_t>(from.group_count());
  require_count(from.origin, "codes", from.shape.elements(), from.codes.size());
  require_count(from.origin, "scales", groups, from.scales.size());
  if (!from.zero_points.empty()) require_count(from.origin, "zero points", groups, from.zero_points.size());
  if (from.minimums.size() != 0) require_count(from.origin, "minimums", groups, from.minimums.size());
  const std::uint8_t largest = *std::max_element(from.codes.begin(), from.codes.end());
  if (largest >> from.bits != 0) {
    qgrain::detail::raise(errc::out_of_range, from.origin + ": code " + std::to_string(largest) + " does not fit " +
                                                  std::to_string(from.bits) + " bits");
  }
}

inline void require_kind(std::string_view target, const code_matrix& from, code_kind kind, int bits) {
  if (from.kind == kind && from.bits == bits) return;
  const auto text = [](code_kind k, int b) { return std::to_string(b) + "-bit " + std::string(name_of(k)); };
  refuse(target, from, "it takes " + text(kind, bits) + ", not " + text(from.kind, from.bits));
}

/// Groups of another length. A shorter group repeats its scale; a longer one needs equal scales in all that it covers.
[[nodiscard]] inline code_matrix regrouped(std::string_view target, code_matrix from, index_t group_size) {
  if (from.group_size == group_size || (from.group_size >= from.shape.cols && group_size >= from.shape.cols)) {
    from.group_size = group_size;
    return from;
  }
  code_matrix to = from;
  to.group_size = group_size;
  to.scales.patterns.clear();
  to.zero_points.clear();
  to.minimums.patterns.clear();
  for (index_t r = 0; r < from.shape.rows; ++r) {
    for (index_t first = 0; first < from.shape.cols; first += group_size) {
      const std::size_t group = from.group_of(r, first);
      const std::size_t last = from.group_of(r, std::min(first + group_size, from.shape.cols) - 1);
      for (std::size_t other = group + 1; other <= last; ++other) {
        const bool same = from.scales.patterns[other] == from.scales.patterns[group] &&
                          from.zero_point(other) == from.zero_point(group) &&
                          (from.minimums.size() == 0 || from.minimums.patterns[other] == from.minimums.patterns[group]);
        if (!same) {
          refuse(target, from,
                 "its groups of " + std::to_string(group_size) + " cover groups of " + std::to_string(from.group_size) +
                     " with different scales");
        }
      }
      to.scales.patterns.push_back(from.scales.patterns[group]);
      if (!from.zero_points.empty()) to.zero_points.push_back(from.zero_points[group]);
      if (from.minimums.size() != 0) to.minimums.patterns.push_back(from.minimums.patterns[group]);
    }
  }
  return to;
}

/// The pattern of a scale type that has this very value; refused where there is none. e4m3 scales are not negative.
[[nodiscard]] inline std::uint32_t exact_pattern(std::string_view target, const code_matrix& from, scale_kind kind,
                                                 float value) {
  std::uint32_t pattern = bits_of(value);
  switch (kind) {
    case scale_kind::float32:
      break;
    case scale_kind::float16:
      pattern = from_float<float16>(value).bits;
      break;
    case scale_kind::bfloat16:
      pattern = from_float<bfloat16>(value).bits;
      break;
    case scale_kind::e8m0:
      pattern = float8_e8m0fnu::encode(value);
      break;
    case scale_kind::e4m3:
      pattern = float8_e4m3fn::encode(value) & 0x7FU;
      break;
  }
  if (is_nan(value) || bits_of(scale_array::value_of(kind, pattern)) != bits_of(value)) {
    refuse(target, from, "its scales are " + std::string(name_of(kind)) + ", which has no " + text_of(value));
  }
  return pattern;
}

/// Scales of one level that multiply, in the type of the target. Those that divide have to be powers of two; NaN passes
/// where the type stays.
[[nodiscard]] inline scale_array one_level_scales(std::string_view target, const code_matrix& from, scale_kind kind) {
  if (from.scales.kind == kind && !from.two_level && from.use == scale_use::multiplies) return from.scales;
  scale_array scales;
  scales.kind = kind;
  for (std::size_t g = 0; g < from.group_count(); ++g) {
    float scale = from.scale(g);
    if (from.use == scale_use::divides) {
      const float inverse = div_rn(1.0F, scale);
      const bool power =
          (bits_of(scale) & 0x007F'FFFFU) == 0 && magnitude_bits(scale) != 0 && magnitude_bits(inverse) >= 0x0080'0000;
      if (!power) {
        refuse(target, from, "multiplied and divided scales differ, and 1 / " + text_of(scale) + " is not exact");
      }
      scale = inverse;
    }
    scales.patterns.push_back(exact_pattern(target, from, kind, scale));
  }
  return scales;
}

/// Block scales of two levels whose tensor scale acts as `use`: the bytes stay, and every scale that occurs has the
/// same value as before.
[[nodiscard]] inline float tensor_scale_as(std::string_view target, const code_matrix& from, scale_kind kind,
                                           scale_use use) {
  if (from.scales.kind != kind || from.use != scale_use::multiplies) {
    refuse(target, from,
           "its block scales are " + std::string(name_of(kind)) + ", not " + std::string(name_of(from.scales.kind)) +
               (from.use == scale_use::divides ? " that divide" : ""));
  }
  if (!from.two_level) return 1.0F;
  if (from.tensor_use == use) return from.tensor_scale;
  const float inverse = div_rn(1.0F, from.tensor_scale);
  for (std::size_t g = 0; g < from.group_count(); ++g) {
    const float own = from.scales.value(g);
    if (bits_of(applied(own, use, inverse)) != bits_of(from.scale(g))) {
      const char* verb = use == scale_use::divides ? " divides by" : " multiplies by";
      refuse(target, from,
             "it" + std::string(verb) + " the tensor's scale, and with " + text_of(inverse) + " for 1 / " +
                 text_of(from.tensor_scale) + " the block scale " + text_of(own) + " changes from " +
                 text_of(from.scale(g)) + " to " + text_of(applied(own, use, inverse)));
    }
  }
  return inverse;
}

inline void require_no_minimums(std::string_view target, const code_matrix& from) {
  if (from.minimums.size() != 0) refuse(target, from, "it has no minimums");
}

inline void require_symmetric(std::string_view target, const code_matrix& from) {
  require_no_minimums(target, from);
  const std::int32_t middle = 1 << (from.bits - 1);
  for (const std::int32_t zero : from.zero_points) {
    if (zero != middle) {
      refuse(target, from,
             "its zero point is always " + std::to_string(middle) + ", here it is " + std::to_string(zero));
    }
  }
}

/// Zero points within [least, most]; minimums add to them where they are whole multiples of the scale.
[[nodiscard]] inline std::vector<std::int32_t> zero_points_in(std::string_view target, const code_matrix& from,
                                                              std::int32_t least, std::int32_t most) {
  // Below 24 significant bits q * s + m and (q - z) * s are both exact, hence equal; float32 scales round twice.
  if (from.minimums.size() != 0 && (from.scales.kind != scale_kind::float16 || from.two_level)) {
    refuse(target, from,
           "it has zero points, and minimums become such only where scales are float16, not " +
               std::string(name_of(from.scales.kind)));
  }
  std::vector<std::int32_t> zeros;
  for (std::size_t g = 0; g < from.group_count(); ++g) {
    std::int64_t zero = from.zero_point(g);
    if (from.minimums.size() != 0) {
      const double minimum = from.minimums.value(g);
      const double scale = from.scale(g);
      const double steps = minimum == 0 ? 0.0 : -minimum / scale;
      const std::int64_t whole = steps >= -255 && steps <= 255 ? static_cast<std::int64_t>(steps) : 256;
      zero += whole;
      if (whole == 256 || static_cast<double>(whole) * scale != -minimum) {
        refuse(target, from,
               "its zero points are whole, and the minimum " + text_of(from.minimums.value(g)) +
                   " is no multiple of the scale " + text_of(from.scale(g)));
      }
    }
    if (zero < least || zero > most) {
      refuse(target, from,
             "its zero points lie in " + std::to_string(least) + " to " + std::to_string(most) + ", here one is " +
                 std::to_string(zero));
    }
    zeros.push_back(static_cast<std::int32_t>(zero));
  }
  return zeros;
}

/// Minimums in float16; zero points become minimums where zero * scale is a float16 (`scales` are those of the target).
[[nodiscard]] inline scale_array minimums_as_float16(std::string_view target, const code_matrix& from,
                                                     const scale_array& scales) {
  scale_array minimums;
  minimums.kind = scale_kind::float16;
  for (std::size_t g = 0; g < from.group_count(); ++g) {
    const std::int64_t zero = from.zero_point(g);
    if (from.minimums.size() != 0 && zero != 0) {
      refuse(target, from,
             "it has minimums alone, here a zero point of " + std::to_string(zero) + " stands beside a minimum");
    }
    const float minimum =
        from.minimums.size() != 0 ? from.minimums.value(g) : mul_rn(static_cast<float>(-zero), scales.value(g));
    minimums.patterns.push_back(exact_pattern(target, from, scale_kind::float16, minimum));
  }
  return minimums;
}

/// Codes row by row into bytes; rows are padded with code 0 to `cols`.
[[nodiscard]] inline std::vector<std::uint8_t> packed_rows(const code_matrix& from, index_t cols, bit_order order) {
  const index_t row_bytes = packed_bytes(cols, from.bits);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(row_bytes * from.shape.rows));
  std::vector<std::uint8_t> row(static_cast<std::size_t>(cols));
  for (index_t r = 0; r < from.shape.rows; ++r) {
    for (index_t c = 0; c < from.shape.cols; ++c) row[static_cast<std::size_t>(c)] = from.code(r, c);
    pack_codes(row.data(), cols, from.bits, order, bytes.data() + r * row_bytes);
  }
  return bytes;
}

/// The way back, into to.codes; to.shape and to.bits say what is there.
inline void unpack_rows(const std::vector<std::uint8_t>& bytes, index_t cols, bit_order order, code_matrix& to) {
  const index_t row_bytes = packed_bytes(cols, to.bits);
  require_count(to.origin, "packed codes", row_bytes * to.shape.rows, bytes.size());
  to.codes.resize(static_cast<std::size_t>(to.shape.elements()));
  for (index_t r = 0; r < to.shape.rows; ++r) {
    unpack_codes(bytes.data() + r * row_bytes, to.shape.cols, to.bits, order, to.codes.data() + r * to.shape.cols);
  }
}

/// Low bytes of one-byte scales.
[[nodiscard]] inline std::vector<std::uint8_t> bytes_of(const scale_array& scales) {
  std::vector<std::uint8_t> bytes;
  for (const std::uint32_t pattern : scales.patterns) bytes.push_back(static_cast<std::uint8_t>(pattern));
  return bytes;
}

[[nodiscard]] inline std::vector<float16> float16_of(const scale_array& scales) {
  std::vector<float16> halves;
  for (const std::uint32_t pattern : scales.patterns) halves.push_back({static_cast<std::uint16_t>(pattern)});
  return halves;
}

}  // namespace qgrain::interop::detail

#endif
