#include <lm/gguf/gguf_names.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <export/gguf/gguf_keys.hpp>
#include <export/gguf/gguf_plan.hpp>
#include <export/plan/input_folds.hpp>
#include <iterator>
#include <map>
#include <set>

namespace qgrain::exports {
namespace {

constexpr std::string_view weight_suffix = ".weight";

const lm::ggml_type& type_named(std::string_view name) {
  const lm::ggml_type* type = lm::find_ggml_type(name);
  if (type == nullptr) throw error(errc::unknown_name, "ggml has no type \"" + std::string(name) + "\"");
  return *type;
}

const lm::ggml_type& type_of_checkpoint(lm::dtype type) { return type_named(lm::name_of(type)); }

const lm::gguf_family& family_of_model(const lm::model& model) {
  const lm::gguf_family* family = lm::gguf_family_of(model.config().family.name);
  if (family != nullptr && family->is_gemma && model.tensors().gguf() == nullptr) {
    throw error(errc::unsupported, model.tensors().name() + ": GGUF files of " +
                                       std::string(model.config().family.name) + " are written from GGUF files alone");
  }
  if (family != nullptr) return *family;
  throw error(errc::unsupported, model.tensors().name() + ": GGUF has no architecture for " +
                                     std::string(model.config().family.name) + "; it has " + lm::known_gguf_families());
}

// What llama.cpp (October 2026) does with a family's tensors: a file with one that is not asked for does not load, and
// a scale that a graph passes over changes every value without a word.
struct engine_limits {
  std::string_view family;
  bool reads_output_bias;  // blk.N.attn_output.bias
  bool scales_mlp;         // blk.N.ffn_*.scale
};
constexpr std::array<engine_limits, 4> llama_cpp{{
    {"qwen3", false, true},
    {"llama", true, true},
    {"qwen3vl", false, false},
    {"gemma3", false, false},
}};
const engine_limits& limits_of(const lm::gguf_family& family) {
  return *std::find_if(llama_cpp.begin(), llama_cpp.end(),
                       [&](const engine_limits& l) { return l.family == family.name; });
}

bool is_tied_to_embedding(const model_linear& linear, const gguf_settings& settings) {
  return linear.is_tied && !settings.untie;
}

std::string embedding_tensor(const lm::model& model) {
  return std::string(model.config().family.tensor_prefix) + "embed_tokens.weight";
}

// The type of a tensor that is not quantized: the checkpoint's.
const lm::ggml_type& type_of_tensor(const lm::model& model, const std::string& tensor) {
  if (const lm::gguf_weights* source = model.tensors().gguf())
    return *source->file().tensors()[source->find(tensor)->tensor].type;
  return type_of_checkpoint(model.tensors().find(tensor)->type);
}

// What the model computes and the file would not say.
void add_unwritten(const lm::model& model, export_plan& plan) {
  const lm::model_config& config = model.config();
  const auto& scaling = config.rotations.front().scaling;
  const bool is_said =
      std::holds_alternative<std::monostate>(scaling) || std::holds_alternative<lm::llama3_scaling>(scaling);
  if (!is_said)
    plan.refusals.add("rope_scaling: of the kinds of RoPE only default and llama3 are written to GGUF files");
  if (config.has_windows()) plan.refusals.add("sliding_window: windows are not written to GGUF files");
  if (config.mlp_bias) plan.refusals.add("mlp_bias: biases of gate, up and down are not written to GGUF files");
}

// What is planned for one Linear, in turn.
class layer_planner {
 public:
  layer_planner(const lm::model& model, const gguf_settings& settings, export_plan& plan)
      : model_(model), family_(family_of_model(model)), settings_(settings), plan_(plan) {}

  void add(const model_linear& linear, const layer_choice& choice) {
    planned_layer layer{linear, choice, {}, {}, {}};
    const gguf_scheme scheme = scheme_of(linear, choice);
    layer.scheme = scheme.type->name;
    layer.recipe = scheme.recipe;
    if (!choice.activation.empty()) activations_.insert(choice.activation);
    if (!is_tied_to_embedding(linear, settings_)) add_tensors(layer, scheme);
    plan_.layers.push_back(std::move(layer));
  }

