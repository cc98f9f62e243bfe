// Must not compile: scales in the order of a format.
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/quantizer.hpp>

using recipe = qgrain::quantizer<qgrain::int4, qgrain::per_group<32>>;

qgrain::packed_view<recipe, qgrain::scale_tiles_128x4> good;
#ifdef QGRAIN_MISTAKE
qgrain::packed_view<recipe, qgrain::int8> bad;
#endif
