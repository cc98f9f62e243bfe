// Elementary functions of the host. Built-in functions of the compilers, which call the C library as <cmath> does,
// without its special functions, which every user would compile.
#ifndef QGRAIN_CORE_DETAIL_ELEMENTARY_HPP
#define QGRAIN_CORE_DETAIL_ELEMENTARY_HPP

#if !defined(__GNUC__)
#include <cmath>
#endif

namespace qgrain::detail {

#if defined(__GNUC__)
[[nodiscard]] inline double square_root(double x) noexcept { return __builtin_sqrt(x); }
[[nodiscard]] inline double exponential(double x) noexcept { return __builtin_exp(x); }
[[nodiscard]] inline double natural_logarithm(double x) noexcept { return __builtin_log(x); }
[[nodiscard]] inline double decimal_logarithm(double x) noexcept { return __builtin_log10(x); }
/// log(1 + x)
[[nodiscard]] inline double logarithm_beyond_one(double x) noexcept { return __builtin_log1p(x); }
[[nodiscard]] inline float power(float base, float exponent) noexcept { return __builtin_powf(base, exponent); }
[[nodiscard]] inline double ceiling(double x) noexcept { return __builtin_ceil(x); }
#else
[[nodiscard]] inline double square_root(double x) noexcept { return std::sqrt(x); }
[[nodiscard]] inline double exponential(double x) noexcept { return std::exp(x); }
[[nodiscard]] inline double natural_logarithm(double x) noexcept { return std::log(x); }
[[nodiscard]] inline double decimal_logarithm(double x) noexcept { return std::log10(x); }
/// log(1 + x)
[[nodiscard]] inline double logarithm_beyond_one(double x) noexcept { return std::log1p(x); }
[[nodiscard]] inline float power(float base, float exponent) noexcept { return std::pow(base, exponent); }
[[nodiscard]] inline double ceiling(double x) noexcept { return std::ceil(x); }
#endif

}  // namespace qgrain::detail

#endif
