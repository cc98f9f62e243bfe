// A GGUF file of any bytes: refused, or every tensor can be read, its keys be a model's or refused, and a copy holds
// the same.
#include <lm/gguf/gguf_documents.hpp>
#include <lm/gguf/gguf_weights.hpp>
#include <lm/gguf/gguf_writer.hpp>

#include <fuzz/fuzz.hpp>

namespace gguf_target {

void read_tensors(const qgrain::lm::gguf_file& file, std::size_t size) {
  using namespace qgrain;
  std::size_t decoded = 0;
  for (const lm::gguf_tensor& tensor : file.tensors()) {
    fuzz::require(tensor.begin >= 0 && static_cast<std::size_t>(tensor.begin + tensor.bytes) <= size,
                  "a tensor lies in the file");
    const auto count = static_cast<std::size_t>(tensor.elements());
    decoded += count;
    constexpr std::size_t most_elements = std::size_t{1} << 22U;  // a byte of some types stands for eight elements
    if (tensor.type->decode == nullptr || decoded > most_elements) continue;
    std::vector<float> values(count);
    file.read_values(tensor, 0, values);
  }
}

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  const std::filesystem::path path = fuzz::write_scratch("any.gguf", fuzz::text_of(input));
  fuzz::may_refuse([&] {
    const lm::gguf_file file(path);
    read_tensors(file, input.size());
    std::vector<lm::gguf_tensor_plan> plan;
    for (const lm::gguf_tensor& tensor : file.tensors()) plan.push_back({tensor.name, tensor.type, tensor.shape});
    lm::gguf_keys keys = file.keys();
    std::erase_if(keys, [](const auto& entry) { return entry.first == "general.alignment"; });
    const std::filesystem::path copy = fuzz::scratch_folder() / "copy.gguf";
    lm::gguf_writer writer(copy, keys, plan);
    writer.finish();
    const lm::gguf_file again(copy);
    fuzz::require(again.keys().size() == keys.size() && again.tensors().size() == plan.size(), "a copy holds the same");
    fuzz::may_refuse([&] { (void)lm::config_document(file); });
    fuzz::may_refuse([&] { (void)lm::tokenizer_document(file); });
    fuzz::may_refuse([&] {
      const lm::gguf_weights weights(path);
      for (const lm::gguf_weight& weight : weights.weights()) {
        std::vector<float> first(static_cast<std::size_t>(std::min<std::int64_t>(weight.info.elements(), 100)));
        if (file.tensors()[weight.tensor].type->decode != nullptr) weights.read(weight, 0, first);
      }
    });
  });
}

const qgrain::fuzz::target registered("gguf", run);

}  // namespace gguf_target
