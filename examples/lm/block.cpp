#include <lm/block.hpp>

#include <qgrain/core/matrix_view.hpp>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace qgrain::lm {
namespace {

// Rows that one task takes. The chunks are the same for any number of threads, so every product has the same shape.

index_t linear_of(index_t layer, block_linear which) { return layer * linears_per_block + static_cast<index_t>(which); }

// All heads of x [n, heads * head_size] as rows of their own.
matrix heads_of(matrix x, index_t head_size) { return as_matrix(x.data(), x.size() / head_size, head_size); }
const_matrix heads_of(const_matrix x, index_t head_size) {
  return as_matrix(x.data(), x.size() / head_size, head_size);
}

void add(const_matrix a, const_matrix b, matrix sum) { sum = a + b; }

std::vector<std::int32_t> row_numbers(const chunk& part) {
  std::vector<std::int32_t> numbers(static_cast<std::size_t>(part.rows()));
  std::iota(numbers.begin(), numbers.end(), static_cast<std::int32_t>(part.begin));
  return numbers;
}

// body(begin, end) for the tasks of a chunk, in rows of the chunk.
template <class Body>
void for_each_task(thread_pool& pool, const chunk& part, const Body& body) {
  const index_t period = part.period > 0 ? part.period : part.rows();
  const index_t tasks = ceil_div(period, task_rows);
  pool.run(part.rows() / period * tasks, [&](index_t task) {
    const index_t begin = task / tasks * period + task % tasks * task_rows;
    body(begin, std::min(begin + task_rows, (task / tasks + 1) * period));
  });
}

}  // namespace

index_t block_workspace::width(const model_config& c) noexcept {
  return 7 * c.hidden + 5 * c.query_width() + 5 * c.key_width() + 5 * c.intermediate;
}

block_workspace::block_workspace(const model_config& c, index_t n)
    : attention_input(n * c.hidden),
      query(n * c.query_width()),
      key(n * c.key_width()),
      value(n * c.key_width()),
      turned_query(n * c.query_width()),
      turned_key(n * c.key_width()),
      attended(n * c.query_width()),
      projected(n * c.hidden),
      middle(n * c.hidden),
      mlp_input(n * c.hidden),
      gate(n * c.intermediate),
      up(n * c.intermediate),
      activated(n * c.intermediate),
      down(n * c.hidden),
      d_gate(n * c.intermediate),
      d_up(n * c.intermediate),
      d_middle(n * c.hidden),
      d_attended(n * c.query_width()),
      d_query(n * c.query_width()),
      d_key(n * c.key_width()),
      d_value(n * c.key_width()),
      d_input(n * c.hidden) {}

std::span<const std::int32_t> block_runner::positions(const chunk& part, index_t begin, index_t end) const {
  return std::span(rows_.positions)
      .subspan(static_cast<std::size_t>(part.begin + begin), static_cast<std::size_t>(end - begin));
}

// x [n, d] -> queries and keys (normed per head, turned) and values.
void block_runner::attention_inputs(const block_weights& w, const chunk& part, const_matrix x) {
  const index_t n = part.rows();
  const matrix input = work_.attention_input.view(n, config_.hidden);
  const matrix query = work_.query.view(n, config_.query_width());
  const matrix key = work_.key.view(n, config_.key_width());
  const matrix value = work_.value.view(n, config_.key_width());
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    const matrix in = rows_of(input, b, e);
    rms_norm(rows_of(x, b, e), w.input_norm, config_.norm_epsilon, in);
    linear(as_const(in), w.of(block_linear::q), w.bias_of(block_linear::q), rows_of(query, b, e));
    linear(as_const(in), w.of(block_linear::k), w.bias_of(block_linear::k), rows_of(key, b, e));
    linear(as_const(in), w.of(block_linear::v), w.bias_of(block_linear::v), rows_of(value, b, e));
    turn_heads(w, part, b, e);
  });
}

// Queries and keys of rows [b, e) of the chunk: normed per head and turned.
void block_runner::turn_heads(const block_weights& w, const chunk& part, index_t b, index_t e) {
  const auto turn = [&](buffer& linear_output, index_t width, std::span<const float> norm, buffer& turned) {
    const const_matrix from = as_const(rows_of(linear_output.view(part.rows(), width), b, e));
    matrix to = rows_of(turned.view(part.rows(), width), b, e);
    if (norm.empty()) {
      to = from;
    } else {
      rms_norm(heads_of(from, config_.head_size), norm, config_.norm_epsilon, heads_of(to, config_.head_size));
    }
    rope(to, config_.head_size, angles_, positions(part, b, e));
  };
  turn(work_.query, config_.query_width(), w.query_norm, work_.turned_query);
  turn(work_.key, config_.key_width(), w.key_norm, work_.turned_key);
}