  void finish(const input_folds& folds) {
    for (std::string& sentence : folds.refusals.sentences()) plan_.refusals.add(std::move(sentence));
    for (const auto& [before, fold] : folds.rows) {
      refused_.add(plan_.layers[fold.reader].linear.name,
                   "its input scale is one of the output of the Linear before, whose blocks it would change; GGUF has "
                   "no other place for it");
    }
    for (std::string& sentence : refused_.sentences()) plan_.refusals.add(std::move(sentence));
    for (std::string& sentence : notes_.sentences()) plan_.notes.push_back(std::move(sentence));
    for (const std::string& activation : activations_) {
      plan_.notes.push_back("activations as " + activation +
                            " are not in the file: llama.cpp quantizes inputs by the type of the weight");
    }
  }

 private:
  gguf_scheme scheme_of(const model_linear& linear, const layer_choice& choice) {
    const std::string tensor = linear.is_tied ? embedding_tensor(model_) : linear.name + std::string(weight_suffix);
    gguf_scheme plain{&type_of_tensor(model_, tensor), "", true};
    if (choice.weight.empty()) {
      if (linear.is_tied && settings_.untie && plain.type->encode == nullptr)
        refused_.add(linear.name,
                     "no blocks of " + std::string(plain.type->name) + " are written: untied it needs a type");
      return plain;
    }
    const std::optional<gguf_scheme> found = find_gguf_scheme(choice.weight);
    if (!found) {
      refused_.add(linear.name, "GGUF has no type for " + choice.weight + "; compressed-tensors or modelopt may have");
      return plain;
    }
    if (linear.cols % found->type->elements != 0) {
      notes_.add(linear.name, "rows of " + std::to_string(linear.cols) + " are no whole blocks of " +
                                  std::string(found->type->name) + ", written as F16");
      return {&type_named("F16"), "", false};
    }
    if (is_tied_to_embedding(linear, settings_)) {
      if (!choice.input_scale.empty())
        refused_.add(linear.name, "the head is tied, and its input scale would change the embedding; untie it");
      plan_.notes.push_back("the head is tied: " + std::string(found->type->name) + " is the embedding's type too");
      if (found->type->name == "NVFP4") {
        refused_.add(linear.name,
                     "the head is tied, and llama.cpp reads no scale of token_embd, which NVFP4 needs; choose another "
                     "type for it, leave it unquantized or untie it");
      }
    }
    if (found->type->name == "NVFP4" && linear.name.find(".mlp.") != std::string::npos &&
        !limits_of(family_).scales_mlp) {
      refused_.add(linear.name, "llama.cpp leaves the scale that NVFP4 needs out of the MLP of " +
                                    std::string(family_.name) + ", whose values would be wrong; MXFP4 needs none");
    }
    if (choice.has_shared_range) {
      notes_.add(linear.name,
                 choice.weight + " was scored with the range of a fused layer; here each tensor has its own");
    }
    if (!found->keeps_values) {
      notes_.add(linear.name,
                 choice.weight + " is stored as " + std::string(found->type->name) +
                     ", whose float16 scales of 32 elements give other values than those that were scored");
    }
    return *found;
  }

  void add_tensors(planned_layer& layer, const gguf_scheme& scheme) const {
    const std::string name = lm::gguf_name_of(family_, layer.linear.name + std::string(weight_suffix));
    const lm::gguf_tensor_plan weight{name, scheme.type, {layer.linear.rows, layer.linear.cols}};
    layer.tensors.push_back({name, lm::dtype::u8, weight.shape, weight.bytes()});
    if (scheme.type->name == "NVFP4") layer.tensors.push_back({lm::gguf_scale_name_of(name), lm::dtype::f32, {1}, 4});
  }

