// A safetensors header of any text, with its length in front and the data behind it that the first byte asks for.
#include <lm/safetensors.hpp>

#include <fuzz/fuzz.hpp>

namespace safetensors_header_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  fuzz::reader reader(input);
  const auto data = static_cast<std::size_t>(reader.take<std::uint8_t>());
  const std::uint64_t size = reader.rest().size();
  std::string text(sizeof size, '\0');
  std::memcpy(text.data(), &size, sizeof size);
  text.append(fuzz::text_of(reader.rest())).append(data, '\0');
  fuzz::may_refuse([&] {
    const lm::safetensors_file file(fuzz::write_scratch("header.safetensors", text));
    for (const lm::tensor_info& tensor : file.tensors()) {
      fuzz::require(file.find(tensor.name) != nullptr, "every tensor is found by its name");
      fuzz::require(static_cast<std::size_t>(tensor.end) <= text.size(), "a tensor lies in the file");
    }
  });
}

const qgrain::fuzz::target registered("safetensors_header", run);

}  // namespace safetensors_header_target
