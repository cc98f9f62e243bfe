// All formats of the library in one list, for tables and for tests that go through every one.
#ifndef QGRAIN_FORMAT_CATALOG_HPP
#define QGRAIN_FORMAT_CATALOG_HPP

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>

#include <type_traits>

namespace qgrain {

template <class... Formats>
struct format_list {
  static constexpr int size = sizeof...(Formats);
};

using all_formats =
    format_list<int2, int3, int4, int5, int6, int7, int8, int4_narrow, int8_narrow, uint4, uint8, float4_e2m1fn,
                float6_e2m3fn, float6_e3m2fn, float8_e4m3fn, float8_e5m2, float8_e8m0fnu>;

/// Calls `visit(std::type_identity<Format>{})` for each format, in order.
template <class... Formats, class Visitor>
constexpr void for_each_format(format_list<Formats...>, Visitor&& visit) {
  (visit(std::type_identity<Formats>{}), ...);
}

}  // namespace qgrain

#endif
