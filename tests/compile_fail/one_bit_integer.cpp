// Must not compile: an integer too narrow.
#include <qgrain/format/integer.hpp>

qgrain::integer<2> good;
#ifdef QGRAIN_MISTAKE
qgrain::integer<1> bad;
#endif
