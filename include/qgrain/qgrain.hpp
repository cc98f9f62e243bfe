// Everything for the host compiler, in the order in which data flows: read it, after host.hpp, as the table of
// contents.
#ifndef QGRAIN_QGRAIN_HPP
#define QGRAIN_QGRAIN_HPP

// 1 to 6: quantizers and their bulk operations.
#include <qgrain/host.hpp>

// What those stages have besides: formats by name and by table, scales of particular tools, names at run time.
#include <qgrain/core/exponential.hpp>
#include <qgrain/core/lane_sum.hpp>
#include <qgrain/core/nearest_names.hpp>
#include <qgrain/format/catalog.hpp>
#include <qgrain/format/codebook.hpp>
#include <qgrain/format/conversion.hpp>
#include <qgrain/format/float16.hpp>
#include <qgrain/format/minifloat.hpp>
#include <qgrain/granularity/grouping.hpp>
#include <qgrain/layout/interleaved.hpp>
#include <qgrain/quantizer/choosing_recipes.hpp>
#include <qgrain/quantizer/clip_limits.hpp>
#include <qgrain/quantizer/describe.hpp>
#include <qgrain/quantizer/dispatch.hpp>
#include <qgrain/quantizer/element.hpp>
#include <qgrain/quantizer/error_sums.hpp>
#include <qgrain/quantizer/group_error.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>
#include <qgrain/scale/arithmetic_in.hpp>
#include <qgrain/scale/exported.hpp>
#include <qgrain/scale/four_over_six.hpp>
#include <qgrain/scale/range_choice.hpp>
#include <qgrain/scale/signed_max.hpp>

// Ranges by choice, errors, recipes at run time. (host/fake_recipes.hpp and host/find_recipe.hpp, the names of all
// run-time recipes, are left to those who want them: they instantiate every one.)
#include <qgrain/host/choose_ranges.hpp>
#include <qgrain/host/coding_stage.hpp>
#include <qgrain/host/element_stage.hpp>
#include <qgrain/host/fake_recipe.hpp>
#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/measure.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/ranges.hpp>
#include <qgrain/host/recipe.hpp>
#include <qgrain/host/run_fused.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/host/sequential.hpp>

// 7. Other people's bytes. (interop/eigen.hpp and interop/json.hpp need those packages and are left to their users.)
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

// 8. Ranges from calibration data.
#include <qgrain/calibration/histogram.hpp>
#include <qgrain/calibration/histogram_observer.hpp>
#include <qgrain/calibration/histogram_search.hpp>
#include <qgrain/calibration/input_scale.hpp>
#include <qgrain/calibration/observer.hpp>
#include <qgrain/calibration/range_axis.hpp>

// 9. What an error costs.
#include <qgrain/sensitivity/gradient_score.hpp>
#include <qgrain/sensitivity/kl_divergence.hpp>
#include <qgrain/sensitivity/output_error.hpp>
#include <qgrain/sensitivity/rank_correlation.hpp>

// 10. Which format for which group of layers.
#include <qgrain/search/choice.hpp>
#include <qgrain/search/knapsack.hpp>
#include <qgrain/search/threshold.hpp>
#include <qgrain/search/two_budgets.hpp>

#endif
