#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <export/plan/plan.hpp>
#include <numeric>

namespace qgrain::exports {
namespace {

constexpr std::array<std::string_view, 4> target_names{"compressed-tensors", "modelopt", "deepseek-fp8", "gguf"};

// The layer that engines fuse a part into, or the part's own name.
std::string fused_name(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> parts{{{"q_proj", "qkv_proj"},
                                                                                {"k_proj", "qkv_proj"},
                                                                                {"v_proj", "qkv_proj"},
                                                                                {"gate_proj", "gate_up_proj"},
                                                                                {"up_proj", "gate_up_proj"},
                                                                                {"w1", "w13"},
                                                                                {"w3", "w13"}}};
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return name;
  const std::string_view leaf = std::string_view(name).substr(dot + 1);
  for (const auto& [part, whole] : parts) {
    if (leaf == part) return name.substr(0, dot + 1) + std::string(whole);
  }
  return name;
}

// What all experts of a layer stand in: "model.layers.0.mlp.experts" of "model.layers.0.mlp.experts.7.up_proj".
std::string name_of_experts(const std::string& linear) {
  const std::string expert = linear.substr(0, linear.rfind('.'));
  return expert.substr(0, expert.rfind('.'));
}

}  // namespace

std::string_view name_of(target to) noexcept { return target_names[static_cast<std::size_t>(to)]; }

target find_target(std::string_view name) {
  const auto found = std::find(target_names.begin(), target_names.end(), name);
  if (found != target_names.end()) return static_cast<target>(found - target_names.begin());
  throw unknown_name_error("target", name, target_names);
}

std::vector<model_linear> linears_of(const lm::model& model) {
  if (model.tensors().quantized() != nullptr) {
    throw error(errc::unsupported,
                model.tensors().name() + " is quantized already: an export starts from the model that it was made of");
  }
  std::vector<model_linear> linears;
  for (const lm::linear_info& l : model.linears()) {
    const bool is_head = linears.size() == static_cast<std::size_t>(model.head_linear());
    const bool is_tied = is_head && model.config().tied_head;
    const std::string tensor =
        is_tied ? std::string(model.config().family.tensor_prefix) + "embed_tokens.weight" : l.name + ".weight";
    const lm::tensor_info* info = model.tensors().find(tensor);
    const bool is_of_expert = model.is_of_expert(static_cast<lm::index_t>(linears.size()));
    linears.push_back({l.name, l.out, l.in, info != nullptr ? info->type : lm::dtype::f32, fused_name(l.name), is_tied,
                       is_of_expert ? name_of_experts(l.name) : ""});
  }
  return linears;
}

std::int64_t planned_layer::stored_bytes() const noexcept {
  return std::accumulate(tensors.begin(), tensors.end(), std::int64_t{0},
                         [](std::int64_t sum, const planned_tensor& t) { return sum + t.bytes; });
}

void layer_remarks::add(const std::string& layer, const std::string& sentence) {
  auto found = std::find_if(remarks_.begin(), remarks_.end(), [&](const remark& r) { return r.sentence == sentence; });
  if (found == remarks_.end()) found = remarks_.insert(found, {sentence, layer, 0});
  ++found->layers;
}

std::vector<std::string> layer_remarks::sentences() const {
  std::vector<std::string> all;
  for (const remark& r : remarks_) {
    const std::string who = r.layers == 1 ? r.first : std::to_string(r.layers) + " layers (" + r.first + ", ...)";
    all.push_back(who + ": " + r.sentence);
  }
  return all;
}

void refusal_list::raise(const std::string& where) const {
  if (empty()) return;
  std::string text = where + ": ";
  for (const std::string& sentence : sentences) text += (&sentence == &sentences.front() ? "" : "; ") + sentence;
  throw error(errc::unsupported, text);
}

std::int64_t export_plan::stored_bytes() const noexcept {
  return std::accumulate(layers.begin(), layers.end(), std::int64_t{0},
                         [](std::int64_t sum, const planned_layer& l) { return sum + l.stored_bytes(); });
}

std::int64_t export_plan::elements() const noexcept {
  std::int64_t sum = 0;
  for (const planned_layer& l : layers) sum += l.tensors.empty() ? 0 : l.linear.elements();
  return sum;
}

double export_plan::effective_bits() const noexcept {
  const std::int64_t weights = elements();
  return weights == 0 ? 0 : 8.0 * static_cast<double>(stored_bytes()) / static_cast<double>(weights);
}

}  // namespace qgrain::exports
