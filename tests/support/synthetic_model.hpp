// A Qwen3, dense or a mixture of experts, of any size with random weights, written in shards, portion by portion.
#ifndef QGRAIN_TESTS_SUPPORT_SYNTHETIC_MODEL_HPP
#define QGRAIN_TESTS_SUPPORT_SYNTHETIC_MODEL_HPP

#include <lm/safetensors.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace qgrain::testing {

struct synthetic_model {
  std::int64_t layers = 4;
  std::int64_t hidden = 512;
  std::int64_t intermediate = 1536;
  std::int64_t vocabulary = 1024;
  std::int64_t heads = 8;
  std::int64_t key_heads = 4;
  std::int64_t head_size = 64;
  std::int64_t layers_per_shard = 1;
  bool tied_head = true;
  std::int64_t experts = 0;  // 0: a dense MLP
  std::int64_t experts_per_token = 0;
  std::int64_t expert_width = 0;
  std::uint64_t seed = 1;
};

inline boost::json::object config_of(const synthetic_model& m) {
  boost::json::object config{{"architectures", {m.experts > 0 ? "Qwen3MoeForCausalLM" : "Qwen3ForCausalLM"}},
                             {"model_type", m.experts > 0 ? "qwen3_moe" : "qwen3"},
                             {"dtype", "bfloat16"},
                             {"vocab_size", m.vocabulary},
                             {"hidden_size", m.hidden},
                             {"num_hidden_layers", m.layers},
                             {"num_attention_heads", m.heads},
                             {"num_key_value_heads", m.key_heads},
                             {"head_dim", m.head_size},
                             {"intermediate_size", m.intermediate},
                             {"max_position_embeddings", 4096},
                             {"rms_norm_eps", 1e-6},
                             {"rope_theta", 10000.0},
                             {"hidden_act", "silu"},
                             {"attention_bias", false},
                             {"tie_word_embeddings", m.tied_head}};
  if (m.experts > 0) {
    config["num_experts"] = m.experts;
    config["num_experts_per_tok"] = m.experts_per_token;
    config["moe_intermediate_size"] = m.expert_width;
    config["decoder_sparse_step"] = 1;
    config["norm_topk_prob"] = true;
  }
  return config;
}

/// Tensors of a shard: shard 0 begins with the embedding, the last one ends with the norm.
inline std::vector<lm::tensor_plan> tensors_of_shard(const synthetic_model& m, std::int64_t shard) {
  std::vector<lm::tensor_plan> plan;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    plan.push_back({"model." + name + ".weight", lm::dtype::bf16, std::move(shape)});
  };
  if (shard == 0) add("embed_tokens", {m.vocabulary, m.hidden});
  const std::int64_t end = std::min((shard + 1) * m.layers_per_shard, m.layers);
  for (std::int64_t l = shard * m.layers_per_shard; l < end; ++l) {
    const std::string block = "layers." + std::to_string(l) + ".";
    const std::int64_t queries = m.heads * m.head_size;
    const std::int64_t keys = m.key_heads * m.head_size;
    add(block + "input_layernorm", {m.hidden});
    add(block + "post_attention_layernorm", {m.hidden});
    add(block + "self_attn.q_norm", {m.head_size});
    add(block + "self_attn.k_norm", {m.head_size});
    add(block + "self_attn.q_proj", {queries, m.hidden});
    add(block + "self_attn.k_proj", {keys, m.hidden});
    add(block + "self_attn.v_proj", {keys, m.hidden});
    add(block + "self_attn.o_proj", {m.hidden, queries});
    const auto add_mlp = [&](const std::string& mlp, std::int64_t width) {
      add(mlp + "gate_proj", {width, m.hidden});
      add(mlp + "up_proj", {width, m.hidden});
      add(mlp + "down_proj", {m.hidden, width});
    };
    if (m.experts == 0) {
      add_mlp(block + "mlp.", m.intermediate);
    } else {
      add(block + "mlp.gate", {m.experts, m.hidden});
      for (std::int64_t e = 0; e < m.experts; ++e)
        add_mlp(block + "mlp.experts." + std::to_string(e) + ".", m.expert_width);
    }
  }
  if (end == m.layers) {
    add("norm", {m.hidden});
    if (!m.tied_head) plan.push_back({"lm_head.weight", lm::dtype::bf16, {m.vocabulary, m.hidden}});
  }
  return plan;
}

/// Magnitudes from 2^-6 to 2^-4, the same ones in every call of one seed; or without any values, files that take no
/// place on the disk and read as zeros.
inline void write_synthetic_model(const synthetic_model& m, const std::filesystem::path& folder,
                                  bool with_values = true) {
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "config.json") << config_of(m);
  const std::int64_t shards = (m.layers + m.layers_per_shard - 1) / m.layers_per_shard;
  std::mt19937_64 random(m.seed);
  std::vector<std::uint16_t> values(std::size_t{1} << 20);
  boost::json::object weight_map;
  for (std::int64_t shard = 0; shard < shards; ++shard) {
    const std::string name = "model-" + std::to_string(shard + 1) + "-of-" + std::to_string(shards) + ".safetensors";
    const std::vector<lm::tensor_plan> plan = tensors_of_shard(m, shard);
    lm::safetensors_writer writer(folder / name, plan);
    for (std::size_t t = 0; t < plan.size(); ++t) {
      weight_map[plan[t].name] = name;
      std::int64_t count = 1;
      for (const std::int64_t extent : plan[t].shape) count *= extent;
      for (std::int64_t first = 0; with_values && first < count; first += static_cast<std::int64_t>(values.size())) {
        for (std::size_t i = 0; i < values.size(); i += 4) {
          const std::uint64_t bits = random();
          for (std::size_t j = 0; j < 4; ++j) {
            const std::uint64_t part = bits >> (16 * j);
            values[i + j] = static_cast<std::uint16_t>((part & 0x8000U) | (0x3C80U + (part & 0xFFU)));
          }
        }
        const auto portion =
            static_cast<std::size_t>(std::min(count - first, static_cast<std::int64_t>(values.size())));
        writer.write_elements(t, first, std::span<const std::uint16_t>(values).first(portion));
      }
    }
    writer.finish();
  }
  std::ofstream(folder / "model.safetensors.index.json")
      << boost::json::object{{"metadata", boost::json::object()}, {"weight_map", std::move(weight_map)}};
}

}  // namespace qgrain::testing

#endif
