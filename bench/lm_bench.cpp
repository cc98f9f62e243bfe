// Forward and backward pass of the language model against its bare matrix products, in one run.
//   lm_bench MODEL TEXT_FILE THREADS
#include <common/process.hpp>
#include <lm/model.hpp>
#include <lm/operations.hpp>
#include <lm/pass.hpp>
#include <support/program.hpp>
#include <support/timing.hpp>

#include <algorithm>
#include <cstdio>

namespace {

using namespace qgrain;
using namespace qgrain::lm;

class ignore_samples final : public backward_visitor {
 public:
  void visit(const linear_sample&) override {}
};

// All products of a forward pass, a recomputation and a backward pass, on memory that is touched like the real one, in
// the pass's own tasks of 128 rows.
class bare_products {
 public:
  bare_products(const model& m, index_t rows, index_t targets, thread_pool& pool)
      : model_(m), rows_(rows), targets_(targets), pool_(pool) {
    index_t widest = 0;
    index_t largest = 0;
    for (const linear_info& l : m.linears()) {
      widest = std::max({widest, l.in, l.out});
      largest = std::max(largest, l.elements());
    }
    x_ = buffer(rows * widest);
    y_ = buffer(rows * widest);
    w_ = buffer(largest);
    for (buffer* b : {&x_, &y_, &w_}) std::fill(b->all().begin(), b->all().end(), 0.5F);
  }
  void run() {
    for (std::size_t i = 0; i < model_.linears().size(); ++i) {
      const linear_info& l = model_.linears()[i];
      const bool is_head = static_cast<index_t>(i) == model_.head_linear();
      const bool has_input_gradient = i > 2;
      const matrix x = x_.view(is_head ? targets_ : rows_, l.in);
      const matrix y = y_.view(is_head ? targets_ : rows_, l.out);
      const const_matrix w = as_const(w_.view(l.out, l.in));
      for_each_chunk(pool_, x.rows(), 128, [&](index_t b, index_t e) {
        for (int pass = 0; pass < 2; ++pass) linear(as_const(rows_of(x, b, e)), w, {}, rows_of(y, b, e));
        if (has_input_gradient) linear_backward(as_const(rows_of(y, b, e)), w, rows_of(x, b, e));
      });
    }
  }

 private:
  const model& model_;
  index_t rows_;
  index_t targets_;
  thread_pool& pool_;
  buffer x_, y_, w_;
};

void run(const lm::model& m, const std::vector<lm::token_ids>& sequences, int threads) {
  const packed_rows rows = pack(sequences, {}, m.config().vocabulary);
  thread_pool pool(threads);
  qgrain::common::use_one_blas_thread();
  const index_t targets = rows.rows() - static_cast<index_t>(rows.sequences.size());
  bare_products products(m, rows.rows(), targets, pool);
  pass_costs costs;
  const auto whole = [&] {
    layer_pass pass({m, rows, pool});
    pass.forward(layer_pass::keep::all_states);
    static_cast<void>(pass.loss());
    ignore_samples visitor;
    pass.backward(visitor);
    costs = pass.costs();
  };
  const std::vector<double> seconds = bench::median_seconds({whole, [&] { products.run(); }}, 9);
  std::printf("| rows | threads | forward + backward | bare products | ratio | GFLOP/s of the bare products |\n");
  std::printf("| %lld | %d | %.1f ms | %.1f ms | %.2f | %.1f |\n", static_cast<long long>(rows.rows()), threads,
              seconds[0] * 1e3, seconds[1] * 1e3, seconds[0] / seconds[1], costs.linear_flops / seconds[1] * 1e-9);
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::run_program(argc, argv, run); }