// One task per sequence and key head: body(sequence, view), where view(buffer, width, row, rows) is
// that head's columns of some rows of a buffer.
template <class Body>
void block_runner::for_each_head(const chunk& part, const Body& body) {
  const index_t heads = config_.key_value_heads;
  pool_.run((part.end_sequence - part.first_sequence) * heads, [&](index_t task) {
    const sequence_rows& s = rows_.sequences[static_cast<std::size_t>(part.first_sequence + task / heads)];
    body(s, [&](buffer& all, index_t width, index_t first_row, index_t rows) {
      const index_t head_width = width / heads;
      return matrix(all.data() + (first_row - part.begin) * width + task % heads * head_width, rows, head_width,
                    Eigen::OuterStride<>(width));
    });
  });
}

// A padding row attends to nothing and nothing attends to it: its output and its gradients are 0.
void block_runner::attend(const chunk& part) {
  const index_t a = config_.query_width();
  const index_t c = config_.key_width();
  for_each_head(part, [&](const sequence_rows& s, const auto& view) {
    const auto head = [&](buffer& all, index_t width) { return view(all, width, s.first_token(), s.tokens()); };
    if (s.padding > 0) view(work_.attended, a, s.begin, 1).setZero();
    attention(as_const(head(work_.turned_query, a)), as_const(head(work_.turned_key, c)),
              as_const(head(work_.value, c)), s.padding, head(work_.attended, a));
  });
}

void block_runner::attend_backward(const chunk& part) {
  const index_t a = config_.query_width();
  const index_t c = config_.key_width();
  for_each_head(part, [&](const sequence_rows& s, const auto& view) {
    const auto head = [&](buffer& all, index_t width) { return view(all, width, s.first_token(), s.tokens()); };
    if (s.padding > 0) {
      view(work_.d_query, a, s.begin, 1).setZero();
      view(work_.d_key, c, s.begin, 1).setZero();
      view(work_.d_value, c, s.begin, 1).setZero();
    }
    attention_backward(as_const(head(work_.turned_query, a)), as_const(head(work_.turned_key, c)),
                       as_const(head(work_.value, c)), as_const(head(work_.d_attended, a)), head(work_.d_query, a),
                       head(work_.d_key, c), head(work_.d_value, c));
  });
}

// Attention output -> o_proj, residual, MLP, for rows [b, e) of the chunk.
void block_runner::after_attention(const block_weights& w, const_matrix x, index_t b, index_t e) {
  const index_t n = x.rows();
  const const_matrix input = as_const(rows_of(work_.mlp_input.view(n, config_.hidden), b, e));
  const const_matrix activated = as_const(rows_of(work_.activated.view(n, config_.intermediate), b, e));
  linear(as_const(rows_of(work_.attended.view(n, config_.query_width()), b, e)), w.of(block_linear::o),
         w.bias_of(block_linear::o), rows_of(work_.projected.view(n, config_.hidden), b, e));
  mlp_inputs(w, x, b, e);
  linear(input, w.of(block_linear::gate), {}, rows_of(work_.gate.view(n, config_.intermediate), b, e));
  linear(input, w.of(block_linear::up), {}, rows_of(work_.up.view(n, config_.intermediate), b, e));
  activate(n, b, e);
  linear(activated, w.of(block_linear::down), {}, rows_of(work_.down.view(n, config_.hidden), b, e));
}

// o_proj's output -> residual stream, normed.
void block_runner::mlp_inputs(const block_weights& w, const_matrix x, index_t b, index_t e) {
  const index_t n = x.rows();
  const matrix middle = rows_of(work_.middle.view(n, config_.hidden), b, e);
  add(rows_of(x, b, e), as_const(rows_of(work_.projected.view(n, config_.hidden), b, e)), middle);
  rms_norm(as_const(middle), w.attention_norm, config_.norm_epsilon,
           rows_of(work_.mlp_input.view(n, config_.hidden), b, e));
}

