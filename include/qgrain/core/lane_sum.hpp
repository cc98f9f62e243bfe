// Sums in a fixed number of lanes: quick in vector registers, with the same bits whatever their width.
#ifndef QGRAIN_CORE_LANE_SUM_HPP
#define QGRAIN_CORE_LANE_SUM_HPP

#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <cstddef>

namespace qgrain {

/// Reduces the lanes in halves, lane l with lane l + Lanes / 2 first. `combine(a, b)` of two lanes.
template <class T, std::size_t Lanes, class Combine>
[[nodiscard]] QGRAIN_ALWAYS_INLINE T fold_lanes(T (&values)[Lanes], const Combine& combine) {
  static_assert(Lanes > 0 && (Lanes & (Lanes - 1)) == 0, "lanes are folded in halves, so their number is a power of 2");
  for (std::size_t half = Lanes / 2; half > 0; half /= 2) {
    for (std::size_t lane = 0; lane < half; ++lane) values[lane] = combine(values[lane], values[lane + half]);
  }
  return values[0];
}

namespace detail {

struct plus_in_double {
  [[nodiscard]] QGRAIN_ALWAYS_INLINE double operator()(double a, double b) const noexcept { return a + b; }
};

}  // namespace detail

/// The sum of all lanes.
template <std::size_t Lanes>
[[nodiscard]] QGRAIN_ALWAYS_INLINE double fold_lanes(double (&sums)[Lanes]) {
  return fold_lanes(sums, detail::plus_in_double{});
}

/// Adds term(i) for i in [0, count), in double: term i goes to lane i mod Lanes. `term` is always inlined, as kernels
/// are (host/run_widest.hpp); one that is exact in double, such as a product of two floats, may be fused with the sum
/// without a change of bits.
template <std::size_t Lanes, class Term>
QGRAIN_ALWAYS_INLINE void add_to_lanes(double (&sums)[Lanes], index_t count, const Term& term) {
  constexpr auto lanes = static_cast<index_t>(Lanes);
  const index_t whole = count - count % lanes;
  for (index_t first = 0; first < whole; first += lanes) {
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t lane = 0; lane < lanes; ++lane) sums[lane] += term(first + lane);
  }
  for (index_t i = whole; i < count; ++i) sums[i - whole] += term(i);
}

/// The sum of term(i) for i in [0, count), in lanes that are then folded: see add_to_lanes.
template <std::size_t Lanes, class Term>
[[nodiscard]] QGRAIN_ALWAYS_INLINE double lane_sum(index_t count, const Term& term) {
  double sums[Lanes] = {};
  add_to_lanes(sums, count, term);
  return fold_lanes(sums);
}

}  // namespace qgrain

#endif
