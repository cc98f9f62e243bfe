// Must not compile: a run-time recipe whose rounding needs a seed.
#include <qgrain/host/element_stage.hpp>
#include <qgrain/quantizer/recipes.hpp>

template <class Rounding>
using with = qgrain::quantizer<qgrain::int8, qgrain::per_group<32>, qgrain::absmax_f32, Rounding>;

inline constexpr qgrain::element_stage good = qgrain::element_stage_of<with<qgrain::toward_zero>>();
#ifdef QGRAIN_MISTAKE
inline constexpr qgrain::element_stage bad = qgrain::element_stage_of<with<qgrain::stochastic>>();
#endif
