// Recipes of the checks of packed codes and of static quantization: every width, kind of group and kind of range.
#ifndef QGRAIN_TESTS_SUPPORT_PACKED_RECIPES_HPP
#define QGRAIN_TESTS_SUPPORT_PACKED_RECIPES_HPP

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float6.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>

namespace qgrain_test {

template <int Size>
using short_groups = qgrain::per_group<Size, qgrain::group_tail::zero_padding>;

using int2_groups = qgrain::quantizer<qgrain::int2, short_groups<32>>;
using int3_groups = qgrain::quantizer<qgrain::int3, short_groups<64>>;
using int5_rows = qgrain::quantizer<qgrain::int5, qgrain::per_channel<0>>;
using fp6_columns = qgrain::quantizer<qgrain::float6_e3m2fn, qgrain::per_channel<1>>;
using int7_tensor = qgrain::quantizer<qgrain::int7, qgrain::per_tensor>;
using fp8_groups = qgrain::quantizer<qgrain::float8_e4m3fn, short_groups<128>>;
using odd_groups = qgrain::quantizer<qgrain::int8, short_groups<13>>;
using nvfp4_packed = qgrain::nvfp4_modelopt;
using mxfp4_packed = qgrain::mxfp4_ocp;
using asymmetric_rows = qgrain::quantizer<qgrain::uint8, qgrain::per_channel<0>, qgrain::minmax_f32>;
using asymmetric_tensor =
    qgrain::quantizer<qgrain::integer<4, qgrain::integer_range::nonnegative>, qgrain::per_tensor, qgrain::minmax_f32>;

}  // namespace qgrain_test

#endif
