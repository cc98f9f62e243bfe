// A safetensors file of any bytes: refused, or every tensor can be read as what it is.
#include <lm/safetensors.hpp>

#include <fuzz/fuzz.hpp>

namespace safetensors_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  fuzz::may_refuse([&] {
    const lm::safetensors_file file(fuzz::write_scratch("any.safetensors", fuzz::text_of(input)));
    for (const lm::tensor_info& tensor : file.tensors()) {
      fuzz::require(tensor.begin >= 8 && tensor.begin <= tensor.end, "a tensor lies behind the header's length");
      fuzz::require(static_cast<std::size_t>(tensor.end) <= input.size(), "a tensor lies in the file");
      (void)lm::shape_text(tensor.shape);
      std::vector<std::byte> raw(static_cast<std::size_t>(tensor.end - tensor.begin));
      file.read_bytes(tensor, 0, raw);
      const auto count = static_cast<std::size_t>(tensor.elements());
      fuzz::may_refuse([&] {
        std::vector<float> values(count);
        file.read_f32(tensor, 0, values);
      });
      fuzz::may_refuse([&] {
        std::vector<std::int32_t> values(count);
        file.read_i32(tensor, 0, values);
      });
    }
  });
}

const qgrain::fuzz::target registered("safetensors", run);

}  // namespace safetensors_target
