// A model folder: the line of its config.json, and behind it any model.safetensors. Refused, or every coded weight is
// read or refused.
#include <lm/checkpoint.hpp>

#include <algorithm>
#include <fuzz/fuzz.hpp>

namespace quantized_folder_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  const std::string text(fuzz::text_of(input));
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::filesystem::path folder = fuzz::scratch_folder() / "quantized";
  std::filesystem::create_directories(folder);
  (void)fuzz::write_scratch("quantized/config.json", text.substr(0, line));
  (void)fuzz::write_scratch("quantized/model.safetensors", line < text.size() ? text.substr(line + 1) : "");
  fuzz::may_refuse([&] {
    const lm::checkpoint tensors(folder);
    const lm::weight_source* source = tensors.source();
    if (source == nullptr) return;
    for (const std::string& name : source->names()) {
      fuzz::may_refuse([&] {
        source->require_readable(name);
        const lm::tensor_info& info = *source->info_of(name);
        (void)source->form_of(name);
        constexpr std::int64_t most_elements = std::int64_t{1} << 20U;
        if (info.elements() > most_elements) return;
        std::vector<float> values(static_cast<std::size_t>(info.elements()));
        source->read(name, 0, values);
      });
    }
  });
}

const qgrain::fuzz::target registered("quantized_folder", run);

}  // namespace quantized_folder_target
