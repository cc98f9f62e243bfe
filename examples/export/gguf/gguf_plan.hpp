// The plan of a GGUF file: a type for each Linear, and from it the file's tensors.
#ifndef QGRAIN_EXPORT_GGUF_GGUF_PLAN_HPP
#define QGRAIN_EXPORT_GGUF_GGUF_PLAN_HPP

#include <lm/gguf/gguf_writer.hpp>
#include <lm/model.hpp>

#include <cstdint>
#include <export/gguf/gguf_scheme.hpp>
#include <export/plan/plan.hpp>
#include <span>
#include <string>
#include <vector>

namespace qgrain::exports {

struct gguf_settings {
  /// Type of `token_embd`, by name; empty: that of the checkpoint, or the tied head's.
  std::string embedding = {};
  /// The tied head becomes a tensor of its own, `output`.
  bool untie = false;
  /// "general.name"; empty: the model folder's.
  std::string name = {};
};

/// One tensor of the file, from the checkpoint's tensor `source`.
struct gguf_tensor_source {
  std::string source;  ///< Hugging Face's name
  lm::gguf_tensor_plan out;
  std::string recipe;                ///< as in gguf_scheme
  std::int64_t head_size = 0;        ///< where rows are permuted within heads, else 0
  lm::dtype type = lm::dtype::f32;   ///< in which recipes compute: the checkpoint's
  std::vector<float> divisors = {};  ///< of columns, the input scale, or none
  std::vector<float> factors = {};   ///< of a norm's elements, or none
  bool copied = false;               ///< the bytes of the tensor of this name in the GGUF file that is exported
};

/// The model may be a folder or a GGUF file, whose keys and whose tensors that no choice changes are copied.
/// choices: [Linear]. A choice is refused where GGUF has no type for it, where it has an input scale that no
/// norm takes (input_folds), and NVFP4 where llama.cpp reads no scale (the embedding, Qwen3-VL's MLP); rows that are no
/// whole blocks become F16, which the plan's notes say, as well as what the file does not hold (activation recipes, a
/// vision tower). The scheme of a layer is the name of its ggml type.
[[nodiscard]] export_plan plan_gguf(const lm::model& model, std::span<const layer_choice> choices,
                                    const gguf_settings& settings);

/// All tensors of the file in the checkpoint's order, and behind them Llama 3's frequencies, whose source is empty, or
/// what a GGUF file has besides. A
/// `.scale` (F32 [1]) follows each NVFP4 tensor and has its source.
/// @throws error errc::unsupported for a tensor of the language model that has no place in the file
[[nodiscard]] std::vector<gguf_tensor_source> gguf_tensors_of(const lm::model& model, const export_plan& plan,
                                                              const gguf_settings& settings);

}  // namespace qgrain::exports

#endif
