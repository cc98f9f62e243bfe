// XNNPACK's conversions between float32 and int8. The library's other loops (largest magnitudes of rows among them) are
// not exported by its shared library.
#include <kernels/int8_peer.hpp>
#include <kernels/kernel.hpp>

#if QGRAIN_BENCH_HAS_XNNPACK

#include <kernels/line_allocator.hpp>

#include <pthreadpool.h>
#include <xnnpack.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#endif

namespace qgrain::bench {

#if QGRAIN_BENCH_HAS_XNNPACK

namespace {

constexpr float scale = 3.5F / 127.0F;

void require(xnn_status result, const char* what) {
  if (result != xnn_status_success) {
    throw std::runtime_error(std::string("XNNPACK: ") + what + ": status " + std::to_string(result));
  }
}

/// What a conversion needs between calls. The threads are XNNPACK's own.
struct conversion {
  line_vector<std::int8_t> codes;
  std::unique_ptr<std::remove_pointer_t<xnn_operator_t>, decltype(&xnn_delete_operator)> op{nullptr,
                                                                                            &xnn_delete_operator};
  std::unique_ptr<std::remove_pointer_t<pthreadpool_t>, decltype(&pthreadpool_destroy)> pool{nullptr,
                                                                                             &pthreadpool_destroy};

  conversion(shape2d shape, const on_host& where) : codes(static_cast<std::size_t>(shape.elements())) {
    require(xnn_initialize(nullptr), "initialize");
    if (where.runner() != nullptr) {
      pool.reset(pthreadpool_create(static_cast<std::size_t>(where.runner()->threads())));
    }
  }
  void run() const { require(xnn_run_operator(op.get(), pool.get()), "run"); }
};

std::function<void()> quantize_static(tensors& memory, const on_host& where) {
  const shape2d shape = memory.shape();
  const auto c = std::make_shared<conversion>(shape, where);
  const auto cols = static_cast<std::size_t>(shape.cols);
  xnn_operator_t op = nullptr;
  require(xnn_create_convert_nc_f32_qs8(cols, cols, cols, scale, 0, -128, 127, 0, &op), "create");
  c->op.reset(op);
  require(xnn_setup_convert_nc_f32_qs8(op, static_cast<std::size_t>(shape.rows), memory.input().data, c->codes.data(),
                                       c->pool.get()),
          "setup");
  return [c] { c->run(); };
}

std::function<void()> dequantize(tensors& memory, const on_host& where) {
  const shape2d shape = memory.shape();
  const auto c = std::make_shared<conversion>(shape, where);
  for (std::size_t i = 0; i < c->codes.size(); ++i) c->codes[i] = static_cast<std::int8_t>(i % 255);
  const auto cols = static_cast<std::size_t>(shape.cols);
  xnn_operator_t op = nullptr;
  require(xnn_create_convert_nc_qs8_f32(cols, cols, cols, scale, 0, 0, &op), "create");
  c->op.reset(op);
  require(xnn_setup_convert_nc_qs8_f32(op, static_cast<std::size_t>(shape.rows), c->codes.data(), memory.output().data,
                                       c->pool.get()),
          "setup");
  return [c] { c->run(); };
}

}  // namespace

#endif

void add_xnnpack(kernel_list& kernels) {
  kernel there = int8_peer_quantize("xnnpack");
  there.note = "multiplies by the reciprocal of the scale, adds a zero point; NaN has no rule";
  kernel back = int8_peer_dequantize("xnnpack");
  back.note = "same work, and subtracts a zero point";
#if QGRAIN_BENCH_HAS_XNNPACK
  there.prepare = quantize_static;
  back.prepare = dequantize;
#else
  there.absent = back.absent = "not installed: scripts/install_packages bench";
#endif
  kernels.push_back(there);
  kernels.push_back(back);
}

}  // namespace qgrain::bench
