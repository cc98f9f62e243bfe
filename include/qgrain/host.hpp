// Quantizers and their bulk operations on this machine's processors: what an engine calls, without calibration, other
// people's bytes and search, which qgrain.hpp has besides. In the order in which data flows.
#ifndef QGRAIN_HOST_HPP
#define QGRAIN_HOST_HPP

#include <qgrain/version.hpp>

// The vocabulary of every stage: views, errors, concepts, arithmetic that rounds once.
#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/stack_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/core/tensor_shape.hpp>

// 1. What one code means.
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/format/rounding.hpp>

// 2. How a group's range becomes a scale.
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/action.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/element_arithmetic.hpp>
#include <qgrain/scale/least_scale.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/range.hpp>
#include <qgrain/scale/symmetric.hpp>
#include <qgrain/scale/two_level.hpp>

// 3. Which elements share a scale.
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>

// 4. Reorderings for particular matrix units.
#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>

// 5. The composition of the four, its storage and its recipes.
#include <qgrain/quantizer/given_scales.hpp>
#include <qgrain/quantizer/packed_matrix.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>
#include <qgrain/quantizer/quantized_view.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>

// 6. Bulk operations.
#include <qgrain/host/given_ranges.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/host/quantize_stack.hpp>
#include <qgrain/host/task_runner.hpp>

#endif
