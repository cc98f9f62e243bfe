// Must not compile: scales of a type that tensors do not have.
#include <qgrain/quantizer/tool_recipes.hpp>

qgrain::compressed_tensors_symmetric<qgrain::int8, qgrain::per_token, qgrain::float16> good;
#ifdef QGRAIN_MISTAKE
qgrain::compressed_tensors_symmetric<qgrain::int8, qgrain::per_token, double> bad;
#endif
