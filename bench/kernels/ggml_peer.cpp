// ggml's own loops, from a folder of its source that scripts/bench_peers has built.
#include <kernels/kernel.hpp>

#include <string>

#if QGRAIN_BENCH_HAS_GGML

#include <kernels/line_allocator.hpp>

#include <ggml-cpu.h>
#include <ggml.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#endif

namespace qgrain::bench {
namespace {

/// A block's bytes and elements are ggml's own; they are written out so that rows of an absent ggml state them too.
struct block_type {
  const char* name;
  int number;  ///< of enum ggml_type
  int elements;
  int bytes;
};
constexpr block_type types[] = {
    {"ggml_q8_0", 8, 32, 34}, {"ggml_q4_0", 2, 32, 18}, {"ggml_mxfp4", 39, 32, 17}, {"ggml_nvfp4", 40, 64, 36}};

[[nodiscard]] index_t block_bytes(const block_type& type, shape2d shape) {
  return shape.elements() / type.elements * type.bytes;
}

#if QGRAIN_BENCH_HAS_GGML

static_assert(GGML_TYPE_Q8_0 == 8 && GGML_TYPE_Q4_0 == 2 && GGML_TYPE_MXFP4 == 39 && GGML_TYPE_NVFP4 == 40);

using bytes = line_vector<std::uint8_t>;

/// Row by row, as ggml calls its loops.
std::function<void()> prepared(const block_type& type, tensors& memory, const on_host&, bool to_blocks) {
  ggml_cpu_init();
  const auto number = static_cast<ggml_type>(type.number);
  const auto from_float = ggml_get_type_traits_cpu(number)->from_float;
  const auto to_float = ggml_get_type_traits(number)->to_float;
  const shape2d shape = memory.shape();
  const auto blocks = std::make_shared<bytes>(static_cast<std::size_t>(block_bytes(type, shape)));
  const auto row_bytes = static_cast<index_t>(ggml_row_size(number, shape.cols));
  const auto quantize = [=, x = memory.input()] {
    for (index_t r = 0; r < shape.rows; ++r) from_float(x.row(r), blocks->data() + r * row_bytes, shape.cols);
  };
  if (to_blocks) return quantize;
  quantize();
  return [=, y = memory.output()] {
    for (index_t r = 0; r < shape.rows; ++r) to_float(blocks->data() + r * row_bytes, y.row(r), shape.cols);
  };
}

#endif

}  // namespace

void add_ggml_peer(kernel_list& kernels) {
  for (const block_type& type : types) {
    kernel there;
    there.by = "ggml";
    there.work = "ggml_quantize";
    there.recipe = type.name;
    there.element = "f32";
    there.scale = "in the block";
    there.layout = "blocks of " + std::to_string(type.bytes) + " bytes for " + std::to_string(type.elements);
    there.note = "its loop for activations: reciprocals as its instructions have them, NaN has no rule";
    there.takes_threads = false;
    there.bytes = [&type](shape2d s) { return traffic{s.elements() * 4, block_bytes(type, s)}; };
    kernel back = there;
    back.work = "ggml_dequantize";
    back.note = "same work";
    back.bytes = [&type](shape2d s) { return traffic{block_bytes(type, s), s.elements() * 4}; };
#if QGRAIN_BENCH_HAS_GGML
    there.prepare = [&type](tensors& m, const on_host& where) { return prepared(type, m, where, true); };
    back.prepare = [&type](tensors& m, const on_host& where) { return prepared(type, m, where, false); };
#else
    there.absent = back.absent = "not built in: scripts/bench_peers --ggml FOLDER";
#endif
    kernels.push_back(there);
    kernels.push_back(back);
  }
}

}  // namespace qgrain::bench
