// Sources: vLLM 0.33.0 (compressed_tensors.py, modelopt.py, fp8.py), SGLang 0.5.23, loading in transformers 4.57.6 with
// compressed-tensors 0.20.1 on a CPU, ModelOpt 0.47.0's list of what TensorRT-LLM reads.
#include <export/engines/layer_verdict.hpp>

namespace qgrain::exports {
namespace {

constexpr index_t block_side = 128;

bool is_int8_input(input_kind input) { return input == input_kind::int8_token || input == input_kind::int8_tensor; }

bool is_last_part(const model_linear& linear) {
  return linear.name == linear.fused || linear.name.ends_with("v_proj") || linear.name.ends_with("up_proj");
}

// A fused layer of blocks is cut at whole blocks.
std::string block_fault(const planned_fact& layer) {
  const model_linear& linear = layer.linear;
  if (!layer.format.is_tile_of(block_side)) return "";
  if (!is_last_part(linear) && linear.rows % block_side != 0)
    return std::to_string(linear.rows) +
           " rows of a part of a fused layer are no multiple of 128, the side of its blocks";
  if (layer.to != target::modelopt) return "";
  if (linear.cols % block_side != 0) return std::to_string(linear.cols) + " columns are no multiple of 128";
  if (linear.rows <= block_side && linear.cols <= block_side)
    return "the scale of a weight of one block is no array, where the engine asks for one";
  return "";
}

std::string vllm_fault(const planned_fact& layer) {
  const stored_format& f = layer.format;
  if (f.element == element_kind::integer && is_int8_input(f.input) && f.bits == 8 &&
      f.groups == granularity_kind::per_group)
    return "int8 weights by group do not go with int8 inputs; per_out_channel does";
  return block_fault(layer);
}

std::string sglang_fault(const planned_fact& layer) {
  const stored_format& f = layer.format;
  if (layer.to == target::modelopt) {
    if (f.element == element_kind::fp8 && f.groups == granularity_kind::per_out_channel)
      return "it does not know FP8_PER_CHANNEL_PER_TOKEN";
    if (f.element == element_kind::fp8 && f.groups == granularity_kind::per_tile && !layer.is_mix)
      return "it reads FP8_PB_WO in a mix alone; --to deepseek-fp8 holds the same blocks";
    return block_fault(layer);
  }
  if (f.element == element_kind::mxfp4 || f.element == element_kind::mxfp8)
    return "it reads no dense " + name_of(f) + " of compressed-tensors";
  if (f.element == element_kind::nvfp4 && f.input == input_kind::none) return "it reads NVFP4 with NVFP4 inputs alone";
  if (f.element == element_kind::integer) {
    if (f.bits != 4 && f.bits != 8) return "it reads int4 and int8, not int" + std::to_string(f.bits);
    if (f.bits == 4 && f.input != input_kind::none) return "it reads no dense " + name_of(f);
  }
  return vllm_fault(layer);
}

std::string transformers_fault(const planned_fact& layer) {
  const stored_format& f = layer.format;
  if (layer.to != target::compressed_tensors) return "";
  if (!f.symmetric) return "it fails on zero points (\"size mismatch for weight_zero_point\")";
  const bool is_microscaled =
      f.element == element_kind::nvfp4 || f.element == element_kind::mxfp4 || f.element == element_kind::mxfp8;
  if (is_microscaled && layer.linear.type != lm::dtype::bf16)
    return "it decompresses " + name_of(f) + " to bfloat16, which fails in a model of another type";
  if (f.input == input_kind::fp8_group && layer.linear.cols % block_side != 0)
    return "it takes inputs in groups of 128, and " + std::to_string(layer.linear.cols) + " columns are no multiple";
  return "";
}

std::vector<std::string> vllm_notes(const planned_fact& layer) {
  const stored_format& f = layer.format;
  std::vector<std::string> notes;
  if (layer.to != target::compressed_tensors) return notes;
  if (f.element == element_kind::integer && f.bits == 4 && f.input == input_kind::int8_token)
    notes.emplace_back("int4 weights with int8 inputs run on Arm CPUs");
  if (f.element == element_kind::integer && f.input == input_kind::fp8_token)
    notes.emplace_back("int4 weights with fp8 inputs run on Hopper (SM90) alone");
  if (f.element == element_kind::integer && f.bits != 4 && f.bits != 8)
    notes.push_back("int" + std::to_string(f.bits) +
                    " runs by its Humming kernels (CUDA), in the dense packing of 0.20");
  if (f.element == element_kind::mxfp4) notes.emplace_back("MXFP4 leaves inputs as they are but on SM100");
  if (f.element == element_kind::integer && !is_int8_input(f.input) && !layer.has_own_type) {
    notes.push_back(
        "it rounds the float32 scales of packed integers, which keep the scored values, to the type of the model");
  }
  return notes;
}

std::vector<std::string> transformers_notes(const planned_fact& layer) {
  if (layer.to != target::compressed_tensors || layer.format.element != element_kind::nvfp4) return {};
  std::vector<std::string> notes{
      "it rounds the tensor's scale of NVFP4 to bfloat16, which moves values by up to 0.3 %"};
  if (layer.format.input == input_kind::nvfp4) {
    notes.emplace_back(
        "it leaves the scales of NVFP4 inputs unrounded, as the folder does not name their type, a key of newer "
        "versions");
  }
  return notes;
}

}  // namespace

std::string target_fault(serving_engine e, target to) {
  if (e == serving_engine::llama_cpp)
    return "it reads GGUF files, --to gguf writes one of the same choice (its converter takes few folders)";
  if (e == serving_engine::tensorrt_llm && to != target::modelopt) return "it reads ModelOpt's folders: --to modelopt";
  if (e == serving_engine::transformers && to == target::modelopt)
    return "it takes no notice of quant_method modelopt and fails on the tensors: --to compressed-tensors";
  return "";
}

std::string layer_fault(serving_engine e, const planned_fact& layer) {
  switch (e) {
    case serving_engine::vllm:
      return vllm_fault(layer);
    case serving_engine::sglang:
      return sglang_fault(layer);
    case serving_engine::transformers:
      return transformers_fault(layer);
    case serving_engine::tensorrt_llm:
    case serving_engine::llama_cpp:
      break;
  }
  return "";
}

std::vector<std::string> layer_notes(serving_engine e, const planned_fact& layer) {
  if (e == serving_engine::vllm) return vllm_notes(layer);
  if (e == serving_engine::transformers) return transformers_notes(layer);
  return {};
}

}  // namespace qgrain::exports
