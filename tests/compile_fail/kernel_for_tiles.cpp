// Must not compile: kernels for tiles of several rows.
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/quantizer.hpp>

void good() { qgrain::detail::require_quantizer<qgrain::quantizer<qgrain::int8, qgrain::per_tile<1, 128>>>({1, 128}); }
#ifdef QGRAIN_MISTAKE
void bad() { qgrain::detail::require_quantizer<qgrain::quantizer<qgrain::int8, qgrain::per_tile<128, 128>>>({1, 128}); }
#endif
