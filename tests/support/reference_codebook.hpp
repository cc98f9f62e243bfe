// The nearest entry of a table by exact distances. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_CODEBOOK_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_CODEBOOK_HPP

#include <boost/multiprecision/cpp_int.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain_test {

/// A finite float32 as a multiple of the smallest one, 2^-149.
[[nodiscard]] inline boost::multiprecision::cpp_int in_smallest_units(float x) {
  int exponent = 0;
  const float fraction = std::frexp(x, &exponent);  // 24 digits behind the point
  const auto digits = static_cast<std::int64_t>(std::ldexp(fraction, 24));
  boost::multiprecision::cpp_int units = digits;
  const int shift = exponent - 24 + 149;
  if (shift >= 0) return units << static_cast<unsigned>(shift);
  return units / (boost::multiprecision::cpp_int(1) << static_cast<unsigned>(-shift));  // subnormal: zeros go
}

/// Index of the entry of least distance; of two, the first (or the one of the smaller magnitude).
[[nodiscard]] inline std::size_t reference_entry(const std::vector<float>& table, float x, bool ties_to_zero) {
  if (std::isinf(x)) return x < 0 ? 0 : table.size() - 1;
  const boost::multiprecision::cpp_int units = in_smallest_units(x);
  std::size_t best = 0;
  boost::multiprecision::cpp_int least = abs(units - in_smallest_units(table[0]));
  for (std::size_t i = 1; i < table.size(); ++i) {
    const boost::multiprecision::cpp_int distance = abs(units - in_smallest_units(table[i]));
    const bool better_tie = ties_to_zero && std::fabs(table[i]) < std::fabs(table[best]);
    if (distance > least || (distance == least && !better_tie)) continue;
    best = i;
    least = distance;
  }
  return best;
}

}  // namespace qgrain_test

#endif
