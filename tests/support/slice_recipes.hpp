// The quantizers that the kernel tests instantiate: one per way through the kernels, with the recipes that engines ask
// for where there is a choice.
#ifndef QGRAIN_TESTS_SUPPORT_SLICE_RECIPES_HPP
#define QGRAIN_TESTS_SUPPORT_SLICE_RECIPES_HPP

#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>

namespace qgrain_test {

using int8_token = qgrain::quantizer<qgrain::int8, qgrain::per_token>;
using int8_channel = qgrain::modelopt_integer<qgrain::int8, qgrain::per_channel<0>>;
using int8_column = qgrain::modelopt_integer<qgrain::int8, qgrain::per_channel<1>>;
using int8_tensor = qgrain::quantizer<qgrain::int8, qgrain::per_tensor>;
using fp8_token = qgrain::modelopt_fp8<qgrain::per_token>;
using fp8_1x128 = qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_tile<1, 128>>;
using int4_g128 = qgrain::quantizer<qgrain::int4, qgrain::per_group<128>>;
using mxfp4 = qgrain::mxfp4_ocp;
using nvfp4 = qgrain::nvfp4_modelopt;
/// Tiles of several rows: DeepSeek's weights, one whose codes are packed, one that no pack fits into.
using fp8_128x128 = qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_tile<128, 128>>;
using int4_16x24 = qgrain::quantizer<qgrain::int4, qgrain::per_tile<16, 24>>;
using int8_3x5 = qgrain::quantizer<qgrain::int8, qgrain::per_tile<3, 5>>;
/// A group that no power of two of lanes covers.
using int4_g48 = qgrain::quantizer<qgrain::int4, qgrain::per_group<48, qgrain::group_tail::zero_padding>>;

}  // namespace qgrain_test

#endif
