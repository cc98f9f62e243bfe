// What engines read of an export: a table that stands for one version of each.
#ifndef QGRAIN_EXPORT_ENGINES_ENGINE_HPP
#define QGRAIN_EXPORT_ENGINES_ENGINE_HPP

#include <cstdint>
#include <export/folder/folder_plan.hpp>
#include <export/plan/plan.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::exports {

/// By the names of `--engine`.
enum class serving_engine : std::uint8_t { vllm, sglang, transformers, tensorrt_llm, llama_cpp };

/// Throws errc::unknown_name, naming the nearest ones.
[[nodiscard]] serving_engine find_engine(std::string_view name);
/// "vLLM 0.33.0"
[[nodiscard]] std::string_view title_of(serving_engine e) noexcept;

struct engine_verdict {
  std::vector<std::string> refusals;  ///< what it does not load, or reads otherwise without a word
  std::vector<std::string> notes;     ///< where it runs, what it changes
};

/// Layers that an engine refuses for one reason are one sentence.
[[nodiscard]] engine_verdict judge_folder(serving_engine e, const folder_plan& plan);
[[nodiscard]] engine_verdict judge_gguf(serving_engine e, const export_plan& plan, const lm::model& model);

/// Puts the verdict of an engine that was asked for among the refusals and notes of a plan; without one that of vLLM
/// among the notes.
void add_verdict(const engine_verdict& verdict, serving_engine e, bool is_asked_for, export_plan& plan);

}  // namespace qgrain::exports

#endif
