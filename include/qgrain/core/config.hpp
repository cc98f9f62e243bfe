// Annotations that let one definition serve the host compiler and nvcc.
#ifndef QGRAIN_CORE_CONFIG_HPP
#define QGRAIN_CORE_CONFIG_HPP

/// Marks a function that runs on the host and, under nvcc, in kernels.
#if defined(__CUDACC__)
#define QGRAIN_HOST_DEVICE __host__ __device__
#else
#define QGRAIN_HOST_DEVICE
#endif

#endif
