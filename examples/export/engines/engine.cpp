#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <export/engines/engine.hpp>
#include <export/engines/layer_verdict.hpp>
#include <map>

namespace qgrain::exports {
namespace {

struct engine_row {
  std::string_view name;
  std::string_view title;
};
constexpr std::array<engine_row, 5> engines{{
    {"vllm", "vLLM 0.33.0"},
    {"sglang", "SGLang 0.5.23"},
    {"transformers", "transformers 4.57.6 with compressed-tensors 0.20.1"},
    {"tensorrt-llm", "TensorRT-LLM as of ModelOpt 0.47.0"},
    {"llama.cpp", "llama.cpp of October 2026"},
}};

// Sentences with the layers that they hold for.
class gathered_sentences {
 public:
  void add(const std::string& sentence, const std::string& layer) { layers_[sentence].push_back(layer); }

  [[nodiscard]] std::vector<std::string> texts() const {
    std::vector<std::string> texts;
    for (const auto& [sentence, layers] : layers_) {
      std::string text = layers.front();
      if (layers.size() > 1) text += " (and " + std::to_string(layers.size() - 1) + " more)";
      text += ": " + sentence;
      texts.push_back(std::move(text));
    }
    return texts;
  }

 private:
  std::map<std::string, std::vector<std::string>> layers_;
};

}  // namespace

serving_engine find_engine(std::string_view name) {
  const auto found = std::find_if(engines.begin(), engines.end(), [&](const engine_row& e) { return e.name == name; });
  if (found != engines.end()) return static_cast<serving_engine>(found - engines.begin());
  std::vector<std::string_view> names;
  for (const engine_row& row : engines) names.push_back(row.name);
  throw unknown_name_error("engine", name, names);
}

std::string_view title_of(serving_engine e) noexcept { return engines[static_cast<std::size_t>(e)].title; }

engine_verdict judge_folder(serving_engine e, const folder_plan& plan) {
  const target to = plan.settings.to;
  if (const std::string fault = target_fault(e, to); !fault.empty()) return {{fault}, {}};
  gathered_sentences refused;
  gathered_sentences noted;
  const bool is_mix = plan.groups().size() > 1;
  for (std::size_t l = 0; l < plan.codings.size(); ++l) {
    if (!plan.codings[l]) continue;
    const model_linear& linear = plan.table.layers[l].linear;
    const planned_fact fact{to, linear, plan.codings[l]->format, is_mix, plan.codings[l]->rule.has_own_type};
    if (const std::string fault = layer_fault(e, fact); !fault.empty()) refused.add(fault, linear.name);
    for (const std::string& note : layer_notes(e, fact)) noted.add(note, linear.name);
    if (!linear.experts.empty())
      noted.add("what it has for experts may differ from what it has for other Linears, and was not tried",
                linear.name);
  }
  return {refused.texts(), noted.texts()};
}

engine_verdict judge_gguf(serving_engine e, const export_plan& plan, const lm::model& model) {
  if (e == serving_engine::llama_cpp) return {};
  if (e == serving_engine::vllm) {
    engine_verdict verdict;
    std::map<std::string, const planned_layer*> first;
    for (const planned_layer& layer : plan.layers) {
      const auto [known, is_new] = first.emplace(layer.linear.fused, &layer);
      if (is_new || known->second->scheme == layer.scheme) continue;
      verdict.refusals.push_back(known->second->linear.name + " is " + known->second->scheme + ", " +
                                 layer.linear.name + " is " + layer.scheme + ": its GGUF plugin takes one type for " +
                                 layer.linear.fused);
    }
    return verdict;
  }
  if (e == serving_engine::transformers) {
    const lm::model_config& config = model.config();
    if (config.family.name == "qwen3" && config.head_size != 128)
      return {{"of Qwen3 it reads GGUF files with heads of 128 alone, these have " + std::to_string(config.head_size)},
              {}};
    if (config.family.name == "qwen3vl") return {{"it reads no GGUF files of Qwen3-VL"}, {}};
    return {};
  }
  return {{"it is not known to read GGUF files; --to compressed-tensors or modelopt"}, {}};
}

void add_verdict(const engine_verdict& verdict, serving_engine e, bool is_asked_for, export_plan& plan) {
  const std::string title(title_of(e));
  for (const std::string& sentence : verdict.refusals) {
    if (is_asked_for) {
      plan.refusals.add(title + ": " + sentence);
    } else {
      plan.notes.push_back(title + " would refuse it: " + sentence);
    }
  }
  for (const std::string& sentence : verdict.notes) plan.notes.push_back(title + ": " + sentence);
}

}  // namespace qgrain::exports
