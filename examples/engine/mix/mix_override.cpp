#include <engine/calibrate/fake_linear.hpp>
#include <engine/calibrate/observed_rows.hpp>
#include <engine/calibrate/ranges.hpp>
#include <engine/mix/mix_override.hpp>
#include <lm/chunk.hpp>
#include <lm/head_slabs.hpp>
#include <lm/operations.hpp>
#include <recipes/fake_recipes.hpp>

#include <algorithm>
#include <cmath>

namespace qgrain::engine {
namespace {

std::size_t linears_of_largest_block(const lm::model& model) {
  std::size_t most = 0;
  for (index_t layer = 0; layer < model.config().layers; ++layer)
    most = std::max(most, model.layout(layer).linears.size());
  return most;
}

}  // namespace

mix_override::mix_override(const lm::model& model, const recipe_mix& mix, thread_pool& pool,
                           common::communicator* ranks)
    : model_(model),
      mix_(mix),
      pool_(pool),
      ranks_(ranks),
      made_(linears_of_largest_block(model) + lm::expert_parts + 1) {
  require_ranges(mix, model);
  for (const linear_recipes& r : mix.linears) {
    if (r.activation && input_range_of(*r.activation) == input_range::batch) needs_whole_batches_ = true;
  }
}

void mix_override::begin(const lm::packed_rows& rows) {
  batch_of_ = batch_of_rows(rows);
  batch_ranges_.assign(static_cast<std::size_t>(rows.batches()), 0.0F);
  observed_ = -1;
  ended_ = 0;
}

bool mix_override::replaces(index_t linear) const {
  return recipes(linear).weight || recipes(linear).activation || !scale(linear).empty();
}

bool mix_override::has_batch_range(index_t linear) const {
  const auto& recipe = recipes(linear).activation;
  return recipe && input_range_of(*recipe) == input_range::batch;
}

void mix_override::observe(const lm::linear_input& input) {
  bool is_needed = false;
  for (index_t l = input.first_linear; l < input.first_linear + input.linears; ++l)
    is_needed = is_needed || has_batch_range(l);
  if (!is_needed) return;
  if (observed_ != input.first_linear) std::fill(batch_ranges_.begin(), batch_ranges_.end(), 0.0F);
  observed_ = input.first_linear;
  widen_batches(input.x, observed_rows(input, batch_of_).all(), batch_ranges_, pool_);
}

// Behind the last block the head's input has been observed, whose rows are divided anew.
void mix_override::layer_end() {
  if (++ended_ <= model_.config().layers || !common::is_divided(ranks_) || !has_batch_range(model_.head_linear()))
    return;
  if (observed_ != model_.head_linear()) std::fill(batch_ranges_.begin(), batch_ranges_.end(), 0.0F);
  observed_ = model_.head_linear();
  ranks_->widen(batch_ranges_);
}

mix_override::weight_magnitudes mix_override::magnitudes(const lm::linear_product& product) {
  weight_magnitudes found;
  const fake_recipe& recipe = *recipes(product.linear).weight;
  if (!recipe.needs_column_range() && !recipe.needs_tensor_range()) return found;
  if (const auto given = mix_.weight_range_of(static_cast<std::size_t>(product.linear))) {
    found.tensor = *given;
    return found;
  }
  const bool is_head = product.linear == model_.head_linear();
  if (is_head && has_head_) return head_;
  found.columns.assign(static_cast<std::size_t>(product.weight.cols()), 0.0F);
  if (is_head) {
    lm::head_slabs(model_, pool_, {}).for_each(1, [&](index_t, lm::const_matrix w, index_t, index_t) {
      widen_columns(w, found.columns, pool_);
    });
  } else {
    widen_columns(product.weight, found.columns, pool_);
  }
  found.tensor = largest(found.columns);
  if (is_head) {
    head_ = found;
    has_head_ = true;
  }
  return found;
}

// Where a Linear of a block is kept; those of its experts take turns.
std::size_t mix_override::place_of(index_t linear) const {
  const index_t layer = model_.linears()[static_cast<std::size_t>(linear)].layer;
  const auto place = static_cast<std::size_t>(linear - model_.linear_of(layer, 0));
  const std::size_t others = model_.layout(layer).linears.size();
  return place < others ? place : others + (place - others) % lm::expert_parts;
}

// The weight or its quantized values, which are kept until another block or slab comes.
lm::const_matrix mix_override::weight_of(const lm::linear_product& product) {
  const auto& recipe = recipes(product.linear).weight;
  const std::vector<float> inverse = reciprocals(scale(product.linear));
  if (!recipe && inverse.empty()) return product.weight;
  const bool is_head = product.linear == model_.head_linear();
  made_weight& made = made_[is_head ? made_.size() - 1 : place_of(product.linear)];
  const index_t size = product.weight.size();
  if (made.values.size() < size) {
    made.values = lm::buffer(size);
    made.linear = -1;
  }
  const lm::matrix values = made.values.view(product.weight.rows(), product.weight.cols());
  if (made.linear != product.linear || made.first_output != product.first_output) {
    weight_magnitudes range = recipe ? magnitudes(product) : weight_magnitudes();
    if (!inverse.empty()) {
      for_each_chunk(pool_, values.rows(), task_rows, [&](index_t begin, index_t end) {
        scale_columns(lm::rows_of(product.weight, begin, end), inverse, lm::rows_of(values, begin, end));
      });
      range.columns = scaled_columns(range.columns, inverse);
      range.tensor = largest(range.columns);
    }
    if (recipe) {
      quantize_weight(*recipe, {range.columns, range.tensor, {}}, product.first_output,
                      inverse.empty() ? product.weight : lm::as_const(values), values, pool_);
    }
    made.linear = product.linear;
    made.first_output = product.first_output;
  }
  return lm::as_const(values);
}

void mix_override::compute(const lm::linear_call& call) {
  std::vector<lm::const_matrix> weights;
  for (const lm::linear_product& p : call.outputs) weights.push_back(weight_of(p));
  std::vector<std::int32_t> batches;
  for (const std::int32_t row : call.rows) batches.push_back(batch_of_[static_cast<std::size_t>(row)]);
  lm::for_each_task(pool_, call.x.rows(), call.bundles, [&](index_t begin, index_t end) {
    const lm::const_matrix x = lm::rows_of(call.x, begin, end);
    lm::buffer memory(x.size());
    const lm::matrix quantized = memory.view(x.rows(), x.cols());
    std::string made;  // the recipe that `quantized` is under
    for (std::size_t o = 0; o < call.outputs.size(); ++o) {
      const lm::linear_product& p = call.outputs[o];
      const auto& recipe = recipes(p.linear).activation;
      const std::vector<float>& amax = mix_.input_amax[static_cast<std::size_t>(p.linear)];
      const bool is_scaled = !scale(p.linear).empty();
      if (is_scaled) {
        scale_columns(x, scale(p.linear), quantized);
        made.clear();
      }
      // Linears that share an input may still have been given different ranges and scales.
      if (recipe && (is_scaled || made != recipe->name || input_range_of(*recipe) == input_range::calibrated)) {
        quantize_input(
            *recipe, {amax, largest(amax), batch_ranges_},
            std::span(batches).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
            is_scaled ? lm::as_const(quantized) : x, quantized);
        if (!is_scaled) made = recipe->name;
      }
      lm::linear(recipe || is_scaled ? lm::as_const(quantized) : x, weights[o], p.bias, lm::rows_of(p.y, begin, end));
    }
  });
}

}  // namespace qgrain::engine
