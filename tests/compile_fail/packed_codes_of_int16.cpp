// Must not compile: codes of sixteen bits, packed.
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantizer.hpp>

qgrain::packed_view<qgrain::quantizer<qgrain::int8, qgrain::per_tensor>> good;
#ifdef QGRAIN_MISTAKE
qgrain::packed_view<qgrain::quantizer<qgrain::int16, qgrain::per_tensor>> bad;
#endif
