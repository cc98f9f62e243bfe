#include <lm/model.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <set>
#include <sstream>
#include <utility>

namespace qgrain::lm {

// One tensor of a block: its name behind `layers.<n>.`, its shape (cols 0: a vector) and its place in the block's
// memory.
struct model::slot {
  std::string name;
  index_t rows = 0;
  index_t cols = 0;
  index_t offset = 0;
  bool is_norm = false;

  [[nodiscard]] index_t size() const { return rows * std::max<index_t>(cols, 1); }
  [[nodiscard]] std::vector<std::int64_t> shape() const {
    return cols > 0 ? std::vector<std::int64_t>{rows, cols} : std::vector<std::int64_t>{rows};
  }
};

namespace {

using slot = model::slot;

constexpr index_t rows_per_read = 64;

void place(std::vector<slot>& slots) {
  index_t offset = 0;
  for (slot& s : slots) {
    s.offset = offset;
    offset += (s.size() + 15) / 16 * 16;  // cache lines
  }
}

// Norms behind the Linears and biases, in the order in which block_weights takes them.
struct norm_slot {
  std::string_view name;
  index_t size;
  std::span<const float> block_weights::*weights;
};

std::vector<norm_slot> norm_slots(const model_config& c) {
  const norm_places& places = c.family.norms;
  std::vector<norm_slot> slots;
  const auto add = [&](std::string_view name, index_t size, std::span<const float> block_weights::*weights) {
    if (!name.empty()) slots.push_back({name, size, weights});
  };
  add(places.before_attention, c.hidden, &block_weights::before_attention);
  add(places.after_attention, c.hidden, &block_weights::after_attention);
  add(places.before_mlp, c.hidden, &block_weights::before_mlp);
  add(places.after_mlp, c.hidden, &block_weights::after_mlp);
  if (c.family.query_key_norm != projection_norm::none) {
    const bool is_whole = c.family.query_key_norm == projection_norm::whole;
    add(c.family.names.query_norm, is_whole ? c.query_width() : c.head_size, &block_weights::query_norm);
    add(c.family.names.key_norm, is_whole ? c.key_width() : c.head_size, &block_weights::key_norm);
  }
  return slots;
}

// Linears, biases, norms.
std::vector<slot> block_slots(const model_config& c, bool is_sparse) {
  std::vector<slot> slots;
  const block_layout layout(c, is_sparse);
  for (const block_linear& l : layout.linears) slots.push_back({std::string(l.name) + ".weight", l.out, l.in});
  for (const block_linear& l : layout.linears) {
    if (l.has_bias) slots.push_back({std::string(l.name) + ".bias", l.out});
  }
  for (const norm_slot& n : norm_slots(c)) slots.push_back({std::string(n.name) + ".weight", n.size, 0, 0, true});
  place(slots);
  return slots;
}

std::vector<slot> expert_slots(const model_config& c) {
  std::vector<slot> slots;
  for (const block_linear& l : expert_layout(c)) slots.push_back({std::string(l.name) + ".weight", l.out, l.in});
  place(slots);
  return slots;
}

index_t floats_of(const std::vector<slot>& slots) { return slots.back().offset + slots.back().size(); }

std::string layer_prefix(const model_config& config, index_t layer) {
  return std::string(config.family.tensor_prefix) + "layers." + std::to_string(layer) + ".";
}

std::string expert_prefix(const model_config& config, index_t layer, index_t expert) {
  return layer_prefix(config, layer) + std::string(config.family.experts.experts) + std::to_string(expert) + ".";
}

bool has_layers(const model_config& config, bool is_sparse) {
  return std::any_of(config.layer_rules.begin(), config.layer_rules.end(),
                     [&](const layer_rule& l) { return l.is_sparse == is_sparse; });
}

std::string final_norm_of(const model_config& config) {
  return std::string(config.family.tensor_prefix) + "norm.weight";
}

// Names and shapes, those of experts last.
std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors_of_layer(const model_config& config,
                                                                                index_t layer) {
  std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors;
  const auto add = [&](const std::string& prefix, const std::vector<slot>& slots) {
    for (const slot& s : slots) tensors.emplace_back(prefix + s.name, s.shape());
  };
  add(layer_prefix(config, layer), block_slots(config, config.is_sparse(layer)));
  for (index_t e = 0; e < config.experts && config.is_sparse(layer); ++e)
    add(expert_prefix(config, layer, e), expert_slots(config));
  return tensors;
}

bool is_finite(std::span<const float> values) {
  constexpr std::uint32_t exponent = 0x7F800000;
  std::uint32_t largest = 0;
  for (const float value : values) largest = std::max(largest, std::bit_cast<std::uint32_t>(value) & exponent);
  return largest != exponent;
}

// What is stored to what values are multiplied by.
void finish_norm(const model_config& config, std::span<float> weights) {
  if (!config.family.norms_add_one) return;
  for (float& w : weights) w = 1.0F + w;
}

}  // namespace

block_weights::block_weights(const model_config& config) {
  index_t floats = 0;
  for (const bool is_sparse : {false, true}) {
    if (has_layers(config, is_sparse)) floats = std::max(floats, floats_of(block_slots(config, is_sparse)));
  }
  storage = buffer(floats);
  arrange(config, config.is_sparse(0));
}

void block_weights::arrange(const model_config& config, bool is_sparse) {
  const std::vector<slot> slots = block_slots(config, is_sparse);
  std::size_t next = 0;
  const auto take = [&] {
    const slot& s = slots[next++];
    return std::span<const float>(storage.data() + s.offset, static_cast<std::size_t>(s.size()));
  };
  const block_layout layout(config, is_sparse);
  linears.clear();
  biases.clear();
  for (const block_linear& l : layout.linears) linears.push_back(as_matrix(take().data(), l.out, l.in));
  for (const block_linear& l : layout.linears) biases.push_back(l.has_bias ? take() : std::span<const float>());
  for (const norm_slot& n : norm_slots(config)) this->*n.weights = take();
}

expert_weights::expert_weights(const model_config& config) {
  if (config.experts == 0) return;
  const std::vector<slot> slots = expert_slots(config);
  storage = buffer(floats_of(slots));
  for (const slot& s : slots) linears.push_back(as_const(as_matrix(storage.data() + s.offset, s.rows, s.cols)));
}

model::model(const std::filesystem::path& place, non_finite values, std::span<const architecture> foreign)
    : config_(read_config(place, foreign)),
      dense_(config_, false),
      sparse_(config_, true),
      tensors_(place),
      values_(values),
      embedding_(std::string(config_.family.tensor_prefix) + "embed_tokens.weight"),
      head_(config_.tied_head ? embedding_ : "lm_head.weight") {
  const std::array<std::int64_t, 2> table{config_.vocabulary, config_.hidden};
  tensors_.require(embedding_, table);
  tensors_.require(head_, table);
  tensors_.require(final_norm_of(config_), std::array{config_.hidden});
  for (index_t layer = 0; layer < config_.layers; ++layer) add_layer(layer);
  linears_.push_back({"lm_head", config_.vocabulary, config_.hidden, config_.layers, linears_.back().input + 1});
}

// Checks a layer's tensors and lists its Linears.
void model::add_layer(index_t layer) {
  first_linear_.push_back(static_cast<index_t>(linears_.size()));
  const auto add = [&](const std::string& prefix, std::span<const block_linear> linears) {
    const index_t first = linears_.empty() ? 0 : linears_.back().input + 1;
    for (const block_linear& l : linears) {
      const index_t input = first + static_cast<index_t>(l.input) - static_cast<index_t>(linears.front().input);
      linears_.push_back({prefix + std::string(l.name), l.out, l.in, layer, input});
    }
  };
  for (const auto& [name, shape] : tensors_of_layer(config_, layer)) tensors_.require(name, shape);
  add(layer_prefix(config_, layer), layout(layer).linears);
  if (!config_.is_sparse(layer)) return;
  for (index_t e = 0; e < config_.experts; ++e) add(expert_prefix(config_, layer, e), expert_layout(config_));
}

bool model::is_of_expert(index_t linear) const {
  const index_t layer = linears_[static_cast<std::size_t>(linear)].layer;
  return layer < config_.layers && linear >= linear_of(layer, layout(layer).linears.size());
}

bool model::is_router(index_t linear) const {
  const index_t layer = linears_[static_cast<std::size_t>(linear)].layer;
  return layer < config_.layers && config_.is_sparse(layer) && linear == linear_of(layer, sparse_.router());
}

std::set<std::string> model::read_tensors() const {
  std::set<std::string> read{embedding_, head_, final_norm_of(config_)};
  for (index_t layer = 0; layer < config_.layers; ++layer) {
    for (const auto& [name, shape] : tensors_of_layer(config_, layer)) read.insert(name);
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
      const const_matrix read = rows_of(as_const(out), row, row + 1);
      if (values_ == non_finite::refused && !is_finite({read.data(), static_cast<std::size_t>(read.cols())}))
        refuse_values(embedding_, ids[static_cast<std::size_t>(row)], read);
      if (config_.embedding_scale != 1) out.row(row) *= config_.embedding_scale;
    }
  });
}

