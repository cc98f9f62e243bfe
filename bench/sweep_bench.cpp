// Where the time of a gradient sweep of 24 jobs goes, and how fast its products run beside OpenBLAS's own.
//   sweep_bench MODEL THREADS [TEXT_FILE]
// TEXT_FILE has a text a line for the model's tokenizer; without one 1,500 random tokens are scored.
#include <common/process.hpp>
#include <engine/score/engine.hpp>
#include <lm/product_flops.hpp>
#include <support/jobs.hpp>
#include <support/program.hpp>
#include <support/reported.hpp>
#include <support/timing.hpp>

#include <cblas.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <utility>

namespace {

using namespace qgrain;
using engine::job;
using lm::index_t;

std::vector<lm::token_ids> random_texts(index_t vocabulary) {
  constexpr std::size_t texts = 25;
  constexpr std::size_t length = 60;
  std::mt19937_64 random(1);
  std::vector<lm::token_ids> sequences(texts, lm::token_ids(length));
  for (lm::token_ids& text : sequences) {
    for (std::int32_t& id : text) id = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(vocabulary));
  }
  return sequences;
}

// The rate of OpenBLAS by itself: every thread multiplies all rows in one call.
class own_products {
 public:
  own_products(index_t rows, thread_pool& pool) : rows_(rows), pool_(pool) {}

  // Seconds for a product [rows, in] times [in, out] of every thread. A shape is measured once.
  double seconds(index_t in, index_t out) {
    const auto [place, is_new] = seconds_.try_emplace({in, out}, 0.0);
    if (is_new) place->second = measured(in, out);
    return place->second;
  }

 private:
  [[nodiscard]] double measured(index_t in, index_t out) const {
    const index_t slab = std::min<index_t>(out, 8192);  // of the head
    const index_t threads = pool_.threads();
    lm::buffer x(rows_ * in);
    lm::buffer w(slab * in);
    lm::buffer y(threads * rows_ * slab);
    for (lm::buffer* b : {&x, &w, &y}) std::fill(b->all().begin(), b->all().end(), 0.5F);
    const auto product = [&](index_t thread) {
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, static_cast<int>(rows_), static_cast<int>(slab),
                  static_cast<int>(in), 1.0F, x.data(), static_cast<int>(in), w.data(), static_cast<int>(in), 0.0F,
                  y.data() + thread * rows_ * slab, static_cast<int>(slab));
    };
    const double once = bench::median_seconds({[&] { pool_.run(threads, product); }}, 9).front();
    return once * static_cast<double>(out) / static_cast<double>(slab);
  }

  index_t rows_;
  thread_pool& pool_;
  std::map<std::pair<index_t, index_t>, double> seconds_;
};

struct part {
  const char* name;
  double seconds;
};

void print_parts(const engine::engine_costs& costs, int threads, double pass_rate) {
  const double all = threads;
  const double pass_products = (costs.pass.linear_flops + costs.pass.attention_flops) / pass_rate;
  const double passes =
      costs.pass.forward_seconds + costs.pass.loss_seconds + costs.pass.backward_seconds - costs.calibration_seconds;
  const engine::scoring_parts& scoring = costs.scoring;
  const double scored = (scoring.inputs + scoring.products + scoring.sums) / all;
  const std::vector<part> parts{
      {"products of the jobs", scoring.products / all},
      {"products of the passes, by their operations", pass_products},
      {"differences, products with gradients, squares, sums", scoring.sums / all},
      {"quantizing activations", scoring.inputs / all},
      {"quantizing weights", costs.weight_seconds},
      {"reading weights for their ranges", costs.weight_range_seconds},
      {"calibration", costs.calibration_seconds + costs.calibration.seconds},
      {"rest of the passes: reading, attention, norms, loss", passes - pass_products},
      {"rest of scoring: which rows have a gradient, threads that wait", costs.scoring_seconds - scored},
  };
  double known = 0;
  std::printf("| part | seconds | share |\n|---|---|---|\n");
  const auto row = [&](const char* name, double seconds) {
    std::printf("| %s | %.3f | %.1f %% |\n", name, seconds, 100 * seconds / costs.total_seconds);
  };
  for (const part& p : parts) {
    row(p.name, p.seconds);
    known += p.seconds;
  }
  row("what is left", costs.total_seconds - known);
  row("whole run", costs.total_seconds);
}

int run(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "sweep_bench MODEL THREADS [TEXT_FILE]\n");
    return 2;
  }
  const lm::model model(argv[1]);
  const int threads = std::atoi(argv[2]);
  const std::vector<lm::token_ids> texts =
      argc == 4 ? bench::encoded_lines(argv[1], argv[3]) : random_texts(model.config().vocabulary);
  const lm::packed_rows rows = lm::pack(texts, {}, model.config().vocabulary);
  thread_pool pool(threads);
  common::use_one_blas_thread();
  const std::vector<job> jobs = bench::all_jobs();
  static_cast<void>(engine::score_jobs(model, rows, std::span(jobs).first(1), pool));

  const engine::engine_costs costs = engine::score_jobs(model, rows, jobs, pool).costs;
  own_products own(rows.rows(), pool);
  double seconds = 0;
  double flops = 0;
  for (const lm::linear_info& l : model.linears()) {
    seconds += own.seconds(l.in, l.out);
    flops += lm::product_flops(rows.rows(), l.in, l.out);
  }
  const double own_rate = threads * flops / seconds;
  const double rate = costs.scoring_flops / (costs.scoring.products / threads);
  std::printf("%lld rows, %zu jobs, %d threads\n\n", static_cast<long long>(rows.rows()), jobs.size(), threads);
  print_parts(costs, threads, own_rate);
  const double product_seconds =
      costs.scoring.products / threads + (costs.pass.linear_flops + costs.pass.attention_flops) / own_rate;
  std::printf("\nProducts: %.0f GFLOP of the jobs at %.0f GFLOP/s, OpenBLAS by itself %.0f GFLOP/s: %.0f %%. ",
              costs.scoring_flops / 1e9, rate / 1e9, own_rate / 1e9, 100 * rate / own_rate);
  std::printf("%.0f %% of the time is in products. Resident: %.0f MB\n", 100 * product_seconds / costs.total_seconds,
              static_cast<double>(common::peak_resident_bytes()) / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::reported("sweep_bench", run, argc, argv); }
