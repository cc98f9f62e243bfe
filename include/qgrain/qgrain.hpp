// Everything for the host compiler, in the order in which data flows: read it as the table of contents.
#ifndef QGRAIN_QGRAIN_HPP
#define QGRAIN_QGRAIN_HPP

#include <qgrain/version.hpp>

// The vocabulary of every stage: views, errors, concepts, arithmetic that rounds once.
#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/concepts.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/core/tensor_shape.hpp>

// 1. What one code means.
#include <qgrain/format/catalog.hpp>
#include <qgrain/format/codebook.hpp>
#include <qgrain/format/conversion.hpp>
#include <qgrain/format/float16.hpp>
#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/format/minifloat.hpp>
#include <qgrain/format/rounding.hpp>

// 2. How a group's range becomes a scale.
#include <qgrain/scale/absmax.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/four_over_six.hpp>
#include <qgrain/scale/power_of_two.hpp>
#include <qgrain/scale/range_choice.hpp>
#include <qgrain/scale/signed_max.hpp>
#include <qgrain/scale/symmetric.hpp>
#include <qgrain/scale/two_level.hpp>

// 3. Which elements share a scale.
#include <qgrain/granularity/grouping.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>

// 4. The composition of the four, its storage and its names.
#include <qgrain/quantizer/choosing_recipes.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/dispatch.hpp>
#include <qgrain/quantizer/error_sums.hpp>
#include <qgrain/quantizer/group_error.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantized_matrix.hpp>
#include <qgrain/quantizer/quantized_view.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

// 5. Bulk operations on this machine's processors. (host/fake_recipes.hpp, the names of all run-time recipes, is left
// to those who want them: it instantiates every one.)
#include <qgrain/host/choose_ranges.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/measure.hpp>
#include <qgrain/host/on_host.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>

// 6a. Reorderings for particular matrix units.
#include <qgrain/layout/interleaved.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>

// 6b. Other people's bytes. (interop/eigen.hpp and interop/json.hpp need those packages and are left to their users.)
#include <qgrain/interop/awq.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/convert.hpp>
#include <qgrain/interop/dlpack.hpp>
#include <qgrain/interop/ggml.hpp>
#include <qgrain/interop/gptq.hpp>
#include <qgrain/interop/modelopt.hpp>
#include <qgrain/interop/ocp_mx.hpp>
#include <qgrain/interop/quantized_codes.hpp>

// 7. Which format for which group of layers.
#include <qgrain/search/knapsack.hpp>
#include <qgrain/search/threshold.hpp>
#include <qgrain/search/two_budgets.hpp>

#endif
