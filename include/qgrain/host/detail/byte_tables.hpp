// Tables of sixteen floats as bytes, for instructions that look bytes up.
#ifndef QGRAIN_HOST_DETAIL_BYTE_TABLES_HPP
#define QGRAIN_HOST_DETAIL_BYTE_TABLES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/host/detail/lane_ports.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace qgrain::detail {

/// The two upper bytes of each of sixteen numbers that have no more.
struct byte_tables {
  byte_order lower{};
  byte_order upper{};
  bool holds_all = true;
  explicit constexpr byte_tables(const std::array<float, 16>& values) noexcept {
    for (std::size_t i = 0; i < 16; ++i) {
      lower.places[i] = static_cast<std::uint8_t>(bits_of(values[i]) >> 16U);
      upper.places[i] = static_cast<std::uint8_t>(bits_of(values[i]) >> 24U);
      holds_all = holds_all && (bits_of(values[i]) & 0xFFFFU) == 0;
    }
  }
};

template <class Decoder>
inline constexpr byte_tables tables_of = [] {
  constexpr byte_tables tables{Decoder::table};
  static_assert(tables.holds_all);
  return tables;
}();

}  // namespace qgrain::detail

#endif
