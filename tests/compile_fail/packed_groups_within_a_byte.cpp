// Must not compile: kernels that pack groups which end within a byte.
#include <qgrain/cuda/detail/operations.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/quantizer/quantizer.hpp>

template <int Size>
using groups = qgrain::quantizer<qgrain::int4, qgrain::per_group<Size>>;

bool good() { return static_cast<bool>(qgrain::detail::kernel_packing_fault<groups<14>>({1, 28})); }
#ifdef QGRAIN_MISTAKE
bool bad() { return static_cast<bool>(qgrain::detail::kernel_packing_fault<groups<13>>({1, 26})); }
#endif