void model::read_block(index_t layer, block_weights& out, thread_pool& pool) const {
  out.arrange(config_, config_.is_sparse(layer));
  read_slots(layer_prefix(config_, layer), block_slots(config_, config_.is_sparse(layer)), out.storage, pool);
}

void model::read_expert(index_t layer, index_t expert, expert_weights& out, thread_pool& pool) const {
  read_slots(expert_prefix(config_, layer, expert), expert_slots(config_), out.storage, pool);
}

void model::will_read_block(index_t layer) const {
  will_read_slots(layer_prefix(config_, layer), block_slots(config_, config_.is_sparse(layer)));
}

void model::will_read_expert(index_t layer, index_t expert) const {
  will_read_slots(expert_prefix(config_, layer, expert), expert_slots(config_));
}

void model::will_read_slots(const std::string& prefix, const std::vector<slot>& slots) const {
  for (const slot& s : slots) tensors_.will_read(prefix + s.name);
}

void model::read_slots(const std::string& prefix, const std::vector<slot>& slots, buffer& out,
                       thread_pool& pool) const {
  for (const slot& s : slots) {
    float* const values = out.data() + s.offset;
    read_rows(prefix + s.name, 0, as_matrix(values, s.cols > 0 ? s.rows : 1, s.cols > 0 ? s.cols : s.rows), pool);
    if (s.is_norm) finish_norm(config_, {values, static_cast<std::size_t>(s.size())});
  }
}

void model::read_final_norm(std::span<float> out) const {
  tensors_.read(final_norm_of(config_), 0, out);
  finish_norm(config_, out);
}

void model::read_head(index_t first, matrix out, thread_pool& pool) const { read_rows(head_, first, out, pool); }

// Rows of a tensor into dense memory. What each thread has read it looks at while that is in its cache.
void model::read_rows(const std::string& tensor, index_t first, matrix out, thread_pool& pool) const {
  std::atomic<bool> finite = true;
  for_each_chunk(pool, out.rows(), rows_per_read, [&](index_t begin, index_t end) {
    const std::span<float> rows(out.data() + begin * out.cols(), static_cast<std::size_t>((end - begin) * out.cols()));
    tensors_.read(tensor, (first + begin) * out.cols(), rows);
    if (values_ == non_finite::refused && !is_finite(rows)) finite = false;
  });
  if (!finite) refuse_values(tensor, first, as_const(out));
}

void model::refuse_values(const std::string& tensor, index_t first_row, const_matrix values) const {
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
