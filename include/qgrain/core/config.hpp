// Annotations that let one definition serve the host compiler and nvcc.
#ifndef QGRAIN_CORE_CONFIG_HPP
#define QGRAIN_CORE_CONFIG_HPP

/// Marks a function that runs on the host and, under nvcc, in kernels.
#if defined(__CUDACC__)
#define QGRAIN_HOST_DEVICE __host__ __device__
#else
#define QGRAIN_HOST_DEVICE
#endif

/// Inlined whatever the size, so that the function takes on the instruction set of the loop that calls it; left as a
/// call it would keep that of its translation unit.
#if defined(__CUDACC__)
#define QGRAIN_ALWAYS_INLINE __forceinline__
#elif defined(__GNUC__)
#define QGRAIN_ALWAYS_INLINE __attribute__((always_inline)) inline
#else
#define QGRAIN_ALWAYS_INLINE inline
#endif

/// Before a loop: its iterations do not depend on each other, though g++ cannot see that two pointers are either equal
/// or apart. Few iterations stay a loop: unrolled before, they would not be vectorized. (nvcc does not know that
/// pragma.)
#if defined(__CUDACC__)
#define QGRAIN_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#elif defined(__GNUC__) && !defined(__clang__)
#define QGRAIN_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
#else
#define QGRAIN_INDEPENDENT_ITERATIONS
#endif

/// Before a loop over the vectors of a step: unrolled below -O3 too, where g++ would keep arrays of them in memory.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define QGRAIN_UNROLLED_VECTORS _Pragma("GCC unroll 16")
#else
#define QGRAIN_UNROLLED_VECTORS
#endif

/// Before a loop of a kernel: unrolled whatever the size of its body, so that arrays indexed by it stay in registers.
#if defined(__CUDA_ARCH__)
#define QGRAIN_UNROLLED _Pragma("unroll")
#else
#define QGRAIN_UNROLLED
#endif

/// Whether the translation unit has exceptions. Where it has none, call the `try_...` functions, which return a status;
/// what other functions would throw ends the program.
#if defined(__cpp_exceptions)
#define QGRAIN_HAS_EXCEPTIONS 1
#else
#define QGRAIN_HAS_EXCEPTIONS 0
#endif

/// Marks a function that works on one element, the part of a definition that both backends share.
#define QGRAIN_ELEMENTWISE QGRAIN_HOST_DEVICE QGRAIN_ALWAYS_INLINE

#endif