void block_runner::activate(index_t n, index_t b, index_t e) {
  const index_t f = config_.intermediate;
  swiglu(as_const(rows_of(work_.gate.view(n, f), b, e)), as_const(rows_of(work_.up.view(n, f), b, e)),
         rows_of(work_.activated.view(n, f), b, e));
}

std::array<block_runner::shared_input, 4> block_runner::inputs() {
  using enum block_linear;
  return {{{q, 3, &work_.attention_input, {&work_.query, &work_.key, &work_.value}},
           {o, 1, &work_.attended, {&work_.projected, nullptr, nullptr}},
           {gate, 2, &work_.mlp_input, {&work_.gate, &work_.up, nullptr}},
           {down, 1, &work_.activated, {&work_.down, nullptr, nullptr}}}};
}

// The Linears of one input, by the override where it wants them.
void block_runner::compute(const block_weights& w, const chunk& part, index_t layer, const shared_input& shared,
                           linear_override& instead) {
  const index_t n = part.rows();
  const index_t first = linear_of(layer, shared.first);
  const const_matrix x = as_const(shared.input->view(n, w.of(shared.first).cols()));
  std::vector<linear_product> products;
  bool is_replaced = false;
  for (index_t i = 0; i < shared.linears; ++i) {
    const auto which = static_cast<block_linear>(static_cast<index_t>(shared.first) + i);
    is_replaced = is_replaced || instead.replaces(first + i);
    products.push_back({first + i, 0, w.of(which), w.bias_of(which),
                        shared.outputs[static_cast<std::size_t>(i)]->view(n, w.of(which).rows())});
  }
  if (!is_replaced) {
    return for_each_task(pool_, part, [&](index_t b, index_t e) {
      for (const linear_product& p : products) linear(rows_of(x, b, e), p.weight, p.bias, rows_of(p.y, b, e));
    });
  }
  instead.observe({first, shared.linears, part.begin, x});
  instead.compute({x, row_numbers(part), products});
}

// The same operations as in attention_inputs and after_attention, with all rows of the chunk through one of them before
// the next begins.
void block_runner::forward_with(linear_override& instead, const block_weights& w, const chunk& part, index_t layer,
                                const_matrix x) {
  const std::array<shared_input, 4> shared = inputs();
  const matrix input = work_.attention_input.view(part.rows(), config_.hidden);
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    rms_norm(rows_of(x, b, e), w.input_norm, config_.norm_epsilon, rows_of(input, b, e));
  });
  compute(w, part, layer, shared[0], instead);
  for_each_task(pool_, part, [&](index_t b, index_t e) { turn_heads(w, part, b, e); });
  attend(part);
  compute(w, part, layer, shared[1], instead);
  for_each_task(pool_, part, [&](index_t b, index_t e) { mlp_inputs(w, x, b, e); });
  compute(w, part, layer, shared[2], instead);
  for_each_task(pool_, part, [&](index_t b, index_t e) { activate(part.rows(), b, e); });
  compute(w, part, layer, shared[3], instead);
}

void block_runner::forward(const block_weights& w, const chunk& part, index_t layer, matrix x_all,
                           const participants& others) {
  const auto& [observer, instead] = others;
  const index_t n = part.rows();
  const matrix y = rows_of(x_all, part.begin, part.end);
  const const_matrix x = as_const(y);
  const index_t first = linear_of(layer, block_linear::q);
  bool is_replaced = false;
  for (index_t i = 0; i < linears_per_block && instead != nullptr; ++i) {
    is_replaced = is_replaced || instead->replaces(first + i);
  }
  if (is_replaced) {
    forward_with(*instead, w, part, layer, x);
  } else {
    attention_inputs(w, part, x);
    attend(part);
  }
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    if (!is_replaced) after_attention(w, x, b, e);
    add(as_const(rows_of(work_.middle.view(n, config_.hidden), b, e)),
        as_const(rows_of(work_.down.view(n, config_.hidden), b, e)), rows_of(y, b, e));
  });
  if (observer == nullptr) return;
  for (const shared_input& shared : inputs()) {
    observer->observe({linear_of(layer, shared.first), shared.linears, part.begin,
                       as_const(shared.input->view(n, w.of(shared.first).cols()))});
  }
}

