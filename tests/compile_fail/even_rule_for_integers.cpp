// Must not compile: a rule about mantissas for a format without one.
#include <qgrain/quantizer/recipes.hpp>

constexpr auto good =
    qgrain::quantizer<qgrain::float4_e2m1fn, qgrain::per_group<32>, qgrain::absmax_e8m0_by<qgrain::e8m0_even>>::scale(
        1.0F);
#ifdef QGRAIN_MISTAKE
constexpr auto bad =
    qgrain::quantizer<qgrain::int8, qgrain::per_group<32>, qgrain::absmax_e8m0_by<qgrain::e8m0_even>>::scale(1.0F);
#endif
