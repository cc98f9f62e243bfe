#include <lm/block_parts.hpp>

namespace qgrain::lm {

// The gradient at the output of a branch, given that at the stream.
const_matrix block_runner::branch_gradient(std::span<const float> norm, const_matrix branch, buffer& in_front,
                                           const_matrix gradient, index_t b, index_t e) {
  if (norm.empty()) return gradient;
  const matrix out = rows_of(in_front.view(e, config_.hidden), b, e);
  rms_norm_backward(branch, norm, config_.norm_epsilon, gradient, out);
  return as_const(out);
}

// dx := the gradient at an input, given those at its Linears.
void block_runner::input_backward(const block_weights& w, block_input input, index_t b, index_t e, matrix dx) {
  for (std::size_t l = layout_->first(input); l < layout_->end(input); ++l) {
    const const_matrix g = as_const(rows_at(work_.gradients, l, b, e));
    if (l == layout_->first(input)) {
      linear_backward(g, w.linears[l], dx);
    } else {
      linear_backward_add(g, w.linears[l], dx);
    }
  }
}

// From the block's output to the MLP's input.
void block_runner::mlp_backward(const block_weights& w, const_matrix gradient, index_t b, index_t e) {
  const matrix du = part_of(work_.gradients, layout_->up, b, e);
  const std::size_t down = layout_->down_projection();
  linear_backward(
      branch_gradient(w.after_mlp, as_const(mlp_output(b, e)), work_.gradients[down], rows_of(gradient, b, e), b, e),
      w.linears[down], du);
  gated_backward(config_.activation, as_const(part_of(work_.outputs, layout_->gate, b, e)),
                 as_const(part_of(work_.outputs, layout_->up, b, e)), as_const(du),
                 part_of(work_.gradients, layout_->gate, b, e), du);
  input_backward(w, block_input::mlp, b, e, rows_of(work_.d_middle.view(e, config_.hidden), b, e));
}

// From the MLP's input, with the block's output, to the stream between attention and MLP, and to attention's output.
void block_runner::stream_backward(const block_weights& w, const_matrix gradient, index_t b, index_t e) {
  const matrix dm = rows_of(work_.d_middle.view(e, config_.hidden), b, e);
  if (!w.before_mlp.empty()) {
    rms_norm_backward(as_const(rows_of(work_.middle.view(e, config_.hidden), b, e)), w.before_mlp, config_.norm_epsilon,
                      as_const(dm), dm);
  }
  add(rows_of(gradient, b, e), as_const(dm), dm);
  const std::size_t output = layout_->output_projection();
  linear_backward(branch_gradient(w.after_attention, as_const(rows_at(work_.outputs, output, b, e)),
                                  work_.gradients[output], as_const(dm), b, e),
                  w.linears[output], rows_of(work_.d_attended.view(e, config_.query_width()), b, e));
}

void block_runner::attend_backward(const chunk& part, index_t layer) {
  const index_t n = part.rows();
  const matrix query = work_.turned_query.view(n, config_.query_width());
  const matrix key = work_.turned_key.view(n, config_.key_width());
  const matrix value = part_of(work_.outputs, layout_->value, 0, n);
  const matrix d_attended = work_.d_attended.view(n, config_.query_width());
  const matrix d_query = part_of(work_.gradients, layout_->query, 0, n);
  const matrix d_key = part_of(work_.gradients, layout_->key, 0, n);
  const matrix d_value = part_of(work_.gradients, layout_->value, 0, n);
  for_each_head(part, [&](const sequence_rows& s, const auto& view) {
    const auto head = [&](matrix all) { return view(all, s.first_token(), s.tokens()); };
    if (s.padding > 0) {
      for (const matrix& all : {d_query, d_key, d_value}) view(all, s.begin, 1).setZero();
    }
    attention_backward(as_const(head(query)), as_const(head(key)), as_const(head(value)), as_const(head(d_attended)),
                       attention_of(layer), head(d_query), head(d_key), head(d_value));
  });
}

// Gradients at turned queries and keys -> those at their Linears.
void block_runner::turn_back(const block_weights& w, const chunk& part, index_t layer, index_t b, index_t e) {
  const index_t rotation = config_.layer_rules[static_cast<std::size_t>(layer)].rotation;
  const auto turn = [&](const block_part& projection, std::span<const float> norm) {
    const matrix g = part_of(work_.gradients, projection, b, e);
    if (rotation != layer_rule::unrotated) {
      rope_backward(g, config_.head_size, config_.rotations[static_cast<std::size_t>(rotation)].size,
                    angles_.of(rotation, part.begin + b, part.begin + e));
    }
    if (norm.empty()) return;
    for_each_row_of_heads(as_const(part_of(work_.outputs, projection, b, e)), g, static_cast<index_t>(norm.size()),
                          [&](const_matrix before, matrix heads) {
                            rms_norm_backward(before, norm, config_.norm_epsilon, as_const(heads), heads);
                          });
  };
  turn(layout_->query, w.query_norm);
  turn(layout_->key, w.key_norm);
}

// Shows the Linears of an input; `gradient` is that at the stream behind them, where they are in front of one.
void block_runner::show(const block_weights& w, const chunk& part, index_t layer, block_input input,
                        const_matrix gradient, backward_visitor& visitor) {
  const index_t n = part.rows();
  std::vector<linear_output> outputs;
  for (std::size_t l = layout_->first(input); l < layout_->end(input); ++l) {
    const bool is_own = work_.gradients[l].size() > 0;
    outputs.push_back({model_.linear_of(layer, l), 0, w.linears[l], w.biases[l],
                       as_const(rows_at(work_.outputs, l, 0, n)),
                       is_own ? as_const(rows_at(work_.gradients, l, 0, n)) : gradient});
  }
  visitor.visit({input_rows(input, 0, n), row_numbers(part), outputs, part.bundles});
}

void block_runner::backward(const block_weights& w, const chunk& part, index_t layer, matrix x_all, matrix gradient_all,
                            backward_visitor& visitor) {
  const index_t n = part.rows();
  const const_matrix x = as_const(rows_of(x_all, part.begin, part.end));
  const matrix gradient = rows_of(gradient_all, part.begin, part.end);  // [n, d] at the output, then at the input
  const const_matrix d_middle = as_const(work_.d_middle.view(n, config_.hidden));

  layout_ = &model_.layout(layer);
  until_attention(w, part, layer, x);
  attend(part, layer);
  if (config_.is_sparse(layer)) {
    sparse_backward(w, part, layer, x, as_const(gradient), visitor);
  } else {
    for_each_task(pool_, part, [&](index_t b, index_t e) {
      after_attention(w, x, b, e);
      mlp_backward(w, as_const(gradient), b, e);
      stream_backward(w, as_const(gradient), b, e);
    });
    show(w, part, layer, block_input::activated, as_const(gradient), visitor);
  }
  show(w, part, layer, block_input::mlp, d_middle, visitor);
  show(w, part, layer, block_input::attended, d_middle, visitor);
  attend_backward(part, layer);
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    turn_back(w, part, layer, b, e);
    if (layer == 0) return;
    const matrix di = rows_of(work_.d_input.view(n, config_.hidden), b, e);
    input_backward(w, block_input::attention, b, e, di);
    if (!w.before_attention.empty())
      rms_norm_backward(rows_of(x, b, e), w.before_attention, config_.norm_epsilon, as_const(di), di);
    add(rows_of(d_middle, b, e), as_const(di), rows_of(gradient, b, e));
  });
  show(w, part, layer, block_input::attention, d_middle, visitor);
}

}  // namespace qgrain::lm
