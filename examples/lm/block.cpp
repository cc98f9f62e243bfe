#include <lm/block_parts.hpp>

namespace qgrain::lm {
namespace {

// y := x, normed unless there is no norm.
void norm_or_copy(const_matrix x, std::span<const float> weight, float epsilon, matrix y) {
  if (weight.empty()) {
    y = x;
  } else {
    rms_norm(x, weight, epsilon, y);
  }
}

}  // namespace

index_t block_workspace::width(const model_config& c) {
  const norm_places& norms = c.family.norms;
  const index_t behind = (norms.after_attention.empty() ? 0 : 1) + (norms.after_mlp.empty() ? 0 : 1);
  const index_t of_experts = c.experts > 0 ? 6 * c.hidden + 5 * c.expert_width + 2 * c.experts : 0;
  return (7 + (behind > 0 ? behind + 1 : 0)) * c.hidden + 5 * c.query_width() + 5 * c.key_width() + 5 * c.intermediate +
         of_experts;
}

block_workspace::block_workspace(const model_config& c, index_t n)
    : attention_input(n * c.hidden),
      turned_query(n * c.query_width()),
      turned_key(n * c.key_width()),
      attended(n * c.query_width()),
      middle(n * c.hidden),
      mlp_input(n * c.hidden),
      activated(n * c.intermediate),
      d_middle(n * c.hidden),
      d_attended(n * c.query_width()),
      d_input(n * c.hidden) {
  const norm_places& norms = c.family.norms;
  if (!norms.after_attention.empty() || !norms.after_mlp.empty()) branch = buffer(n * c.hidden);
  if (c.experts > 0) {
    mixed = buffer(n * c.hidden);
    d_mixed = buffer(n * c.hidden);
  }
  const auto has = [&](block_input input) {
    return input == block_input::attended    ? !norms.after_attention.empty()
           : input == block_input::activated ? !norms.after_mlp.empty()
                                             : true;
  };
  // A place in the layouts of both kinds of layers has the memory of the larger Linear.
  std::vector<index_t> width_of;
  std::vector<bool> has_gradient;
  for (const layer_rule& rule : c.layer_rules) {
    const block_layout layout(c, rule.is_sparse);
    width_of.resize(std::max(width_of.size(), layout.linears.size()), 0);
    has_gradient.resize(width_of.size(), false);
    for (std::size_t l = 0; l < layout.linears.size(); ++l) {
      width_of[l] = std::max(width_of[l], layout.linears[l].out);
      if (has(layout.linears[l].input)) has_gradient[l] = true;
    }
  }
  for (std::size_t l = 0; l < width_of.size(); ++l) {
    outputs.emplace_back(n * width_of[l]);
    gradients.emplace_back(has_gradient[l] ? n * width_of[l] : 0);
  }
}

buffer& block_runner::input_of(block_input input) {
  switch (input) {
    case block_input::attention:
      return work_.attention_input;
    case block_input::attended:
      return work_.attended;
    case block_input::mlp:
      return work_.mlp_input;
    default:
      return work_.activated;
  }
}

matrix block_runner::part_of(std::vector<buffer>& all, const block_part& part, index_t begin, index_t end) {
  const index_t out = layout_->linears[part.linear].out;
  return {all[part.linear].data() + begin * out + part.first, end - begin, part.width, Eigen::OuterStride<>(out)};
}

matrix block_runner::rows_at(std::vector<buffer>& all, std::size_t linear, index_t begin, index_t end) {
  return rows_of(all[linear].view(end, layout_->linears[linear].out), begin, end);
}

const_matrix block_runner::input_rows(block_input input, index_t begin, index_t end) {
  return as_const(rows_of(input_of(input).view(end, layout_->linears[layout_->first(input)].in), begin, end));
}

// The Linears of one input, for rows [b, e) of the chunk.
void block_runner::linears(const block_weights& w, block_input input, index_t b, index_t e) {
  for (std::size_t l = layout_->first(input); l < layout_->end(input); ++l)
    linear(input_rows(input, b, e), w.linears[l], w.biases[l], rows_at(work_.outputs, l, b, e));
}

void block_runner::attention_input(const block_weights& w, const_matrix x, index_t b, index_t e) {
  norm_or_copy(rows_of(x, b, e), w.before_attention, config_.norm_epsilon,
               rows_of(work_.attention_input.view(e, config_.hidden), b, e));
}

// Queries and keys of rows [b, e) of the chunk: normed and turned.
void block_runner::turn_heads(const block_weights& w, const chunk& part, index_t layer, index_t b, index_t e) {
  const index_t rotation = config_.layer_rules[static_cast<std::size_t>(layer)].rotation;
  const auto turn = [&](const block_part& projection, std::span<const float> norm, buffer& turned) {
    const const_matrix from = as_const(part_of(work_.outputs, projection, b, e));
    matrix to = rows_of(turned.view(e, projection.width), b, e);
    if (norm.empty()) {
      to = from;
    } else {
      for_each_row_of_heads(from, to, static_cast<index_t>(norm.size()), [&](const_matrix before, matrix after) {
        rms_norm(before, norm, config_.norm_epsilon, after);
      });
    }
    if (rotation == layer_rule::unrotated) return;
    rope(to, config_.head_size, config_.rotations[static_cast<std::size_t>(rotation)].size,
         angles_.of(rotation, part.begin + b, part.begin + e));
  };
  turn(layout_->query, w.query_norm, work_.turned_query);
  turn(layout_->key, w.key_norm, work_.turned_key);
}

// x [n, d] -> queries and keys (normed, turned) and values.
void block_runner::until_attention(const block_weights& w, const chunk& part, index_t layer, const_matrix x) {
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    attention_input(w, x, b, e);
    linears(w, block_input::attention, b, e);
    turn_heads(w, part, layer, b, e);
  });
}

