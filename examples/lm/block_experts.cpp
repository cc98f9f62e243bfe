// Layers with experts: one expert's weights in memory at a time, over the rows that the router sends to it.
#include <lm/block_parts.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace qgrain::lm {
namespace {

std::vector<std::int32_t> numbers_of(const chunk& part, std::span<const std::int32_t> rows) {
  std::vector<std::int32_t> numbers(rows.begin(), rows.end());
  for (std::int32_t& number : numbers) number += static_cast<std::int32_t>(part.begin);
  return numbers;
}

// The next expert that has rows.
std::optional<index_t> next_used(const std::vector<expert_choice::part>& parts, index_t expert) {
  const auto is_used = [](const expert_choice::part& p) { return !p.rows.empty(); };
  const auto found = std::find_if(parts.begin() + expert + 1, parts.end(), is_used);
  return found == parts.end() ? std::nullopt : std::optional(static_cast<index_t>(found - parts.begin()));
}

}  // namespace

expert_workspace::expert_workspace(const model_config& c, index_t m)
    : input(m * c.hidden), activated(m * c.expert_width), d_input(m * c.hidden), weights(c) {
  const auto layout = expert_layout(c);
  for (std::size_t l = 0; l < expert_parts; ++l) {
    outputs[l] = buffer(m * layout[l].out);
    gradients[l] = buffer(m * layout[l].out);
  }
}

expert_choice block_runner::route(const chunk& part, index_t layer) {
  const const_matrix logits = as_const(rows_at(work_.outputs, layout_->router(), 0, part.rows()));
  if (!logits.allFinite()) {
    throw error(errc::non_finite,
                model_.tensors().name() + ": NaN or infinity in the output of the router " +
                    model_.linears()[static_cast<std::size_t>(model_.linear_of(layer, layout_->router()))].name);
  }
  return choose_experts(logits, config_.experts_per_token, config_.normalized_experts);
}

const_matrix block_runner::expert_input(block_input input, index_t rows) {
  return as_const(input == block_input::mlp ? expert_.input.view(rows, config_.hidden)
                                            : expert_.activated.view(rows, config_.expert_width));
}

// The Linears of an expert that read an input, by the override where it wants them.
void block_runner::expert_products(index_t layer, index_t expert, block_input input,
                                   std::span<const std::int32_t> numbers, const participants& others) {
  const auto m = static_cast<index_t>(numbers.size());
  const const_matrix x = expert_input(input, m);
  const auto layout = expert_layout(config_);
  std::vector<linear_product> products;
  bool is_replaced = false;
  for (std::size_t l = 0; l < expert_parts; ++l) {
    if (layout[l].input != input) continue;
    const index_t number = model_.linear_of(layer, expert, static_cast<expert_part>(l));
    is_replaced = is_replaced || (others.instead != nullptr && others.instead->replaces(number));
    products.push_back({number, 0, expert_.weights.linears[l], {}, expert_.outputs[l].view(m, layout[l].out)});
  }
  const linear_input seen{products.front().linear, static_cast<index_t>(products.size()), 0, x, numbers};
  if (others.observer != nullptr) others.observer->observe(seen);
  if (is_replaced) {
    others.instead->observe(seen);
    return others.instead->compute({x, numbers, products});
  }
  for_each_chunk(pool_, m, task_rows, [&](index_t b, index_t e) {
    for (const linear_product& p : products) linear(rows_of(x, b, e), p.weight, p.bias, rows_of(p.y, b, e));
  });
}

// An expert's weights, and all that it computes for `rows` of the chunk. The system may bring the weights of `next`, if
// there is one, meanwhile.
void block_runner::run_expert(index_t layer, index_t expert, std::optional<index_t> next,
                              std::span<const std::int32_t> rows, std::span<const std::int32_t> numbers,
                              const participants& others) {
  const auto m = static_cast<index_t>(rows.size());
  model_.read_expert(layer, expert, expert_.weights, pool_);
  if (next) model_.will_read_expert(layer, *next);
  const float* from = work_.mlp_input.data();
  for_each_chunk(pool_, m, task_rows, [&](index_t b, index_t e) {
    for (index_t i = b; i < e; ++i)
      std::copy_n(from + rows[static_cast<std::size_t>(i)] * config_.hidden, config_.hidden,
                  expert_.input.data() + i * config_.hidden);
  });
  expert_products(layer, expert, block_input::mlp, numbers, others);
  const index_t f = config_.expert_width;
  for_each_chunk(pool_, m, task_rows, [&](index_t b, index_t e) {
    gated(config_.activation, as_const(rows_of(expert_.outputs[0].view(m, f), b, e)),
          as_const(rows_of(expert_.outputs[1].view(m, f), b, e)), rows_of(expert_.activated.view(m, f), b, e));
  });
  expert_products(layer, expert, block_input::activated, numbers, others);
}

// mixed := the weighted sum of the experts' outputs, in the order of the experts.
void block_runner::mix_experts(const chunk& part, index_t layer, const participants& others) {
  const expert_choice choice = route(part, layer);
  if (others.observer != nullptr)
    others.observer->route({layer, part.begin, choice.per_row, choice.experts, choice.weights});
  matrix mixed = work_.mixed.view(part.rows(), config_.hidden);
  mixed.setZero();
  const std::vector<expert_choice::part> parts = choice.by_expert(config_.experts);
  for (index_t expert = 0; expert < config_.experts; ++expert) {
    const auto& [rows, places] = parts[static_cast<std::size_t>(expert)];
    if (rows.empty()) continue;
    run_expert(layer, expert, next_used(parts, expert), rows, numbers_of(part, rows), others);
    const matrix down = expert_.outputs.back().view(static_cast<index_t>(rows.size()), config_.hidden);
    for (std::size_t i = 0; i < rows.size(); ++i)
      mixed.row(rows[i]) += choice.weights[places[i]] * down.row(static_cast<index_t>(i));
  }
}

