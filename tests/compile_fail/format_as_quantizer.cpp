// Must not compile: a view of a format without granularity and scale.
#include <qgrain/format/integer.hpp>
#include <qgrain/quantizer/quantized_view.hpp>
#include <qgrain/quantizer/quantizer.hpp>

qgrain::quantized_view<qgrain::quantizer<qgrain::int8, qgrain::per_group<32>>> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantized_view<qgrain::int8> bad;
#endif
