// ggml's blocks, scales among the codes.
#include <kernels/kernel.hpp>
#include <kernels/line_allocator.hpp>

#include <qgrain/interop/ggml.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace qgrain::bench {
namespace {

template <class Block>
[[nodiscard]] index_t block_bytes(shape2d shape) {
  return shape.elements() / Block::elements * static_cast<index_t>(sizeof(Block));
}

template <class Block>
[[nodiscard]] kernel block_kernel(const char* work) {
  kernel k;
  k.work = work;
  k.recipe = "ggml_" + std::string(Block::name());
  k.element = "f32";
  k.scale = "in the block";
  k.layout = "blocks of " + std::to_string(sizeof(Block)) + " bytes for " + std::to_string(Block::elements);
  k.takes_threads = false;
  return k;
}

template <class Block>
void add_block(kernel_list& kernels) {
  using blocks = line_vector<Block>;
  const auto room = [](shape2d shape) {
    return std::make_shared<blocks>(static_cast<std::size_t>(shape.elements() / Block::elements));
  };
  kernel there = block_kernel<Block>("ggml_quantize");
  there.bytes = [](shape2d s) { return traffic{s.elements() * 4, block_bytes<Block>(s)}; };
  there.prepare = [room](tensors& memory, const on_host&) -> std::function<void()> {
    return [x = memory.input(), out = room(memory.shape())] { interop::ggml_quantize(x, out->data()); };
  };
  kernels.push_back(there);

  kernel back = block_kernel<Block>("ggml_dequantize");
  back.bytes = [](shape2d s) { return traffic{block_bytes<Block>(s), s.elements() * 4}; };
  back.prepare = [room](tensors& memory, const on_host&) -> std::function<void()> {
    const auto in = room(memory.shape());
    interop::ggml_quantize(memory.input(), in->data());
    return [in, y = memory.output()] { interop::ggml_dequantize(in->data(), y); };
  };
  kernels.push_back(back);
}

}  // namespace

void add_ggml(kernel_list& kernels) {
  add_block<interop::ggml_q8_0>(kernels);
  add_block<interop::ggml_q4_0>(kernels);
  add_block<interop::ggml_q4_1>(kernels);
  add_block<interop::ggml_q5_0>(kernels);
  add_block<interop::ggml_q5_1>(kernels);
  add_block<interop::ggml_mxfp4>(kernels);
}

}  // namespace qgrain::bench
