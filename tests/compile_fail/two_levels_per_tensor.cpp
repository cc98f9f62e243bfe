// Must not compile: two scale levels over one group.
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/recipes.hpp>

qgrain::quantizer<qgrain::float4_e2m1fn, qgrain::per_group<16>, qgrain::absmax_two_level<>> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<qgrain::float4_e2m1fn, qgrain::per_tensor, qgrain::absmax_two_level<>> bad;
#endif
