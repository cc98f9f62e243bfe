#include <lm/gguf/gguf_names.hpp>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace qgrain::lm {
namespace {

constexpr std::array<gguf_family, 4> families{{
    {"qwen3", "Qwen3ForCausalLM", "model."},
    {"llama", "LlamaForCausalLM", "model.", true},
    {"qwen3vl", "Qwen3VLForConditionalGeneration", "model.language_model."},
    {"gemma3", "Gemma3ForCausalLM", "model.", false, true},
}};

struct name_pair {
  std::string_view hugging_face;
  std::string_view gguf;
};
constexpr std::array<name_pair, 2> outside_of_blocks{{{"embed_tokens", "token_embd"}, {"norm", "output_norm"}}};
constexpr std::array<name_pair, 10> of_a_block{{{"input_layernorm", "attn_norm"},
                                                {"self_attn.q_proj", "attn_q"},
                                                {"self_attn.k_proj", "attn_k"},
                                                {"self_attn.v_proj", "attn_v"},
                                                {"self_attn.o_proj", "attn_output"},
                                                {"self_attn.q_norm", "attn_q_norm"},
                                                {"self_attn.k_norm", "attn_k_norm"},
                                                {"mlp.gate_proj", "ffn_gate"},
                                                {"mlp.up_proj", "ffn_up"},
                                                {"mlp.down_proj", "ffn_down"}}};
// The norms that Gemma calls otherwise.
constexpr std::array<name_pair, 1> norms_of_two{{{"post_attention_layernorm", "ffn_norm"}}};
constexpr std::array<name_pair, 3> norms_of_four{{{"post_attention_layernorm", "post_attention_norm"},
                                                  {"pre_feedforward_layernorm", "ffn_norm"},
                                                  {"post_feedforward_layernorm", "post_ffw_norm"}}};
constexpr std::string_view hugging_face_head = "lm_head";
constexpr std::string_view gguf_head = "output";
constexpr std::string_view hugging_face_blocks = "layers.";
constexpr std::string_view gguf_blocks = "blk.";

// "3.mlp.up_proj" to "3" and "mlp.up_proj"; the number is empty where the text does not begin with one.
std::pair<std::string_view, std::string_view> split_number(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  const std::string_view number = text.substr(0, dot);
  const bool is_number = std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  return is_number && (number == "0" || number.front() != '0') ? std::pair{number, text.substr(dot + 1)}
                                                               : std::pair<std::string_view, std::string_view>{};
}

std::string_view translated(std::span<const name_pair> pairs, std::string_view name, std::string_view name_pair::*from,
                            std::string_view name_pair::*to) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const name_pair& p) { return p.*from == name; });
  return found == pairs.end() ? std::string_view() : (*found).*to;
}

// One way or the other; the names end in ".weight" or ".bias".
std::string translate(const gguf_family& family, std::string_view name, std::string_view from_prefix,
                      std::string_view to_prefix, std::string_view from_blocks, std::string_view to_blocks,
                      std::string_view from_head, std::string_view to_head, std::string_view name_pair::*from,
                      std::string_view name_pair::*to) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const std::string kind(name.substr(dot));
  std::string_view base = name.substr(0, dot);
  if (kind != ".weight" && kind != ".bias") return {};
  if (base == from_head) return std::string(to_head) + kind;
  if (!base.starts_with(from_prefix)) return {};
  base.remove_prefix(from_prefix.size());
  if (const std::string_view outside = translated(outside_of_blocks, base, from, to); !outside.empty())
    return std::string(to_prefix).append(outside) + kind;
  if (!base.starts_with(from_blocks)) return {};
  const auto [number, rest] = split_number(base.substr(from_blocks.size()));
  std::string_view inside = translated(of_a_block, rest, from, to);
  if (inside.empty()) {
    inside = family.is_gemma ? translated(norms_of_four, rest, from, to) : translated(norms_of_two, rest, from, to);
  }
  if (number.empty() || inside.empty()) return {};
  return std::string(to_prefix).append(to_blocks).append(number).append(".").append(inside) + kind;
}

template <class Value>
const gguf_family* find_by(std::string_view value, Value gguf_family::*member) noexcept {
  const auto found =
      std::find_if(families.begin(), families.end(), [&](const gguf_family& f) { return f.*member == value; });
  return found == families.end() ? nullptr : &*found;
}

}  // namespace

const gguf_family* find_gguf_family(std::string_view name) noexcept { return find_by(name, &gguf_family::name); }
const gguf_family* gguf_family_of(std::string_view architecture) noexcept {
  return find_by(architecture, &gguf_family::architecture);
}
std::string known_gguf_families() {
  std::string names;
  for (const gguf_family& family : families) names.append(names.empty() ? "" : ", ").append(family.name);
  return names;
}

std::string gguf_name_of(const gguf_family& family, std::string_view hugging_face) {
  return translate(family, hugging_face, family.tensor_prefix, "", hugging_face_blocks, gguf_blocks, hugging_face_head,
                   gguf_head, &name_pair::hugging_face, &name_pair::gguf);
}
std::string hugging_face_name_of(const gguf_family& family, std::string_view gguf) {
  return translate(family, gguf, "", family.tensor_prefix, gguf_blocks, hugging_face_blocks, gguf_head,
                   hugging_face_head, &name_pair::gguf, &name_pair::hugging_face);
}

std::string gguf_scale_name_of(std::string_view weight) {
  return std::string(weight.substr(0, weight.rfind('.'))) + ".scale";
}

bool holds_one_more(const gguf_family& family, std::string_view gguf) noexcept {
  return family.is_gemma && gguf.ends_with("norm.weight");
}

bool has_permuted_rows(const gguf_family& family, std::string_view gguf) noexcept {
  if (!family.turns_neighbours) return false;
  for (const std::string_view name : {".attn_q.weight", ".attn_k.weight", ".attn_q.bias", ".attn_k.bias"}) {
    if (gguf.ends_with(name)) return true;
  }
  return false;
}

}  // namespace qgrain::lm
