// Must not compile: a zero point for levels that are no whole steps.
#include <qgrain/format/codebook.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

constexpr auto good = qgrain::torchao_asymmetric<qgrain::uint4, qgrain::per_group<32>>::scale({0.0F, 1.0F});
#ifdef QGRAIN_MISTAKE
constexpr auto bad = qgrain::torchao_asymmetric<qgrain::nf4, qgrain::per_group<32>>::scale({0.0F, 1.0F});
#endif
