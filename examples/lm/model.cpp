#include <lm/model.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

namespace qgrain::lm {
namespace {

constexpr index_t rows_per_read = 64;

// One tensor of a block: its name behind `layers.<n>.`, its shape (cols 0: a vector) and its place in the block's
// memory.
struct slot {
  std::string name;
  index_t rows = 0;
  index_t cols = 0;
  index_t offset = 0;

  [[nodiscard]] index_t size() const { return rows * std::max<index_t>(cols, 1); }
  [[nodiscard]] std::vector<std::int64_t> shape() const {
    return cols > 0 ? std::vector<std::int64_t>{rows, cols} : std::vector<std::int64_t>{rows};
  }
};

struct named_linear {
  const char* name;
  index_t out;
  index_t in;
};

std::array<named_linear, linears_per_block> block_linears(const model_config& c) {
  return {{{"self_attn.q_proj", c.query_width(), c.hidden},
           {"self_attn.k_proj", c.key_width(), c.hidden},
           {"self_attn.v_proj", c.key_width(), c.hidden},
           {"self_attn.o_proj", c.hidden, c.query_width()},
           {"mlp.gate_proj", c.intermediate, c.hidden},
           {"mlp.up_proj", c.intermediate, c.hidden},
           {"mlp.down_proj", c.hidden, c.intermediate}}};
}

bool has_bias(const model_config& config, std::size_t linear) {
  return config.attention_bias && linear <= static_cast<std::size_t>(block_linear::o);
}

// In the order in which block_weights takes them: Linears, biases, norms.
std::vector<slot> block_slots(const model_config& c) {
  std::vector<slot> slots;
  const auto linears = block_linears(c);
  for (const named_linear& l : linears) slots.push_back({std::string(l.name) + ".weight", l.out, l.in});
  for (std::size_t i = 0; i < linears.size(); ++i) {
    if (has_bias(c, i)) slots.push_back({std::string(linears[i].name) + ".bias", linears[i].out});
  }
  slots.push_back({"input_layernorm.weight", c.hidden});
  slots.push_back({"post_attention_layernorm.weight", c.hidden});
  if (c.family.head_norms) {
    slots.push_back({"self_attn.q_norm.weight", c.head_size});
    slots.push_back({"self_attn.k_norm.weight", c.head_size});
  }
  index_t offset = 0;
  for (slot& s : slots) {
    s.offset = offset;
    offset += (s.size() + 15) / 16 * 16;  // cache lines
  }
  return slots;
}

std::string layer_prefix(const model_config& config, index_t layer) {
  return std::string(config.family.tensor_prefix) + "layers." + std::to_string(layer) + ".";
}

}  // namespace

block_weights::block_weights(const model_config& config) {
  const std::vector<slot> slots = block_slots(config);
  storage = buffer(slots.back().offset + slots.back().size());
  std::size_t next = 0;
  const auto take = [&] {
    const slot& s = slots[next++];
    return std::span<const float>(storage.data() + s.offset, static_cast<std::size_t>(s.size()));
  };
  for (index_t i = 0; i < linears_per_block; ++i) {
    const slot& s = slots[next];
    linears.push_back(as_matrix(take().data(), s.rows, s.cols));
  }
  for (std::size_t i = 0; i < biases.size(); ++i) {
    if (has_bias(config, i)) biases[i] = take();
  }
  input_norm = take();
  attention_norm = take();
  if (config.family.head_norms) {
    query_norm = take();
    key_norm = take();
  }
}

model::model(const std::filesystem::path& place, non_finite values)
    : config_(read_config(place)),
      tensors_(place),
      values_(values),
      embedding_(std::string(config_.family.tensor_prefix) + "embed_tokens.weight"),
      head_(config_.tied_head ? embedding_ : "lm_head.weight") {
  const std::array<std::int64_t, 2> table{config_.vocabulary, config_.hidden};
  tensors_.require(embedding_, table);
  tensors_.require(head_, table);
  tensors_.require(std::string(config_.family.tensor_prefix) + "norm.weight", std::array{config_.hidden});
  const std::vector<slot> slots = block_slots(config_);
  for (index_t layer = 0; layer < config_.layers; ++layer) {
    const std::string prefix = layer_prefix(config_, layer);
    for (const slot& s : slots) tensors_.require(prefix + s.name, s.shape());
    for (const named_linear& l : block_linears(config_)) linears_.push_back({prefix + l.name, l.out, l.in});
  }
  linears_.push_back({"lm_head", config_.vocabulary, config_.hidden});
}

std::set<std::string> model::read_tensors() const {
  std::set<std::string> read{embedding_, head_, std::string(config_.family.tensor_prefix) + "norm.weight"};
  const std::vector<slot> slots = block_slots(config_);
  for (index_t layer = 0; layer < config_.layers; ++layer) {
    for (const slot& s : slots) read.insert(layer_prefix(config_, layer) + s.name);
  }
  return read;
}

std::vector<std::string> model::warnings() const {
  std::vector<std::string> all = tensors_.warnings();
  const std::set<std::string> read = read_tensors();
  std::vector<std::string> unread;
  for (const safetensors_file& file : tensors_.files()) {
    for (const tensor_info& t : file.tensors()) {
      const std::string name(tensors_.counts_as(t.name));
      const bool is_of_text = name.starts_with(config_.family.tensor_prefix) || config_.family.config_object.empty();
      const bool is_derived = name.ends_with("rotary_emb.inv_freq") || name == "lm_head.weight";
      if (is_of_text && !is_derived && !read.contains(name)) unread.push_back(t.name);
    }
  }
  if (config_.tied_head && tensors_.quantized() != nullptr &&
      tensors_.quantized()->info_of("lm_head.weight") != nullptr)
    all.push_back(tensors_.name() + ": lm_head is quantized, but the head is tied: the embedding is read in its place");
  if (!unread.empty()) {
    constexpr std::size_t shown = 3;
    std::ostringstream text;
    text << tensors_.name() << ": " << unread.size() << " tensors are not read: ";
    for (std::size_t i = 0; i < std::min(shown, unread.size()); ++i) text << (i > 0 ? ", " : "") << unread[i];
    text << (unread.size() > shown ? ", ..." : "");
    all.push_back(text.str());
  }
  return all;
}

std::vector<linear_info> model::other_layers() const {
  std::vector<linear_info> layers;
  std::set<std::string> seen;
  constexpr std::string_view suffix = ".weight";
  for (const safetensors_file& file : tensors_.files()) {
    for (const tensor_info& stored : file.tensors()) {
      const std::string name(tensors_.counts_as(stored.name));
      const tensor_info* t = tensors_.find(name);
      if (t == nullptr || !name.ends_with(suffix) || t->shape.size() < 2 || !seen.insert(name).second) continue;
      if (name.starts_with(config_.family.tensor_prefix) || name == head_ || name == "lm_head.weight") continue;
      const bool is_embedding = t->shape.size() == 2 && name.find("embed") != std::string::npos;
      if (is_embedding) continue;
      layers.push_back({name.substr(0, name.size() - suffix.size()), t->shape[0],
                        t->elements() / std::max<index_t>(t->shape[0], 1)});
    }
  }
  return layers;
}

void model::read_embeddings(std::span<const std::int32_t> ids, matrix out, thread_pool& pool) const {
  for_each_chunk(pool, out.rows(), rows_per_read, [&](index_t begin, index_t end) {
    for (index_t row = begin; row < end; ++row) {
      tensors_.read(embedding_, ids[static_cast<std::size_t>(row)] * config_.hidden,
                    {out.data() + row * out.outerStride(), static_cast<std::size_t>(config_.hidden)});
      check_finite(embedding_, ids[static_cast<std::size_t>(row)], rows_of(as_const(out), row, row + 1));
    }
  });
}

void model::read_block(index_t layer, block_weights& out, thread_pool& pool) const {
  const std::string prefix = layer_prefix(config_, layer);
  for (const slot& s : block_slots(config_)) {
    read_rows(prefix + s.name, 0,
              as_matrix(out.storage.data() + s.offset, s.cols > 0 ? s.rows : 1, s.cols > 0 ? s.cols : s.rows), pool);
  }
}

void model::read_final_norm(std::span<float> out) const {
  tensors_.read(std::string(config_.family.tensor_prefix) + "norm.weight", 0, out);
}

void model::read_head(index_t first, matrix out, thread_pool& pool) const { read_rows(head_, first, out, pool); }

// Rows of a tensor into dense memory.
void model::read_rows(const std::string& tensor, index_t first, matrix out, thread_pool& pool) const {
  for_each_chunk(pool, out.rows(), rows_per_read, [&](index_t begin, index_t end) {
    tensors_.read(tensor, (first + begin) * out.cols(),
                  {out.data() + begin * out.cols(), static_cast<std::size_t>((end - begin) * out.cols())});
  });
  check_finite(tensor, first, as_const(out));
}

void model::check_finite(const std::string& tensor, index_t first_row, const_matrix values) const {
  if (values_ == non_finite::allowed || values.allFinite()) return;
  index_t count = 0;
  std::ostringstream first;
  for (index_t r = 0; r < values.rows(); ++r) {
    for (index_t c = 0; c < values.cols(); ++c) {
      if (std::isfinite(values(r, c))) continue;
      if (count++ == 0) first << '[' << first_row + r << ", " << c << ']';
    }
  }
  std::ostringstream sentence;
  sentence << tensors_.name() << ": tensor \"" << tensor << "\" holds " << count
           << (count == 1 ? " value that is" : " values that are") << " NaN or infinite, the first at " << first.str();
  throw error(errc::non_finite, sentence.str());
}

}  // namespace qgrain::lm
