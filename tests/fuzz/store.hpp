// What every store of quantized weights has to keep: codes read from it are whole, and come back as the same values.
#ifndef QGRAIN_TESTS_FUZZ_STORE_HPP
#define QGRAIN_TESTS_FUZZ_STORE_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/interop/code_matrix.hpp>

#include <algorithm>
#include <fuzz/fuzz.hpp>

namespace qgrain::fuzz {

inline void require_equal_values(const interop::code_matrix& a, const interop::code_matrix& b) {
  require(a.shape == b.shape, "the shape comes back");
  for (index_t r = 0; r < a.shape.rows; ++r) {
    for (index_t c = 0; c < a.shape.cols; ++c) {
      const float x = a.value(r, c);
      const float y = b.value(r, c);
      require(x == y || (is_nan(x) && is_nan(y)), "values come back");
    }
  }
}

/// Reads the store, writes what was read into the same kind of store and reads that.
template <class Store>
void round_trip(const Store& store) {
  may_refuse([&] {
    const interop::code_matrix codes = store.codes();
    for (const std::uint8_t code : codes.codes) require(code >> codes.bits == 0, "codes fit their bits");
    may_refuse([&] { require_equal_values(codes, Store::from_codes(codes).codes()); });
  });
}

/// Entries that the store needs, where the first byte asks for that and they are few; else as many as come.
template <class T>
[[nodiscard]] std::vector<T> part(reader& from, index_t wanted) {
  constexpr index_t most = 1 << 14;
  const bool exact = from.take<std::uint8_t>() < 240 && wanted >= 0 && wanted <= most;
  std::vector<T> values = from.elements<T>(exact ? static_cast<std::size_t>(wanted) : std::size_t{most});
  if (exact) values.resize(static_cast<std::size_t>(wanted));
  return values;
}

/// a * b / c, or -1 where the product is none of small counts.
[[nodiscard]] inline index_t count_of(index_t a, index_t b, index_t c = 1) {
  index_t product = 0;
  return a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product) ? -1 : product / c;
}
[[nodiscard]] inline index_t groups_of(index_t cols, index_t size) {
  return size < 1 || cols < 0 ? -1 : cols / size + (cols % size != 0 ? 1 : 0);
}

/// A matrix of codes of any content, some of which no store may take.
[[nodiscard]] inline interop::code_matrix any_codes(reader& from) {
  interop::code_matrix codes;
  codes.shape = {from.extent(), from.extent()};
  codes.kind = static_cast<interop::code_kind>(from.take<std::uint8_t>() % 8);
  codes.bits = from.take<std::uint8_t>() % 10;
  codes.group_size = from.extent();
  codes.scales.kind = static_cast<interop::scale_kind>(from.take<std::uint8_t>() % 5);
  codes.minimums.kind = static_cast<interop::scale_kind>(from.take<std::uint8_t>() % 5);
  const auto flags = from.take<std::uint8_t>();
  codes.use = (flags & 1) != 0 ? interop::scale_use::divides : interop::scale_use::multiplies;
  codes.tensor_use = (flags & 2) != 0 ? interop::scale_use::divides : interop::scale_use::multiplies;
  codes.two_level = (flags & 4) != 0;
  codes.tensor_scale = from.take<float>();
  const index_t groups = count_of(codes.shape.rows, groups_of(codes.shape.cols, codes.group_size));
  codes.scales.patterns = part<std::uint32_t>(from, groups);
  if ((flags & 8) != 0) codes.zero_points = part<std::int32_t>(from, groups);
  if ((flags & 16) != 0) codes.minimums.patterns = part<std::uint32_t>(from, groups);
  codes.codes = part<std::uint8_t>(from, count_of(codes.shape.rows, codes.shape.cols));
  if ((flags & 32) == 0 && codes.bits < 8) {
    for (std::uint8_t& code : codes.codes) code = static_cast<std::uint8_t>(code & ((1 << codes.bits) - 1));
  }
  return codes;
}

/// Any codes into the store: refused, or every value comes back.
template <class Store>
void from_any_codes(const interop::code_matrix& codes) {
  may_refuse([&] { require_equal_values(codes, Store::from_codes(codes).codes()); });
}

}  // namespace qgrain::fuzz

#endif
