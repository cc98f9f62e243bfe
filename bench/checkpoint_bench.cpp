// A gradient sweep of four jobs over a checkpoint of any size: time, the share of it that its matrix products need, and
// memory.
//   checkpoint_bench FOLDER THREADS
// FOLDER is one of make_checkpoint's: its ids.safetensors are the text.
#include <common/process.hpp>
#include <engine/score/engine.hpp>
#include <lm/operations.hpp>
#include <lm/safetensors.hpp>
#include <support/reported.hpp>
#include <support/timing.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace {

using namespace qgrain;
using lm::index_t;

const std::vector<engine::job> jobs{{"int8/per_out_channel", "int8/per_tensor_static"},
                                    {"int4/group128", "fp16"},
                                    {"int4/group128", "int8/per_token_dynamic"},
                                    {"fp8/per_tensor", "fp8/per_tensor_static"}};

std::vector<lm::token_ids> read_ids(const std::filesystem::path& path) {
  const lm::safetensors_file file(path);
  const lm::tensor_info& tensor = file.at("ids");
  lm::token_ids all(static_cast<std::size_t>(tensor.elements()));
  file.read_i32(tensor, 0, all);
  std::vector<lm::token_ids> sequences;
  const auto length = static_cast<std::ptrdiff_t>(tensor.shape.at(1));
  for (auto at = all.begin(); at != all.end(); at += length) sequences.emplace_back(at, at + length);
  return sequences;
}

// Operations per second of the products of a layer's Linears, in tasks of 128 rows.
double product_rate(const lm::model& m, index_t rows, thread_pool& pool) {
  lm::block_weights block(m.config());
  m.read_block(0, block, pool);
  index_t widest = 0;
  double flops = 0;
  for (const lm::const_matrix& w : block.linears) {
    widest = std::max({widest, w.rows(), w.cols()});
    flops += 2.0 * static_cast<double>(w.size()) * static_cast<double>(rows);
  }
  lm::buffer x(rows * widest);
  lm::buffer y(rows * widest);
  std::fill(x.all().begin(), x.all().end(), 0.5F);
  std::fill(y.all().begin(), y.all().end(), 0.5F);
  const auto products = [&] {
    for (const lm::const_matrix& w : block.linears) {
      const lm::matrix in = x.view(rows, w.cols());
      const lm::matrix out = y.view(rows, w.rows());
      for_each_chunk(pool, rows, lm::task_rows, [&](index_t b, index_t e) {
        lm::linear(lm::as_const(lm::rows_of(in, b, e)), w, {}, lm::rows_of(out, b, e));
      });
    }
  };
  return flops / bench::median_seconds({products}, 9).front();
}

int run(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "checkpoint_bench FOLDER THREADS\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const lm::model model(folder);
  const lm::packed_rows rows = lm::pack(read_ids(folder / "ids.safetensors"), {}, model.config().vocabulary);
  thread_pool pool(std::atoi(argv[2]));
  common::use_one_blas_thread();
  const double before = product_rate(model, rows.rows(), pool);
  const engine::engine_costs costs = engine::score_jobs(model, rows, jobs, pool).costs;
  const auto resident = static_cast<double>(common::peak_resident_bytes());
  const double rate = std::max(before, product_rate(model, rows.rows(), pool));
  const double flops = costs.scoring_flops + costs.pass.linear_flops + costs.pass.attention_flops;
  std::printf(
      "| rows | jobs | whole run | products | GFLOP/s of bare products | share of products | forward | loss | backward "
      "| weights | scoring | resident |\n");
  std::printf(
      "| %lld | %zu | %.1f s | %.0f GFLOP | %.0f | %.0f %% | %.1f s | %.1f s | %.1f s | %.1f s | %.1f s | %.0f MB |\n",
      static_cast<long long>(rows.rows()), jobs.size(), costs.total_seconds, flops / 1e9, rate / 1e9,
      100 * flops / rate / costs.total_seconds, costs.pass.forward_seconds, costs.pass.loss_seconds,
      costs.pass.backward_seconds, costs.weight_range_seconds + costs.weight_seconds, costs.scoring_seconds,
      resident / 1e6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return qgrain::bench::reported("checkpoint_bench", run, argc, argv); }
