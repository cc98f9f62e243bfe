// Must not compile: a span of factors with one factor.
#include <qgrain/scale/range_choice.hpp>

constexpr auto good = qgrain::mse_range_between<2>(1.0F, 0.5F);
#ifdef QGRAIN_MISTAKE
constexpr auto bad = qgrain::mse_range_between<1>(1.0F, 0.5F);
#endif
