// oneDNN's reorders between float32 and int8, as of its second version (scales are an attribute, not an argument).
#include <kernels/int8_peer.hpp>
#include <kernels/kernel.hpp>

#if QGRAIN_BENCH_HAS_ONEDNN

#include <kernels/line_allocator.hpp>

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#endif

namespace qgrain::bench {

#if QGRAIN_BENCH_HAS_ONEDNN

namespace {

constexpr float scale = 3.5F / 127.0F;

/// oneDNN's threads are OpenMP's, of the runtime that it was linked with: found in the program, as linking another one
/// would count threads apart.
void use_threads(int threads) {
  using setter = void (*)(int);
  if (const auto set = reinterpret_cast<setter>(dlsym(RTLD_DEFAULT, "omp_set_num_threads"))) set(threads);
}

struct reorder {
  line_vector<std::int8_t> codes;
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  dnnl::memory from;
  dnnl::memory to;
  dnnl::reorder primitive;
  int threads = 1;

  void run() {
    use_threads(threads);
    primitive.execute(stream, from, to);
    stream.wait();
  }
};

/// `per_row`: a scale for each row, else one for the tensor.
std::function<void()> prepared(tensors& memory, const on_host& where, bool to_codes, bool per_row) {
  using type = dnnl::memory::data_type;
  const shape2d shape = memory.shape();
  const auto r = std::make_shared<reorder>();
  r->codes.resize(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < r->codes.size(); ++i) r->codes[i] = static_cast<std::int8_t>(i % 255);
  r->threads = where.runner() == nullptr ? 1 : where.runner()->threads();
  const auto described = [&](type t) {
    return dnnl::memory::desc({shape.rows, shape.cols}, t, dnnl::memory::format_tag::ab);
  };
  const dnnl::memory codes(described(type::s8), r->engine, r->codes.data());
  const dnnl::memory values(described(type::f32), r->engine,
                            to_codes ? const_cast<float*>(memory.input().data) : memory.output().data);
  r->from = to_codes ? values : codes;
  r->to = to_codes ? codes : values;
  dnnl::primitive_attr attributes;
  attributes.set_output_scales(per_row ? 1 : 0, std::vector<float>(per_row ? static_cast<std::size_t>(shape.rows) : 1,
                                                                   to_codes ? 1.0F / scale : scale));
  use_threads(r->threads);
  r->primitive = dnnl::reorder({r->engine, r->from.get_desc(), r->engine, r->to.get_desc(), attributes});
  return [r] { r->run(); };
}

}  // namespace

#endif

void add_onednn(kernel_list& kernels) {
  kernel tensor = int8_peer_quantize("onednn");
  tensor.note = "multiplies by a given reciprocal";
  kernel rows = tensor;
  rows.work = "quantize_with_scales";
  rows.recipe = "int8/per_out_channel";
  rows.rank = in_default_run::in_l2;
  rows.bytes = [](shape2d s) { return traffic{s.elements() * 4 + s.rows * 4, s.elements()}; };
  kernel back = int8_peer_dequantize("onednn");
  back.note = "same work";
#if QGRAIN_BENCH_HAS_ONEDNN
  tensor.prepare = [](tensors& m, const on_host& where) { return prepared(m, where, true, false); };
  rows.prepare = [](tensors& m, const on_host& where) { return prepared(m, where, true, true); };
  back.prepare = [](tensors& m, const on_host& where) { return prepared(m, where, false, false); };
#else
  for (kernel* k : {&tensor, &rows, &back}) k->absent = "not installed: scripts/install_packages bench";
#endif
  for (const kernel& k : {tensor, rows, back}) kernels.push_back(k);
}

}  // namespace qgrain::bench