attention_rule block_runner::attention_of(index_t layer) const {
  return {config_.attention_scale, config_.attention_cap, config_.layer_rules[static_cast<std::size_t>(layer)].window};
}

// A padding row attends to nothing and nothing attends to it: its output and its gradients are 0.
void block_runner::attend(const chunk& part, index_t layer) {
  const index_t n = part.rows();
  const matrix query = work_.turned_query.view(n, config_.query_width());
  const matrix key = work_.turned_key.view(n, config_.key_width());
  const matrix value = part_of(work_.outputs, layout_->value, 0, n);
  const matrix attended = work_.attended.view(n, config_.query_width());
  for_each_head(part, [&](const sequence_rows& s, const auto& view) {
    const auto head = [&](matrix all) { return view(all, s.first_token(), s.tokens()); };
    if (s.padding > 0) view(attended, s.begin, 1).setZero();
    attention(as_const(head(query)), as_const(head(key)), as_const(head(value)), s.padding, attention_of(layer),
              head(attended));
  });
}

// sum := stream + what a branch gives, normed where a norm follows it; rows from `b` of the chunk on.
void block_runner::add_branch(std::span<const float> norm, const_matrix stream, const_matrix branch, index_t b,
                              matrix sum) {
  if (norm.empty()) return add(stream, branch, sum);
  const index_t e = b + sum.rows();
  const matrix normed = rows_of(work_.branch.view(e, config_.hidden), b, e);
  rms_norm(branch, norm, config_.norm_epsilon, normed);
  add(stream, as_const(normed), sum);
}

// The output projection's output -> residual stream -> the MLP's input.
void block_runner::mlp_input(const block_weights& w, const_matrix x, index_t b, index_t e) {
  const matrix middle = rows_of(work_.middle.view(e, config_.hidden), b, e);
  add_branch(w.after_attention, rows_of(x, b, e), as_const(rows_at(work_.outputs, layout_->output_projection(), b, e)),
             b, middle);
  norm_or_copy(as_const(middle), w.before_mlp, config_.norm_epsilon,
               rows_of(work_.mlp_input.view(e, config_.hidden), b, e));
}

void block_runner::activate(index_t b, index_t e) {
  gated(config_.activation, as_const(part_of(work_.outputs, layout_->gate, b, e)),
        as_const(part_of(work_.outputs, layout_->up, b, e)),
        rows_of(work_.activated.view(e, config_.intermediate), b, e));
}

// What the MLP or the experts give.
matrix block_runner::mlp_output(index_t b, index_t e) {
  return layout_->is_empty(block_input::activated) ? rows_of(work_.mixed.view(e, config_.hidden), b, e)
                                                   : rows_at(work_.outputs, layout_->down_projection(), b, e);
}

