// Must not compile: writing blocks that the library can only read.
#include <qgrain/interop/ggml.hpp>

void good(qgrain::matrix_view<const float> in, qgrain::interop::ggml_q4_0* blocks) {
  qgrain::interop::ggml_quantize(in, blocks);
}
#ifdef QGRAIN_MISTAKE
void bad(qgrain::matrix_view<const float> in, qgrain::interop::ggml_q4_k* blocks) {
  qgrain::interop::ggml_quantize(in, blocks);
}
#endif
