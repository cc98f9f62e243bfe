// Must not compile: kernels for tiles of several rows.
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/quantizer.hpp>

template <qgrain::index_t Rows>
using tiles = qgrain::quantizer<qgrain::int8, qgrain::per_tile<Rows, 128>>;

bool good() { return static_cast<bool>(qgrain::detail::kernel_shape_fault<tiles<1>>({1, 128})); }
#ifdef QGRAIN_MISTAKE
bool bad() { return static_cast<bool>(qgrain::detail::kernel_shape_fault<tiles<128>>({1, 128})); }
#endif
