// ggml's blocks of any bytes: values, codes and back; and values of any bits into blocks.
#include <qgrain/interop/ggml.hpp>

#include <fuzz/store.hpp>

namespace store_ggml_target {

using namespace qgrain;

template <class B>
void decode(fuzz::reader from) {
  const auto blocks = from.elements<B>(16);
  if (blocks.empty()) return;
  std::vector<float> values(blocks.size() * static_cast<std::size_t>(B::elements));
  const shape2d shape{1, static_cast<index_t>(values.size())};
  interop::ggml_dequantize(blocks.data(), matrix_view<float>(values.data(), shape, shape.cols));
  if constexpr (interop::ggml_writable_block<B>) {
    const std::vector<float> any = from.elements<float>(static_cast<std::size_t>(B::elements));
    if (any.size() == static_cast<std::size_t>(B::elements)) {
      B block = B::encode(any.data());
      for (int i = 0; i < B::elements; ++i) (void)block.value(i);
    }
  }
}

template <class B>
void store(fuzz::reader from) {
  interop::ggml_weights<B> weights;
  weights.shape = {from.extent(), from.extent() % 640 * B::elements % 640};
  weights.blocks = fuzz::part<B>(from, fuzz::count_of(weights.shape.rows, weights.shape.cols, B::elements));
  fuzz::round_trip(weights);
  fuzz::from_any_codes<interop::ggml_weights<B>>(fuzz::any_codes(from));
}

template <class... Blocks>
void run_one(std::size_t which, const fuzz::reader& from) {
  std::size_t i = 0;
  ((i++ == which % sizeof...(Blocks) ? (decode<Blocks>(from), void()) : void()), ...);
  i = 0;
  const auto stored = [&]<class B>(std::type_identity<B>) {
    if constexpr (interop::detail::ggml_coded_block<B>) store<B>(from);
  };
  ((i++ == which % sizeof...(Blocks) ? stored(std::type_identity<Blocks>{}) : void()), ...);
}

void run(fuzz::bytes input) {
  namespace io = interop;
  fuzz::reader from(input);
  const auto which = static_cast<std::size_t>(from.take<std::uint8_t>());
  run_one<io::ggml_q8_0, io::ggml_q4_0, io::ggml_q4_1, io::ggml_q5_0, io::ggml_q5_1, io::ggml_mxfp4, io::ggml_nvfp4,
          io::ggml_iq4_nl, io::ggml_bf16, io::ggml_iq4_xs, io::ggml_q2_k, io::ggml_q3_k, io::ggml_q4_k, io::ggml_q5_k,
          io::ggml_q6_k>(which, from);
}

const fuzz::target registered("store_ggml", run);

}  // namespace store_ggml_target
