#include <engine/calibrate/column_tasks.hpp>
#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/observed_rows.hpp>
#include <engine/calibrate/ranges.hpp>
#include <lm/block_source.hpp>
#include <lm/division.hpp>
#include <lm/head_slabs.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/host/fake_recipe.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>

namespace qgrain::engine {
namespace {

// Any recipe of these granularities asks for the ranges that are wanted here.
const fake_recipe& per_column() {
  static const fake_recipe recipe = recipes::find_fake_recipe("int8/per_in_channel");
  return recipe;
}
const fake_recipe& per_tensor() {
  static const fake_recipe recipe = recipes::find_fake_recipe("int8/per_tensor");
  return recipe;
}

}  // namespace

void widen_columns(lm::const_matrix x, std::span<float> columns, thread_pool& pool) {
  for_each_chunk(pool, x.cols(), columns_per_task, [&](index_t begin, index_t end) {
    widen_ranges(per_column(), columns_of(x, begin, end),
                 columns.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
  });
}

void widen_by(std::span<const float> values, std::vector<float>& most) {
  most.resize(std::max(most.size(), values.size()), 0.0F);
  for (std::size_t i = 0; i < values.size(); ++i) most[i] = largest(std::array{most[i], values[i]});
}

void for_each_expert_input(const lm::model& model, const std::function<void(std::span<const index_t> linears)>& body) {
  const lm::model_config& config = model.config();
  for (index_t layer = 0; layer < config.layers; ++layer) {
    if (!config.is_sparse(layer)) continue;
    for (std::size_t part = 0; part < lm::expert_parts; ++part) {
      std::vector<index_t> linears;
      for (index_t e = 0; e < config.experts; ++e)
        linears.push_back(model.linear_of(layer, e, static_cast<lm::expert_part>(part)));
      body(linears);
    }
  }
}

void widen_batches(lm::const_matrix x, std::span<const std::int32_t> batch_of, std::span<float> batches,
                   thread_pool& pool) {
  // One task per batch that the rows touch.
  pool.run(batch_of.back() - batch_of.front() + 1, [&](index_t task) {
    const auto batch = static_cast<std::int32_t>(batch_of.front() + task);
    const auto [first, end] = std::equal_range(batch_of.begin(), batch_of.end(), batch);
    widen_ranges(per_tensor(), view_of(lm::rows_of(x, first - batch_of.begin(), end - batch_of.begin())),
                 {&batches[static_cast<std::size_t>(batch)], 1});
  });
}

float largest(std::span<const float> values) {
  float most = 0;
  for (const float v : values) most = std::isnan(v) || std::isnan(most) ? std::nanf("") : std::max(most, v);
  return most;
}

std::vector<std::int32_t> batch_of_rows(const lm::packed_rows& rows) {
  std::vector<std::int32_t> batch_of(static_cast<std::size_t>(rows.rows()));
  for (const lm::sequence_rows& s : rows.sequences)
    std::fill(batch_of.begin() + s.begin, batch_of.begin() + s.end(), static_cast<std::int32_t>(s.batch));
  return batch_of;
}

std::vector<index_t> first_linears_of_inputs(const lm::model& model) {
  std::vector<index_t> first;
  for (const lm::linear_info& l : model.linears()) {
    const auto number = static_cast<index_t>(first.size());
    const bool is_shared = number > 0 && model.linears()[first.size() - 1].input == l.input;
    first.push_back(is_shared ? first.back() : number);
  }
  return first;
}

std::string fnv1a::text() const {
  std::ostringstream text;
  text << std::hex << std::setw(16) << std::setfill('0') << hash_;
  return text.str();
}

void for_each_weight(
    const lm::model& model, thread_pool& pool, const lm::pass_limits& limits, common::communicator* ranks,
    const std::function<void(std::size_t linear, index_t first_output, lm::const_matrix weight)>& body) {
  const lm::model_config& config = model.config();
  const lm::head_slabs slabs(model, pool, limits);
  std::vector<index_t> sizes(static_cast<std::size_t>(config.layers), 0);
  for (const lm::linear_info& l : model.linears()) {
    if (l.layer < config.layers) sizes[static_cast<std::size_t>(l.layer)] += l.elements();
  }
  sizes.insert(sizes.end(), static_cast<std::size_t>(slabs.slabs()), model.linears().back().elements() / slabs.slabs());
  index_t begin = 0, end = config.layers + slabs.slabs();
  if (common::is_divided(ranks)) {
    const std::vector<index_t> bounds = lm::divide(sizes, ranks->size());
    begin = bounds[static_cast<std::size_t>(ranks->rank())];
    end = bounds[static_cast<std::size_t>(ranks->rank()) + 1];
  }
  lm::block_source blocks(model);
  lm::expert_weights expert(config);
  const index_t end_layer = std::min(end, config.layers);
  for (index_t layer = begin; layer < end_layer; ++layer) {
    const lm::block_weights& block = blocks.read(layer, layer + 1 < end_layer ? layer + 1 : config.layers, pool);
    auto linear = static_cast<std::size_t>(model.linear_of(layer, 0));
    for (const lm::const_matrix& weight : block.linears) body(linear++, 0, weight);
    for (index_t e = 0; e < config.experts && config.is_sparse(layer); ++e) {
      model.read_expert(layer, e, expert, pool);
      for (const lm::const_matrix& weight : expert.linears) body(linear++, 0, weight);
    }
  }
  slabs.for_each_slab(std::max(begin, config.layers) - config.layers, std::max(end, config.layers) - config.layers,
                      [&](index_t first_output, lm::const_matrix weight) {
                        body(static_cast<std::size_t>(model.head_linear()), first_output, weight);
                      });
}

std::vector<weight_range> find_weight_ranges(const lm::model& model, thread_pool& pool, common::communicator* ranks) {
  std::vector<weight_range> ranges;
  for (const lm::linear_info& l : model.linears())
    ranges.push_back({std::vector<float>(static_cast<std::size_t>(l.in), 0.0F), 0});
  for_each_weight(model, pool, {}, ranks, [&](std::size_t linear, index_t, lm::const_matrix weight) {
    widen_columns(weight, ranges[linear].columns, pool);
  });
  if (common::is_divided(ranks)) {
    std::vector<float> all;
    for (const weight_range& range : ranges) all.insert(all.end(), range.columns.begin(), range.columns.end());
    ranks->widen(all);
    auto from = all.cbegin();
    for (weight_range& range : ranges) {
      for (float& column : range.columns) column = *from++;
    }
  }
  std::string faults;
  for (std::size_t l = 0; l < ranges.size(); ++l) {
    ranges[l].tensor = largest(ranges[l].columns);
    if (!std::isfinite(ranges[l].tensor)) faults += (faults.empty() ? "" : ", ") + model.linears()[l].name + ".weight";
  }
  if (!faults.empty()) throw error(errc::non_finite, model.tensors().name() + ": NaN or infinity in " + faults);
  return ranges;
}

void share_tensor_ranges(const lm::model& model, std::vector<weight_range>& ranges) {
  const std::vector<lm::linear_info>& linears = model.linears();
  for (std::size_t begin = 0; begin < linears.size();) {
    std::size_t end = begin;
    float shared = 0;
    for (; end < linears.size() && linears[end].input == linears[begin].input; ++end)
      shared = std::max(shared, ranges[end].tensor);
    for (; begin < end; ++begin) ranges[begin].tensor = shared;
  }
}

std::vector<float> tensor_ranges(const std::vector<weight_range>& ranges) {
  std::vector<float> tensors;
  for (const weight_range& range : ranges) tensors.push_back(range.tensor);
  return tensors;
}

std::string model_fingerprint(const lm::model& model, const std::vector<weight_range>& ranges) {
  fnv1a hash;
  for (std::size_t l = 0; l < ranges.size(); ++l) {
    const lm::linear_info& info = model.linears()[l];
    hash.add(std::as_bytes(std::span(info.name)));
    hash.add(std::as_bytes(std::span(&info.out, 1)));
    hash.add(std::as_bytes(std::span(ranges[l].columns)));
  }
  return hash.text();
}

input_ranges::input_ranges(const lm::pass_context& context)
    : model_(context.model),
      pool_(context.pool),
      batch_of_(batch_of_rows(context.rows)),
      entry_index_(model_.linears().size()),
      seen_(model_.linears().size(), false),
      entries_(model_.linears().size()) {
  for (entry& e : entries_) e.batches.assign(static_cast<std::size_t>(context.rows.batches()), 0.0F);
  std::iota(entry_index_.begin(), entry_index_.end(), index_t{0});
}

void input_ranges::observe(const lm::linear_input& input) {
  entry& e = entries_[static_cast<std::size_t>(input.first_linear)];
  std::fill_n(entry_index_.begin() + input.first_linear, input.linears, input.first_linear);
  std::fill_n(seen_.begin() + input.first_linear, input.linears, true);
  e.channels.resize(static_cast<std::size_t>(input.x.cols()), 0.0F);
  widen_columns(input.x, e.channels, pool_);
  e.tensor = largest(e.channels);
  widen_batches(input.x, observed_rows(input, batch_of_).all(), e.batches, pool_);
}

void input_ranges::complete_experts(bool shared) {
  for_each_expert_input(model_, [&](std::span<const index_t> linears) {
    entry all;
    for (const index_t linear : linears) {
      if (!has_seen(linear)) continue;
      widen_by(entry_of(linear).channels, all.channels);
    }
    for (const index_t linear : linears) {
      entry& own = entries_[static_cast<std::size_t>(entry_index_[static_cast<std::size_t>(linear)])];
      if (!has_seen(linear) || shared) {
        own.channels = all.channels;
        own.tensor = largest(all.channels);
      }
      for (float& batch : own.batches) batch = batch > 0 ? batch : own.tensor;
    }
  });
}

void input_ranges::widen(common::communicator& ranks) {
  entry_index_ = first_linears_of_inputs(model_);
  std::vector<float> all;
  for (std::size_t l = 0; l < entries_.size(); ++l) {
    entry& e = entries_[l];
    if (entry_index_[l] != static_cast<index_t>(l)) continue;
    e.channels.resize(static_cast<std::size_t>(model_.linears()[l].in), 0.0F);  // it may have seen none
    for (const std::vector<float>* part : {&e.channels, &e.batches}) all.insert(all.end(), part->begin(), part->end());
  }
  for (const bool is_seen : seen_) all.push_back(is_seen ? 1.0F : 0.0F);
  ranks.widen(all);
  auto from = all.cbegin();
  for (std::size_t l = 0; l < entries_.size(); ++l) {
    entry& e = entries_[l];
    if (entry_index_[l] != static_cast<index_t>(l)) continue;
    for (std::vector<float>* part : {&e.channels, &e.batches}) {
      std::copy_n(from, part->size(), part->begin());
      from += static_cast<std::ptrdiff_t>(part->size());
    }
    e.tensor = largest(e.channels);
  }
  for (std::size_t l = 0; l < seen_.size(); ++l) seen_[l] = *from++ != 0;
}

void input_ranges::require_finite() const {
  std::vector<std::string> faults;
  for (std::size_t l = 0; l < model_.linears().size(); ++l) {
    if (!std::isfinite(tensor(static_cast<index_t>(l)))) faults.push_back(model_.linears()[l].name);
  }
  if (faults.empty()) return;
  throw error(errc::non_finite,
              model_.tensors().name() + ": NaN or infinity in the input of " + faults.front() +
                  (faults.size() > 1 ? " and of " + std::to_string(faults.size() - 1) + " Linears behind it" : ""));
}

}  // namespace qgrain::engine
