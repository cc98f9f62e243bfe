// Must not compile: a zero point for floating point.
#include <qgrain/quantizer/tool_recipes.hpp>

constexpr auto good = qgrain::onnx_integer<qgrain::int8, qgrain::per_tensor>::scale({0.5F, 1.0F});
#ifdef QGRAIN_MISTAKE
constexpr auto bad = qgrain::onnx_integer<qgrain::float8_e4m3fn, qgrain::per_tensor>::scale({0.5F, 1.0F});
#endif
