// float32 operations that round once each, on every compiler and device.
//
// Every result of this library is defined as a sequence of IEEE operations, each rounded to nearest, ties to even. A
// compiler that fuses a product into a following sum breaks that: g++ does it by default wherever the target has the
// instruction, in vector intrinsics too, nvcc does it by default, clang under -ffp-contract=fast. Code that defines a
// result therefore calls these functions instead of writing operators, unless the product is exact anyway (a power of
// two).
//
// Built-in functions stand in place of <cmath>, whose special functions every user would compile.
#ifndef QGRAIN_CORE_ARITHMETIC_HPP
#define QGRAIN_CORE_ARITHMETIC_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>

#include <cstdint>

namespace qgrain {

namespace detail {

/// Keeps `product` from being fused into a sum, at the price of one integer minimum, and still lets loops be
/// vectorized. The value leaves the floating-point domain and comes back; the minimum changes one pattern only, a NaN,
/// into another NaN, but the compiler does not know that no product has that pattern and so cannot drop it. (An empty
/// asm statement would do the same and forbid vectorization; a contraction pragma or attribute is lost when the
/// function is inlined.)
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float unfused(float product) noexcept {
  return float_from_bits(smaller_of(bits_of(product), 0xFFFF'FFFEU));
}

}  // namespace detail

/// a * b, rounded.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float mul_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __fmul_rn(a, b);
#endif
  return detail::unfused(a * b);
}

/// a + b, rounded.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float add_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __fadd_rn(a, b);
#endif
  return a + b;
}

/// a - b, rounded.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float sub_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __fsub_rn(a, b);
#endif
  return a - b;
}

/// a / b, rounded.
[[nodiscard]] QGRAIN_ELEMENTWISE constexpr float div_rn(float a, float b) noexcept {
#if defined(__CUDA_ARCH__)
  if (!__builtin_is_constant_evaluated()) return __fdiv_rn(a, b);
#endif
  return a / b;
}

/// a * b + c, rounded once: for definitions that ask for a fused operation.
[[nodiscard]] QGRAIN_ELEMENTWISE float fma_rn(float a, float b, float c) noexcept {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

/// The square root, rounded.
[[nodiscard]] QGRAIN_ELEMENTWISE float sqrt_rn(float a) noexcept {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(a);
#else
  return __builtin_sqrtf(a);
#endif
}

}  // namespace qgrain

#endif