  const lm::model& model_;
  const lm::gguf_family& family_;
  const gguf_settings& settings_;
  export_plan& plan_;
  layer_remarks refused_;
  layer_remarks notes_;
  std::set<std::string> activations_;
};

// That of `token_embd`: as asked, the tied head's, or the checkpoint's.
gguf_scheme embedding_scheme(const lm::model& model, const export_plan& plan, const gguf_settings& settings) {
  if (!settings.embedding.empty()) return {&type_named(settings.embedding), "", true};
  const planned_layer& head = plan.layers.back();
  if (is_tied_to_embedding(head.linear, settings)) return {&type_named(head.scheme), head.recipe, true};
  return {&type_of_tensor(model, embedding_tensor(model)), "", true};
}

void check_embedding(const lm::model& model, const gguf_settings& settings, export_plan& plan) {
  if (settings.embedding.empty()) return;
  const std::vector<std::string_view> names = gguf_scheme_names();
  if (std::find(names.begin(), names.end(), settings.embedding) == names.end())
    throw unknown_name_error("type of the embedding", settings.embedding, names);
  const lm::ggml_type& type = type_named(settings.embedding);
  if (type.name == "NVFP4")
    plan.refusals.add("the embedding: llama.cpp reads no scale of token_embd, which NVFP4 needs");
  if (model.config().hidden % type.elements != 0) {
    plan.refusals.add("the embedding: rows of " + std::to_string(model.config().hidden) + " are no whole blocks of " +
                      settings.embedding);
  }
}

// Whether the folder's tokenizer can be written, and what a user should know of it.
void check_tokenizer(const lm::model& model, export_plan& plan) {
  try {
    const std::string family(family_of_model(model).name);
    gguf_tokenizer tokenizer = gguf_tokenizer_keys(model.tensors().name(), family, model.config().vocabulary);
    std::move(tokenizer.notes.begin(), tokenizer.notes.end(), std::back_inserter(plan.notes));
  } catch (const error& fault) {
    plan.refusals.add(fault.what());
  }
}

std::vector<float> divisors_of(const planned_layer& layer) {
  return layer.choice.weight.empty() ? std::vector<float>() : layer.choice.input_scale;
}

// The checkpoint's tensors, file after file.
std::vector<const lm::tensor_info*> tensors_in_order(const lm::model& model) {
  std::vector<const lm::tensor_info*> all;
  if (const lm::gguf_weights* source = model.tensors().gguf()) {
    for (const lm::gguf_weight& weight : source->weights()) all.push_back(&weight.info);
  }
  for (const lm::safetensors_file& file : model.tensors().files()) {
    for (const lm::tensor_info& tensor : file.tensors()) all.push_back(&tensor);
  }
  return all;
}

// Marks what stays as it is, with the `.scale` of a weight that has one, and adds what has no place in the model.
void copy_from(const lm::gguf_weights& source, std::vector<gguf_tensor_source>& all) {
  const lm::gguf_file& file = source.file();
  std::set<std::string> planned;
  std::vector<gguf_tensor_source> others;
  const auto add = [&](const lm::gguf_tensor& tensor) {
    others.push_back({"", {tensor.name, tensor.type, tensor.shape}, "", 0});
    others.back().copied = true;
  };
  for (gguf_tensor_source& tensor : all) {
    planned.insert(tensor.out.name);
    const std::string scale = lm::gguf_scale_name_of(tensor.out.name);
    planned.insert(scale);
    const lm::gguf_tensor* same = file.find(tensor.out.name);
    const bool is_plain = tensor.recipe.empty() && tensor.divisors.empty() && tensor.factors.empty();
    tensor.copied = is_plain && same != nullptr && same->type == tensor.out.type;
    const lm::gguf_tensor* factor = tensor.out.name.ends_with(".weight") ? file.find(scale) : nullptr;
    if (tensor.copied && factor != nullptr) add(*factor);
  }
  for (const lm::gguf_tensor& tensor : file.tensors()) {
    if (!planned.contains(tensor.name)) add(tensor);
  }
  std::move(others.begin(), others.end(), std::back_inserter(all));
}

void check_family(const lm::model& model, export_plan& plan) {
  add_unwritten(model, plan);
  if (const lm::gguf_family& family = family_of_model(model);
      model.config().output_bias && !limits_of(family).reads_output_bias) {
    plan.refusals.add("self_attn.o_proj.bias: llama.cpp reads no such bias of " + std::string(family.name) +
                      " and does not load a file that has it");
  }
}

}  // namespace

export_plan plan_gguf(const lm::model& model, std::span<const layer_choice> choices, const gguf_settings& settings) {
  export_plan plan;
  plan.to = target::gguf;
  if (model.config().experts > 0) {
    throw error(errc::unsupported, model.tensors().name() + ": " + std::string(model.config().family.name) +
                                       " has experts, which ggml wants in one tensor for all of a layer: gguf is not "
                                       "written of them, the other targets are");
  }
  const std::vector<model_linear> linears = linears_of(model);
  if (choices.size() != linears.size()) {
    throw error(errc::invalid_argument,
                std::to_string(choices.size()) + " choices for " + std::to_string(linears.size()) + " Linears");
  }
  layer_planner planner(model, settings, plan);
  for (std::size_t i = 0; i < linears.size(); ++i) planner.add(linears[i], choices[i]);
  planner.finish(fold_input_scales(model, choices));
  check_embedding(model, settings, plan);
  if (model.tensors().gguf() == nullptr) {
    check_family(model, plan);
    check_tokenizer(model, plan);
  } else {
    plan.notes.push_back("keys, and tensors that no choice changes, are those of " + model.tensors().name());
  }
  if (const std::size_t others = model.other_layers().size(); others > 0) {
    plan.notes.push_back("the file holds the language model alone: " + std::to_string(others) +
                         " layers of the vision tower belong into a file of their own (mmproj)");
  }
  return plan;
}

std::vector<gguf_tensor_source> gguf_tensors_of(const lm::model& model, const export_plan& plan,
                                                const gguf_settings& settings) {
  const lm::gguf_family& family = family_of_model(model);
  const std::set<std::string> read = model.read_tensors();
  std::map<std::string, const planned_layer*> layers;
  std::vector<layer_choice> choices;
  for (const planned_layer& layer : plan.layers) {
    layers.emplace(layer.linear.name + ".weight", &layer);
    choices.push_back(layer.choice);
  }
  const input_folds folds = fold_input_scales(model, choices);
  const lm::gguf_weights* source = model.tensors().gguf();
  std::vector<gguf_tensor_source> all;
  const auto add = [&](const lm::tensor_info& tensor, const std::string& as, const lm::ggml_type& type,
                       const std::string& recipe, const std::vector<float>& divisors = {}) {
    const std::string name = lm::gguf_name_of(family, as);
    if (name.empty()) {
      throw error(errc::unsupported, model.tensors().name() + ": tensor \"" + as +
                                         "\" has no place in a GGUF file of " + std::string(family.name));
    }
    const std::int64_t head_size = lm::has_permuted_rows(family, name) ? model.config().head_size : 0;
    // What a scale has divided stays as it is but for the tool that computes in the checkpoint's type.
    const lm::dtype in = divisors.empty() || recipe.starts_with("ct_") ? tensor.type : lm::dtype::f32;
    all.push_back({tensor.name, {name, &type, tensor.shape}, recipe, head_size, in, divisors});
    if (const auto norm = folds.norms.find(as); norm != folds.norms.end()) all.back().factors = norm->second;
    const bool is_copied = source != nullptr && recipe.empty();  // with its own
    if (type.name == "NVFP4" && !is_copied) {
      all.push_back({tensor.name, {lm::gguf_scale_name_of(name), &type_named("F32"), {1}}, recipe, 0, tensor.type});
    }
  };
  const std::string embedding = embedding_tensor(model);
  for (const lm::tensor_info* tensor : tensors_in_order(model)) {
    if (!read.contains(tensor->name)) continue;
    if (tensor->name == embedding) {
      const gguf_scheme scheme = embedding_scheme(model, plan, settings);
      add(*tensor, embedding, *scheme.type, scheme.recipe);
      const planned_layer& head = plan.layers.back();
      if (head.linear.is_tied && settings.untie)
        add(*tensor, "lm_head.weight", type_named(head.scheme), head.recipe, divisors_of(head));
    } else if (const auto layer = layers.find(tensor->name); layer != layers.end()) {
      add(*tensor, tensor->name, type_named(layer->second->scheme), layer->second->recipe, divisors_of(*layer->second));
    } else {
      add(*tensor, tensor->name, source != nullptr ? type_of_tensor(model, tensor->name) : type_named("F32"), "");
    }
  }
  if (source != nullptr) copy_from(*source, all);
  if (std::holds_alternative<lm::llama3_scaling>(model.config().rotations.front().scaling))
    all.push_back({"", {"rope_freqs.weight", &type_named("F32"), {model.config().head_size / 2}}, "", 0});
  return all;
}

}  // namespace qgrain::exports