// Shows an expert's Linears, given the gradient at its output; d_input := the gradient at its input.
void block_runner::expert_backward(index_t layer, index_t expert, std::span<const std::int32_t> numbers,
                                   std::span<const float> weights, backward_visitor& visitor) {
  const auto m = static_cast<index_t>(numbers.size());
  const index_t f = config_.expert_width;
  const auto layout = expert_layout(config_);
  const auto gradient = [&](std::size_t l) { return expert_.gradients[l].view(m, layout[l].out); };
  const auto& w = expert_.weights.linears;
  for_each_chunk(pool_, m, task_rows, [&](index_t b, index_t e) {
    const matrix du = rows_of(gradient(1), b, e);
    linear_backward(as_const(rows_of(gradient(2), b, e)), w[2], du);
    gated_backward(config_.activation, as_const(rows_of(expert_.outputs[0].view(m, f), b, e)),
                   as_const(rows_of(expert_.outputs[1].view(m, f), b, e)), as_const(du), rows_of(gradient(0), b, e),
                   du);
    const matrix dx = rows_of(expert_.d_input.view(m, config_.hidden), b, e);
    linear_backward(as_const(rows_of(gradient(0), b, e)), w[0], dx);
    linear_backward_add(as_const(du), w[1], dx);
  });
  const auto output = [&](std::size_t l) {
    return linear_output{model_.linear_of(layer, expert, static_cast<expert_part>(l)),
                         0,
                         w[l],
                         {},
                         as_const(expert_.outputs[l].view(m, layout[l].out)),
                         as_const(gradient(l))};
  };
  const std::vector<linear_output> down{output(2)};
  const std::vector<linear_output> gate_and_up{output(0), output(1)};
  visitor.visit_expert({layer,
                        {expert_input(block_input::mlp, m), numbers, gate_and_up},
                        {expert_input(block_input::activated, m), numbers, down},
                        weights});
}

// From the gradient at the weighted sum to that at the experts' input, in d_middle, and at the router.
void block_runner::experts_backward(const block_weights& w, const chunk& part, index_t layer, const_matrix gradient,
                                    backward_visitor& visitor) {
  const expert_choice choice = route(part, layer);
  const index_t n = part.rows();
  matrix dm = work_.d_middle.view(n, config_.hidden);
  dm.setZero();
  std::vector<float> d_weights(choice.weights.size(), 0.0F);
  visitor.experts_begin({layer, part.begin, gradient});
  const std::vector<expert_choice::part> parts = choice.by_expert(config_.experts);
  for (index_t expert = 0; expert < config_.experts; ++expert) {
    const auto& [rows, places] = parts[static_cast<std::size_t>(expert)];
    if (rows.empty()) continue;
    const auto m = static_cast<index_t>(rows.size());
    const std::vector<std::int32_t> numbers = numbers_of(part, rows);
    run_expert(layer, expert, next_used(parts, expert), rows, numbers, {});
    const matrix down = expert_.outputs.back().view(m, config_.hidden);
    matrix d_down = expert_.gradients.back().view(m, config_.hidden);
    std::vector<float> weights;
    for (index_t i = 0; i < m; ++i) {
      const std::size_t place = places[static_cast<std::size_t>(i)];
      const index_t row = rows[static_cast<std::size_t>(i)];
      d_weights[place] = gradient.row(row).dot(down.row(i));
      d_down.row(i) = choice.weights[place] * gradient.row(row);
      weights.push_back(choice.weights[place]);
    }
    expert_backward(layer, expert, numbers, weights, visitor);
    const matrix d_input = expert_.d_input.view(m, config_.hidden);
    for (index_t i = 0; i < m; ++i) dm.row(rows[static_cast<std::size_t>(i)]) += d_input.row(i);
  }
  visitor.experts_end();
  const std::size_t router = layout_->router();
  const matrix d_router = rows_at(work_.gradients, router, 0, n);
  choose_experts_backward(as_const(rows_at(work_.outputs, router, 0, n)), choice, config_.normalized_experts, d_weights,
                          d_router);
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    linear_backward_add(as_const(rows_of(d_router, b, e)), w.linears[router], rows_of(dm, b, e));
  });
}

// From attention's output of the forward pass and the gradient at the block's output to that at the stream in the
// middle and at attention's output.
void block_runner::sparse_backward(const block_weights& w, const chunk& part, index_t layer, const_matrix x,
                                   const_matrix gradient, backward_visitor& visitor) {
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    linears(w, block_input::attended, b, e);
    mlp_input(w, x, b, e);
    linears(w, block_input::mlp, b, e);
  });
  const bool is_normed = !w.after_mlp.empty();
  if (is_normed) {
    mix_experts(part, layer, {});
    for_each_task(pool_, part, [&](index_t b, index_t e) {
      static_cast<void>(
          branch_gradient(w.after_mlp, as_const(mlp_output(b, e)), work_.d_mixed, rows_of(gradient, b, e), b, e));
    });
  }
  experts_backward(w, part, layer, is_normed ? as_const(work_.d_mixed.view(part.rows(), config_.hidden)) : gradient,
                   visitor);
  for_each_task(pool_, part, [&](index_t b, index_t e) { stream_backward(w, gradient, b, e); });
}

}  // namespace qgrain::lm
