// Everything for nvcc: bulk operations on device memory, and what kernels of your own need to decode a quantized_view.
#ifndef QGRAIN_CUDA_CUH
#define QGRAIN_CUDA_CUH

#if !defined(__CUDACC__)
#error "qgrain/cuda.cuh needs nvcc; qgrain/qgrain.hpp is for host compilers"
#endif

// Quantizers and their recipes: types that work on both sides.
#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>
#include <qgrain/quantizer/quantized_view.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>

// Bulk operations on a stream.
#include <qgrain/cuda/device_ranges.hpp>
#include <qgrain/cuda/on_stream.cuh>
#include <qgrain/cuda/quantize.cuh>
#include <qgrain/cuda/quantize_stack.cuh>
#include <qgrain/cuda/scratch.hpp>

#endif