// Attention's output -> output projection, residual stream, MLP, for rows [b, e) of the chunk.
void block_runner::after_attention(const block_weights& w, const_matrix x, index_t b, index_t e) {
  linears(w, block_input::attended, b, e);
  mlp_input(w, x, b, e);
  linears(w, block_input::mlp, b, e);
  activate(b, e);
  linears(w, block_input::activated, b, e);
}

// The Linears of one input, by the override where it wants them.
void block_runner::compute(const block_weights& w, const chunk& part, index_t layer, block_input input,
                           linear_override* instead) {
  const index_t n = part.rows();
  const const_matrix x = input_rows(input, 0, n);
  std::vector<linear_product> products;
  bool is_replaced = false;
  for (std::size_t l = layout_->first(input); l < layout_->end(input); ++l) {
    const index_t number = model_.linear_of(layer, l);
    is_replaced = is_replaced || (instead != nullptr && instead->replaces(number));
    products.push_back({number, 0, w.linears[l], w.biases[l], rows_at(work_.outputs, l, 0, n)});
  }
  if (!is_replaced) {
    return for_each_task(pool_, part, [&](index_t b, index_t e) {
      for (const linear_product& p : products) linear(rows_of(x, b, e), p.weight, p.bias, rows_of(p.y, b, e));
    });
  }
  instead->observe({products.front().linear, static_cast<index_t>(products.size()), part.begin, x, {}});
  instead->compute({x, row_numbers(part), products, part.bundles});
}

// The same operations as in until_attention and after_attention, with all rows of the chunk through one of them before
// the next begins.
void block_runner::forward_in_stages(const block_weights& w, const chunk& part, index_t layer, const_matrix x,
                                     const participants& others) {
  for_each_task(pool_, part, [&](index_t b, index_t e) { attention_input(w, x, b, e); });
  compute(w, part, layer, block_input::attention, others.instead);
  for_each_task(pool_, part, [&](index_t b, index_t e) { turn_heads(w, part, layer, b, e); });
  attend(part, layer);
  compute(w, part, layer, block_input::attended, others.instead);
  for_each_task(pool_, part, [&](index_t b, index_t e) { mlp_input(w, x, b, e); });
  compute(w, part, layer, block_input::mlp, others.instead);
  if (config_.is_sparse(layer)) return mix_experts(part, layer, others);
  for_each_task(pool_, part, [&](index_t b, index_t e) { activate(b, e); });
  compute(w, part, layer, block_input::activated, others.instead);
}

void block_runner::forward(const block_weights& w, const chunk& part, index_t layer, matrix x_all,
                           const participants& others) {
  const auto& [observer, instead] = others;
  const index_t n = part.rows();
  const matrix y = rows_of(x_all, part.begin, part.end);
  const const_matrix x = as_const(y);
  layout_ = &model_.layout(layer);
  bool in_stages = config_.is_sparse(layer);
  for (std::size_t l = 0; l < layout_->linears.size() && instead != nullptr; ++l)
    in_stages = in_stages || instead->replaces(model_.linear_of(layer, l));
  if (in_stages) {
    forward_in_stages(w, part, layer, x, others);
  } else {
    until_attention(w, part, layer, x);
    attend(part, layer);
  }
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    if (!in_stages) after_attention(w, x, b, e);
    add_branch(w.after_mlp, as_const(rows_of(work_.middle.view(n, config_.hidden), b, e)), as_const(mlp_output(b, e)),
               b, rows_of(y, b, e));
  });
  if (observer == nullptr) return;
  for (std::size_t i = 0; i < block_inputs; ++i) {
    const auto input = static_cast<block_input>(i);
    if (layout_->is_empty(input)) continue;
    for (std::size_t b = 0; b + 1 < part.bundles.size(); ++b) {
      observer->observe({model_.linear_of(layer, layout_->first(input)),
                         static_cast<index_t>(layout_->end(input) - layout_->first(input)),
                         part.begin + part.bundles[b],
                         input_rows(input, part.bundles[b], part.bundles[b + 1]),
                         {}});
    }
  }
}

}  // namespace qgrain::lm
