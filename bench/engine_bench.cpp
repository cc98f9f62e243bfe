// The scoring engine: what a job costs beyond its bare matrix products, one int8 x int8 job as a whole, and 144 jobs
// with the cross term exact and approximated.
//   engine_bench MODEL TEXT_FILE THREADS
#include <common/process.hpp>
#include <engine/score/engine.hpp>
#include <lm/operations.hpp>
#include <support/linear_products.hpp>
#include <support/program.hpp>
#include <support/timing.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace {

using namespace qgrain;
using namespace qgrain::engine;

// Two jobs, and twelve with distinct weight variants and six activation variants.
const std::vector<job> few{{"int8/per_tensor", "fp16"}, {"int8/per_out_channel", "int8/per_tensor_static"}};
const std::vector<job> added{{"int4/per_out_channel", "fp16"},
                             {"int4/group32", "fp16"},
                             {"int4/group64", "int8/per_token_dynamic"},
                             {"int4/group128", "fp8/per_tensor_static"},
                             {"fp8/per_tensor", "fp16"},
                             {"fp8/per_out_channel", "fp8/per_token_dynamic"},
                             {"fp8/group32", "int4/per_token_dynamic"},
                             {"mxfp4_rceil", "int4/per_tensor_static"},
                             {"mxfp8_e4m3_rceil", "fp16"},
                             {"nvfp4_modelopt", "fp8/per_tensor_static"},
                             {"int6/group32", "int8/per_token_dynamic"},
                             {"int5/per_in_channel", "fp16"}};

const std::vector<std::string> grid_weights{
    "int8/per_out_channel", "int7/per_out_channel", "int6/per_out_channel", "int5/per_out_channel",
    "int4/group128",        "int3/group128",        "int2/group128",        "nf4/group64",
    "fp8/per_tensor",       "fp8_e5m2/per_tensor",  "mxfp4_rceil",          "nvfp4_modelopt",
    "mxfp8_e4m3_rceil",     "mxfp6_e2m3_rceil",     "mxfp6_e3m2_rceil",     "mxint8_rceil"};
const std::vector<std::string> grid_activations{"int8/per_tensor_static",
                                                "int8/per_token_dynamic",
                                                "int4/per_tensor_static",
                                                "int4/per_token_dynamic",
                                                "fp8/per_tensor_static",
                                                "fp8/per_token_dynamic",
                                                "mxfp4_rceil",
                                                "nvfp4_modelopt",
                                                "mxfp8_e4m3_rceil"};

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum;
}

// All pairs of 16 weight and 9 activation variants. The true error is that of the sum of a job's scores over all
// Linears.
void run_grid(const lm::model& m, const lm::packed_rows& rows, thread_pool& pool) {
  std::vector<job> jobs;
  for (const std::string& w : grid_weights) {
    for (const std::string& a : grid_activations) jobs.push_back({w, a});
  }
  double model_weights = 0;
  for (const lm::linear_info& l : m.linears()) model_weights += static_cast<double>(l.elements());
  const double product = 2 * model_weights * static_cast<double>(rows.rows());
  std::printf(
      "| cross term | whole run | scoring | products per weight and row, scoring | of the whole run | true error, "
      "median "
      "and worst job | measured error, median and worst job | peak memory so far |\n");
  engine_result exact;
  for (const cross_term mode : {cross_term::exact, cross_term::sampled, cross_term::neglect}) {
    engine_options options;
    options.cross = mode;
    engine_result found;
    const double seconds = bench::seconds_of([&] { found = score_jobs(m, rows, jobs, pool, options); });
    if (mode == cross_term::exact) exact = found;
    std::vector<double> real;
    std::vector<double> measured;
    for (std::size_t j = 0; j < jobs.size(); ++j) {
      real.push_back(100 * std::abs(sum_of(found.scores[j]) / sum_of(exact.scores[j]) - 1));
      measured.push_back(found.cross_term_errors.empty() ? 0 : 100 * found.cross_term_errors[j].sum);
    }
    const double all = found.costs.scoring_flops + found.costs.pass.linear_flops + found.costs.pass.attention_flops;
    constexpr const char* names[] = {"exact", "sampled", "neglect"};
    std::printf("| %s | %.2f s | %.2f s | %.1f | %.1f | %.2f %%, %.2f %% | %.2f %%, %.2f %% | %.0f MB |\n",
                names[static_cast<std::size_t>(mode)], seconds,
                found.costs.scoring_seconds + found.costs.weight_seconds, found.costs.scoring_flops / product,
                all / product, bench::median(real), *std::max_element(real.begin(), real.end()),
                bench::median(measured), *std::max_element(measured.begin(), measured.end()),
                static_cast<double>(qgrain::common::peak_resident_bytes()) * 1e-6);
  }
  std::printf("\n");
}

void run(const lm::model& m, const std::vector<lm::token_ids>& sequences, int threads) {
  const std::int32_t padding_id = m.config().padding_id.value_or(0);
  const lm::packed_rows rows =
      lm::pack(sequences, {lm::padding::left, 512, 8, padding_id, padding_id}, m.config().vocabulary);
  thread_pool pool(threads);
  qgrain::common::use_one_blas_thread();

  run_grid(m, rows, pool);

  const std::vector<job> one{{"int8/per_out_channel", "int8/per_tensor_static"}};
  std::vector<job> many = few;
  many.insert(many.end(), added.begin(), added.end());
  double flops_few = 0;
  double flops_many = 0;
  bench::linear_products products(m, rows.rows(), pool);
  const auto jobs = static_cast<double>(added.size());
  const std::vector<double> seconds = bench::median_seconds(
      {[&] { static_cast<void>(score_jobs(m, rows, one, pool)); },
       [&] { flops_few = score_jobs(m, rows, few, pool).costs.scoring_flops; },
       [&] { flops_many = score_jobs(m, rows, many, pool).costs.scoring_flops; }, [&] { products.run(); }},
      9);
  // The bare products run over all rows; the engine leaves rows without gradient out.
  double weights = 0;
  for (const lm::linear_info& l : m.linears()) weights += static_cast<double>(l.elements());
  const double bare = seconds[3] * (flops_many - flops_few) / (2 * weights * static_cast<double>(rows.rows())) / jobs;
  const double per_job = (seconds[2] - seconds[1]) / jobs;
  std::printf(
      "| rows | threads | one int8 x int8 job, whole run | peak memory of all runs | an added job | its bare products "
      "| ratio |\n");
  std::printf("| %lld | %d | %.3f s | %.0f MB | %.1f ms | %.1f ms | %.2f |\n", static_cast<long long>(rows.rows()),
              threads, seconds[0], static_cast<double>(qgrain::common::peak_resident_bytes()) * 1e-6, per_job * 1e3,
              bare * 1e3, per_job / bare);
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::run_program(argc, argv, run); }
