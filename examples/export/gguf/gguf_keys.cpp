#include <common/json.hpp>
#include <lm/gguf/gguf_names.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <export/gguf/gguf_keys.hpp>
#include <iterator>
#include <map>
#include <utility>

namespace qgrain::exports {
namespace {

using lm::gguf_value;

// llama.cpp's numbers of file types, which it only shows.
std::uint32_t file_type_of(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::uint32_t>, 10> numbers{{{"F32", 0},
                                                                                {"F16", 1},
                                                                                {"Q4_0", 2},
                                                                                {"Q4_1", 3},
                                                                                {"Q8_0", 7},
                                                                                {"Q5_0", 8},
                                                                                {"Q5_1", 9},
                                                                                {"BF16", 32},
                                                                                {"MXFP4", 38},
                                                                                {"NVFP4", 39}}};
  constexpr std::uint32_t guessed = 1024;
  const auto* const found =
      std::find_if(numbers.begin(), numbers.end(), [&](const auto& pair) { return pair.first == type; });
  return found == numbers.end() ? guessed : found->second;
}

std::string_view most_frequent_type(std::span<const gguf_tensor_source> tensors) {
  std::map<std::string_view, std::int64_t> bytes;
  for (const gguf_tensor_source& tensor : tensors) bytes[tensor.out.type->name] += tensor.out.bytes();
  const auto most =
      std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == bytes.end() ? "F32" : most->first;
}

gguf_value u32_of(std::int64_t value) { return gguf_value::u32(static_cast<std::uint32_t>(value)); }

std::string name_of_folder(const std::filesystem::path& folder) {
  const std::filesystem::path plain = std::filesystem::weakly_canonical(folder);
  return plain.has_filename() ? plain.filename().string() : plain.parent_path().filename().string();
}

// `rope_scaling.mrope_section` of Qwen3-VL, or its class's own: four numbers, the missing ones 0.
std::vector<std::int64_t> rope_sections(const common::json_field& text) {
  constexpr std::size_t dimensions = 4;
  auto scaling = text.find("rope_scaling");
  if (!scaling) scaling = text.find("rope_parameters");
  const auto field = scaling ? scaling->find("mrope_section") : std::nullopt;
  if (!field) return {24, 20, 20, 0};
  std::vector<std::int64_t> sections;
  for (const common::json_field& section : field->elements()) sections.push_back(section.count());
  sections.resize(dimensions, 0);
  return sections;
}

void add_model_keys(const lm::model& model, const common::json_field& top, lm::gguf_keys& keys) {
  const lm::model_config& c = model.config();
  const std::string family(lm::gguf_family_of(c.family.name)->name);
  const common::json_field text = c.family.config_object.empty() ? top : top.at(c.family.config_object);
  const auto add = [&](const char* name, gguf_value value) { keys.emplace_back(family + name, std::move(value)); };
  add(".block_count", u32_of(c.layers));
  add(".context_length", u32_of(text.at("max_position_embeddings").positive_integer()));
  add(".embedding_length", u32_of(c.hidden));
  add(".feed_forward_length", u32_of(c.intermediate));
  add(".attention.head_count", u32_of(c.heads));
  add(".attention.head_count_kv", u32_of(c.key_value_heads));
  if (family == "qwen3vl") add(".rope.dimension_sections", gguf_value::i32s(rope_sections(text)));
  add(".rope.freq_base", gguf_value::f32(static_cast<float>(c.rotations.front().base)));
  add(".attention.layer_norm_rms_epsilon", gguf_value::f32(c.norm_epsilon));
  if (text.find("head_dim") || c.head_size * c.heads != c.hidden) {
    add(".attention.key_length", u32_of(c.head_size));
    add(".attention.value_length", u32_of(c.head_size));
  }
  if (family == "llama") {
    add(".vocab_size", u32_of(c.vocabulary));
    add(".rope.dimension_count", u32_of(c.head_size));
  }
  if (family == "qwen3vl") {
    const auto vision = top.find("vision_config");
    const auto deep = vision ? vision->find("deepstack_visual_indexes") : std::nullopt;
    add(".n_deepstack_layers", u32_of(deep ? static_cast<std::int64_t>(deep->elements().size()) : 0));
  }
}

// Those of the file that is exported, but for what the writer and the new types decide.
lm::gguf_keys copied_keys(const lm::gguf_file& file, std::uint32_t file_type, const gguf_settings& settings) {
  lm::gguf_keys keys;
  for (const auto& [key, value] : file.keys()) {
    if (key == "general.alignment" || key.starts_with("split.")) continue;
    if (key == "general.file_type") {
      keys.emplace_back(key, gguf_value::u32(file_type));
    } else if (key == "general.name" && !settings.name.empty()) {
      keys.emplace_back(key, gguf_value::text(settings.name));
    } else {
      keys.emplace_back(key, value);
    }
  }
  return keys;
}

}  // namespace

lm::gguf_keys gguf_keys_of(const lm::model& model, std::span<const gguf_tensor_source> tensors,
                           const gguf_settings& settings) {
  constexpr std::uint32_t quantization_version = 2;
  const std::uint32_t file_type = file_type_of(most_frequent_type(tensors));
  if (const lm::gguf_weights* source = model.tensors().gguf()) return copied_keys(source->file(), file_type, settings);
  const std::filesystem::path folder = model.tensors().name();
  const common::json_document config = common::read_json_document(folder / "config.json");
  const std::string family(lm::gguf_family_of(model.config().family.name)->name);
  lm::gguf_keys keys{
      {"general.architecture", gguf_value::text(family)},
      {"general.type", gguf_value::text("model")},
      {"general.name", gguf_value::text(settings.name.empty() ? name_of_folder(folder) : settings.name)}};
  add_model_keys(model, common::json_field(config), keys);
  keys.emplace_back("general.file_type", gguf_value::u32(file_type));
  keys.emplace_back("general.quantization_version", gguf_value::u32(quantization_version));
  gguf_tokenizer tokenizer = gguf_tokenizer_keys(folder, family, model.config().vocabulary);
  std::move(tokenizer.keys.begin(), tokenizer.keys.end(), std::back_inserter(keys));
  return keys;
}

}  // namespace qgrain::exports