void block_runner::backward(const block_weights& w, const chunk& part, index_t layer, matrix x_all, matrix gradient_all,
                            backward_visitor& visitor) {
  const index_t n = part.rows();
  const index_t d = config_.hidden;
  const index_t f = config_.intermediate;
  const const_matrix x = as_const(rows_of(x_all, part.begin, part.end));
  const matrix gradient = rows_of(gradient_all, part.begin, part.end);  // [n, d] at the output, then at the input
  const matrix d_gate = work_.d_gate.view(n, f);
  const matrix d_up = work_.d_up.view(n, f);
  const matrix d_middle = work_.d_middle.view(n, d);
  const matrix d_query = work_.d_query.view(n, config_.query_width());
  const matrix d_key = work_.d_key.view(n, config_.key_width());
  const matrix d_value = work_.d_value.view(n, config_.key_width());
  const matrix d_input = work_.d_input.view(n, d);

  const std::vector<std::int32_t> numbers = row_numbers(part);
  const auto output = [&](block_linear which, buffer& y, matrix g) {
    return linear_output{linear_of(layer, which),       0,          w.of(which), w.bias_of(which),
                         as_const(y.view(n, g.cols())), as_const(g)};
  };
  const auto show = [&](buffer& in, index_t width, std::initializer_list<linear_output> outputs) {
    visitor.visit({as_const(in.view(n, width)), numbers, {outputs.begin(), outputs.size()}});
  };

  attention_inputs(w, part, x);
  attend(part);
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    after_attention(w, x, b, e);
    const matrix dm = rows_of(d_middle, b, e);
    const matrix du = rows_of(d_up, b, e);
    const const_matrix middle = as_const(rows_of(work_.middle.view(n, d), b, e));
    linear_backward(as_const(rows_of(gradient, b, e)), w.of(block_linear::down), du);
    swiglu_backward(as_const(rows_of(work_.gate.view(n, f), b, e)), as_const(rows_of(work_.up.view(n, f), b, e)),
                    as_const(du), rows_of(d_gate, b, e), du);
    linear_backward(as_const(rows_of(d_gate, b, e)), w.of(block_linear::gate), dm);
    linear_backward_add(as_const(du), w.of(block_linear::up), dm);
    rms_norm_backward(middle, w.attention_norm, config_.norm_epsilon, as_const(dm), dm);
    add(as_const(rows_of(gradient, b, e)), as_const(dm), dm);
  });
  show(work_.activated, f, {output(block_linear::down, work_.down, gradient)});
  show(work_.mlp_input, d, {output(block_linear::gate, work_.gate, d_gate), output(block_linear::up, work_.up, d_up)});
  show(work_.attended, config_.query_width(), {output(block_linear::o, work_.projected, d_middle)});

  for_each_task(pool_, part, [&](index_t b, index_t e) {
    linear_backward(as_const(rows_of(d_middle, b, e)), w.of(block_linear::o),
                    rows_of(work_.d_attended.view(n, config_.query_width()), b, e));
  });
  attend_backward(part);
  const auto unturn = [&](buffer& before_norm, std::span<const float> norm, matrix g, index_t b, index_t e) {
    rope_backward(g, config_.head_size, angles_, positions(part, b, e));
    if (norm.empty()) return;
    const matrix heads = heads_of(g, config_.head_size);
    const const_matrix before = as_const(rows_of(before_norm.view(n, g.cols()), b, e));
    rms_norm_backward(heads_of(before, config_.head_size), norm, config_.norm_epsilon, as_const(heads), heads);
  };
  for_each_task(pool_, part, [&](index_t b, index_t e) {
    unturn(work_.query, w.query_norm, rows_of(d_query, b, e), b, e);
    unturn(work_.key, w.key_norm, rows_of(d_key, b, e), b, e);
    if (layer == 0) return;
    const matrix di = rows_of(d_input, b, e);
    linear_backward(as_const(rows_of(d_query, b, e)), w.of(block_linear::q), di);
    linear_backward_add(as_const(rows_of(d_key, b, e)), w.of(block_linear::k), di);
    linear_backward_add(as_const(rows_of(d_value, b, e)), w.of(block_linear::v), di);
    rms_norm_backward(rows_of(x, b, e), w.input_norm, config_.norm_epsilon, as_const(di), di);
    add(as_const(rows_of(d_middle, b, e)), as_const(di), rows_of(gradient, b, e));
  });
  show(work_.attention_input, d,
       {output(block_linear::q, work_.query, d_query), output(block_linear::k, work_.key, d_key),
        output(block_linear::v, work_.value, d_value)});
}

}  // namespace qgrain::lm
