// Divergence scores by forward passes: against the gradient sweep of the same jobs, and against their bare products.
// Fisher scores with one draw: against the gradient sweep, for all jobs and for one.
//   output_scores_bench MODEL TEXT_FILE THREADS
#include <common/process.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/score/engine.hpp>
#include <engine/score/fisher.hpp>
#include <lm/operations.hpp>
#include <support/jobs.hpp>
#include <support/linear_products.hpp>
#include <support/program.hpp>
#include <support/timing.hpp>

#include <cstdio>

namespace {

using namespace qgrain;
using namespace qgrain::engine;

// q, k, v; o; gate, up; down of each block; the head.
std::vector<linear_group> grouped(const lm::model& m) {
  std::vector<linear_group> groups;
  for (std::size_t first = 0; first + 1 < m.linears().size(); first += 7) {
    groups.push_back({first, first + 1, first + 2});
    groups.push_back({first + 3});
    groups.push_back({first + 4, first + 5});
    groups.push_back({first + 6});
  }
  groups.push_back({m.linears().size() - 1});
  return groups;
}

void run(const lm::model& m, const std::vector<lm::token_ids>& sequences, int threads) {
  const std::int32_t padding_id = m.config().padding_id.value_or(0);
  const lm::packed_rows rows =
      lm::pack(sequences, {lm::padding::left, 512, 8, padding_id, padding_id}, m.config().vocabulary);
  thread_pool pool(threads);
  qgrain::common::use_one_blas_thread();
  const std::vector<job> jobs = bench::all_jobs();
  const std::vector<linear_group> groups = grouped(m);
  double flops = 0;
  double bare_flops = 0;
  bench::linear_products products(m, 4 * rows.rows(), pool);
  const std::vector<double> seconds =
      bench::median_seconds({[&] { flops = score_outputs(m, rows, jobs, groups, pool).linear_flops; },
                             [&] { static_cast<void>(score_jobs(m, rows, jobs, pool)); },
                             [&] {
                               bare_flops = 0;
                               for (int i = 0; i < 20; ++i) bare_flops += products.run();
                             },
                             [&] {
                               static_cast<void>(fisher_scores(m, rows, jobs, pool, {}, {1, 1}));
                             },
                             [&] {
                               static_cast<void>(score_jobs(m, rows, {jobs.data(), 1}, pool));
                             },
                             [&] {
                               static_cast<void>(fisher_scores(m, rows, {jobs.data(), 1}, pool, {}, {1, 1}));
                             }},
                            5);
  const double bare = seconds[2] * flops / bare_flops;
  std::printf(
      "| rows | jobs | groups | threads | divergence scores | their bare products | ratio | gradient sweep | ratio "
      "|\n");
  std::printf("| %lld | %zu | %zu | %d | %.2f s | %.2f s | %.2f | %.3f s | %.1f |\n",
              static_cast<long long>(rows.rows()), jobs.size(), groups.size(), threads, seconds[0], bare,
              seconds[0] / bare, seconds[1], seconds[0] / seconds[1]);
  std::printf("\n| jobs | gradient sweep | Fisher, one draw | ratio |\n");
  std::printf("| %zu | %.3f s | %.3f s | %.2f |\n", jobs.size(), seconds[1], seconds[3], seconds[3] / seconds[1]);
  std::printf("| 1 | %.3f s | %.3f s | %.2f |\n", seconds[4], seconds[5], seconds[5] / seconds[4]);
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::run_program(argc, argv, run); }
