#include <common/text_table.hpp>
#include <engine/score/engine.hpp>
#include <lm/block.hpp>
#include <lm/operations.hpp>
#include <lm/pass.hpp>
#include <lm/rank_grid.hpp>
#include <sweep/run/estimate.hpp>
#include <sweep/run/finish_job.hpp>
#include <sweep/run/open_passes.hpp>
#include <sweep/run/pass_division.hpp>
#include <sweep/run/pass_operations.hpp>
#include <sweep/run/run.hpp>
#include <sweep/run/scoring_pass.hpp>
#include <sweep/run/terminal.hpp>

#include <qgrain/calibration/histogram.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <ostream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace qgrain::sweep {
namespace {

// Time of the pass and of the jobs as multiples of their bare products (docs/benchmarks.md); what a job quantizes
// counts more in jobs that are alone with their variants than in the grid measured there.
constexpr double pass_overhead = 1.8;
constexpr double job_overhead = 2;
// What every rank does for a weight, however few its rows: as many operations of products take its time.
constexpr double operations_to_quantize = 2.0 * lm::products_to_make;  // under one recipe
constexpr double operations_to_read = 30;                              // and widen
constexpr double program_bytes = 16e6;                                 // code, tokenizer, tables
constexpr double bytes_per_value = sizeof(float);

// How many mixes a job measures at the most.
double mixes_of(const planned_job& job) {
  const autoquant_settings& settings = job.settings.autoquant;
  if (!has_measured_mixes(job)) return 0;
  const auto chosen = static_cast<double>(settings.methods.size() * settings.study_bits.size());
  return static_cast<double>(job.formats.size()) + 2 * chosen + (settings.verify ? 1 : 0);  // and the reversed ones
}

// Whether a job's calibration by such a method finds a range for each channel.
template <class Method>
bool calibrates_channels(const std::vector<engine::job>& jobs, const Method& is_such) {
  return std::any_of(jobs.begin(), jobs.end(), [&](const engine::job& j) {
    const engine::job_plan plan = engine::plan_jobs({&j, 1});
    return is_such(plan.ranges.front()) && plan.activations.front()->needs_column_range();
  });
}

// A histogram for each input channel of a block, where a calibration asks for them.
double channel_histogram_bytes(const lm::model_config& config, const std::vector<engine::job>& jobs) {
  constexpr double of_bin = sizeof(std::int64_t) + sizeof(float);
  constexpr double of_channel = of_bin * static_cast<double>(calibration::histogram::options().bins);
  if (!calibrates_channels(jobs, engine::is_of_histogram)) return 0;
  return of_channel * static_cast<double>(2 * config.hidden + config.query_width() + config.intermediate);
}

// `share`: of the rows, whose states are kept; `weights`: of the quantized weights.
double pass_bytes(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants, double share,
                  double weights) {
  const lm::pass_limits limits;
  const double layers = static_cast<double>(pass.model.config().layers);
  const double states =
      s.rows * static_cast<double>(pass.model.config().hidden) * bytes_per_value * (share * layers + 2);
  const double all_blocks = layers * s.block_weights * bytes_per_value;
  const double kept = std::min(static_cast<double>(pass.settings.kept_weight_bytes), all_blocks);
  const double block = 2 * s.block_weights * bytes_per_value + kept;  // and what is read from the file at once
  const double chunk =
      std::min(std::max(static_cast<double>(limits.chunk_bytes), s.block_weights * bytes_per_value),
               s.rows * static_cast<double>(lm::block_workspace::width(pass.model.config())) * bytes_per_value);
  const double logits = s.targets * static_cast<double>(pass.model.config().vocabulary) * bytes_per_value;
  const double slab = std::min(static_cast<double>(limits.slab_bytes), s.head * bytes_per_value) +
                      2 * std::min(static_cast<double>(limits.slab_output_bytes), logits);
  const double one = s.largest * bytes_per_value;
  const double quantized =
      std::max(one, std::min(one * std::ceil(weights * static_cast<double>(variants.weights.size())),
                             static_cast<double>(engine::engine_options().variant_bytes)));
  return program_bytes + states + block + chunk + slab + quantized;
}

// Operations a second of products in the tasks of a pass: of the fastest round, so that other load matters less.
double measured_rate(int threads) {
  constexpr index_t width = 512;
  constexpr index_t rows = 128;
  thread_pool pool(threads);
  const index_t all = rows * threads;
  lm::buffer x(all * width);
  lm::buffer y(all * width);
  lm::buffer w(width * width);
  for (lm::buffer* b : {&x, &y, &w}) std::fill(b->all().begin(), b->all().end(), 0.5F);
  using clock = std::chrono::steady_clock;
  double fastest = std::numeric_limits<double>::infinity();
  for (const auto start = clock::now(); clock::now() - start < std::chrono::milliseconds(100);) {
    const auto begun = clock::now();
    for_each_chunk(pool, all, rows, [&](index_t begin, index_t end) {
      lm::linear(lm::as_const(lm::rows_of(x.view(all, width), begin, end)), lm::as_const(w.view(width, width)), {},
                 lm::rows_of(y.view(all, width), begin, end));
    });
    fastest = std::min(fastest, std::chrono::duration<double>(clock::now() - begun).count());
  }
  return 2.0 * static_cast<double>(all * width * width) / fastest;
}

// What of a pass falls to the rank that has most.
struct busiest_share {
  double rows = 1;     // of all rows that are scored
  double jobs = 1;     // of all jobs
  double weights = 1;  // of their quantized weights
  double bundles = 0;
  std::string text;
};

std::string joined(const std::vector<index_t>& numbers) {
  std::string text;
  for (const index_t n : numbers) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return text;
}

busiest_share share_of(const opened_pass& pass, std::span<const engine::job> jobs, int ranks) {
  busiest_share share;
  if (ranks == 1) return share;
  const pass_division division = divide_pass(pass, jobs, ranks);
  const auto most = [](const std::vector<index_t>& sizes) {
    double sum = 0;
    for (const index_t n : sizes) sum += static_cast<double>(n);
    return sum > 0 ? static_cast<double>(*std::max_element(sizes.begin(), sizes.end())) / sum : 1.0;
  };
  share.rows = most(division.rows);
  share.jobs = most(division.jobs);
  share.weights = 1.0 / static_cast<double>(division.grid.job_shares);
  share.bundles = std::ceil(static_cast<double>(division.bundles) * share.rows);
  const auto count = [](index_t n, const char* of) { return std::to_string(n) + of + (n == 1 ? "" : "s"); };
  share.text = count(division.grid.row_shares, " row share") + " (" + joined(division.rows) + "; " +
               count(division.bundles, " bundle") + ") x " + count(division.grid.job_shares, " job share") + " (" +
               joined(division.jobs) + ")";
  const index_t idle = ranks - division.grid.ranks();
  if (idle > 0) share.text += ", " + count(idle, " rank") + " without work";
  return share;
}

// Ranks whose columns are divided see all rows, as they do where experts are calibrated: in the first pass, and in the
// second (engine/calibrate/input_calibration.hpp).
bool sees_all_rows(const std::vector<engine::job>& jobs) { return calibrates_channels(jobs, engine::is_of_histogram); }
bool sees_all_rows_again(const opened_pass& pass, const std::vector<engine::job>& jobs) {
  const auto is_mse = [](engine::calibration_method method) { return method == engine::calibration_method::mse; };
  return pass.model.config().experts > 0 || calibrates_channels(jobs, is_mse);
}

// Of a rank at the end of a block: a place and a sum for each task of rows, job and Linear.
double sent_by_block(const opened_pass& pass, const pass_sizes& sizes, std::size_t jobs, const busiest_share& share) {
  const auto linears = static_cast<double>(pass.model.layout(0).linears.size());
  const double tasks = std::max(share.bundles, sizes.scored * share.rows / static_cast<double>(lm::task_rows));
  return std::ceil(tasks) * std::ceil(share.jobs * static_cast<double>(jobs)) * linears * 16;
}

// The states behind the last block, and the gradient there.
double sent_once(const opened_pass& pass, const pass_sizes& sizes, double share) {
  return share * (sizes.scored + sizes.targets) * static_cast<double>(pass.model.config().hidden) * bytes_per_value;
}

// Operations that take the time of what a rank does for the weights, however few its rows; in one process, and of a
// share of the rows and jobs, it is part of the overhead.
double weight_operations(const opened_pass& pass, const pass_sizes& sizes, const variant_counts& variants,
                         const busiest_share& share) {
  const double chunk =
      std::max(static_cast<double>(lm::pass_limits().chunk_bytes), sizes.block_weights * bytes_per_value) /
      (static_cast<double>(lm::block_workspace::width(pass.model.config())) * bytes_per_value);
  const double chunks = std::max(1.0, std::ceil(share.rows * sizes.scored / chunk));
  const double quantized = chunks * std::ceil(share.weights * static_cast<double>(variants.weights.size()));
  return (sizes.blocks + sizes.head) * ((1 - share.rows) * operations_to_quantize * quantized +
                                        (1 - share.rows * share.jobs) * 3 * operations_to_read);
}

// Of a pass, whatever the ranks.
struct pass_work {
  pass_work(const opened_pass& of, const std::vector<engine::job>& its_jobs, double mixes)
      : pass(of), jobs(its_jobs), variants(variants_of(its_jobs)), sizes(sizes_of(of)), needed(of.settings) {
    sweeps = (needed.gradient ? 1 : 0) + static_cast<double>(needed.fisher_draws);
    of_passes = sweeps * pass_operations(sizes);
    calibrating = sweeps * calibration_operations(pass, sizes, variants);
    measuring = mixes > 0 ? (mixes + 1) * 2 * sizes.rows * (sizes.blocks + sizes.head) : 0;
    of_jobs = sweeps * job_operations(sizes, variants, pass.settings.cross);
    of_outputs = needed.outputs ? output_operations(pass, sizes, variants) : 0;
  }

  const opened_pass& pass;
  const std::vector<engine::job>& jobs;
  variant_counts variants;
  pass_sizes sizes;
  pass_sweeps needed;
  double sweeps = 0;
  double of_passes = 0;  // operations
  double calibrating = 0;
  double measuring = 0;
  double of_jobs = 0;
  double of_outputs = 0;
};

// Adds a pass; `seconds` are operations until the rate is known.
void add_pass(run_estimate& estimate, const pass_work& work) {
  const busiest_share share = share_of(work.pass, work.jobs, estimate.ranks);
  // Rows that are not scored are divided among all ranks.
  const double further = (work.sizes.rows - work.sizes.scored) / work.sizes.rows;
  const double forward_share =
      sees_all_rows(work.jobs) ? 1 : (1 - further) * share.rows + further / static_cast<double>(estimate.ranks);
  const double calibrated = sees_all_rows_again(work.pass, work.jobs) ? 1 : share.rows;
  ++estimate.passes;
  estimate.threads = work.pass.settings.threads;
  estimate.operations += work.of_passes + work.calibrating + work.of_jobs + work.of_outputs + work.measuring;
  // Of the rank that has most to do; a third of a pass is its forward half.
  estimate.seconds +=
      pass_overhead * (work.of_passes * (forward_share + 2 * share.rows) / 3 + work.calibrating * calibrated) +
      job_overhead * ((work.of_jobs * share.jobs + work.measuring) * share.rows + work.of_outputs / estimate.ranks) +
      work.sweeps * weight_operations(work.pass, work.sizes, work.variants, share);
  const double states = work.needed.outputs ? 1 : share.rows;
  estimate.bytes = std::max(estimate.bytes, pass_bytes(work.pass, work.sizes, work.variants, states, share.weights) +
                                                channel_histogram_bytes(work.pass.model.config(), work.jobs));
  estimate.largest_share = std::max(estimate.largest_share, share.rows);
  estimate.largest_jobs = std::max(estimate.largest_jobs, share.jobs);
  if (estimate.ranks == 1) return;
  estimate.divisions.push_back(share.text);
  estimate.block_bytes = std::max(estimate.block_bytes, sent_by_block(work.pass, work.sizes, work.jobs.size(), share));
  estimate.once_bytes = std::max(estimate.once_bytes, sent_once(work.pass, work.sizes, share.rows));
}

}  // namespace

run_estimate estimate_run(sweep_plan& plan, int ranks) {
  run_estimate estimate;
  estimate.ranks = ranks;
  for (int fewer = 1; fewer < ranks; fewer *= 2) estimate.fewer.emplace_back().ranks = fewer;
  const auto add = [&](const opened_pass& pass, const std::vector<engine::job>& jobs, double mixes) {
    const pass_work work(pass, jobs, mixes);
    add_pass(estimate, work);
    for (run_estimate& other : estimate.fewer) add_pass(other, work);
  };
  if (plan.recipe_list) {
    const std::vector<pass_of_jobs> passes = open_settled_passes(plan);
    if (plan.recipe_list->state != folder_state::complete) add(*passes.front().opened, plan.recipe_list->jobs, 0);
  } else if (plan.runner.report_only) {
    settle_illegal(plan);
    static_cast<void>(manifests_of(plan));
  } else {
    for (const pass_of_jobs& pass : open_settled_passes(plan)) {
      const std::vector<engine::job> jobs = missing_jobs(plan, pass);
      double mixes = 0;
      for (const std::size_t j : pass.jobs) {
        if (plan.jobs[j].state != folder_state::complete) mixes += mixes_of(plan.jobs[j]);
      }
      if (!jobs.empty()) add(*pass.opened, jobs, mixes);
    }
  }
  if (estimate.passes == 0) return estimate;
  estimate.rate = measured_rate(estimate.threads);
  estimate.seconds /= estimate.rate;
  for (run_estimate& other : estimate.fewer) other.seconds /= estimate.rate;
  return estimate;
}

namespace {

// One line for each number of ranks.
void print_ranks(std::ostream& out, const run_estimate& estimate) {
  std::vector<std::vector<std::string>> rows{
      {"ranks", "rows of the busiest", "its jobs", "memory of each", "sent at a block's end", "sent once", "time"}};
  const auto add = [&](const run_estimate& e) {
    std::ostringstream share, jobs, memory, block, once;
    share << std::round(e.largest_share * 1000) / 10 << " %";
    jobs << std::round(e.largest_jobs * 1000) / 10 << " %";
    memory << std::ceil(e.bytes * 1e-6) << " MB";
    block << std::ceil(e.block_bytes * 1e-3) << " kB";
    once << std::ceil(e.once_bytes * 1e-6) << " MB";
    rows.push_back({std::to_string(e.ranks), share.str(), jobs.str(), memory.str(), block.str(), once.str(),
                    duration_text(std::ceil(e.seconds))});
  };
  for (const run_estimate& fewer : estimate.fewer) add(fewer);
  add(estimate);
  common::print_table(out, rows);
}

}  // namespace

void print_estimate(std::ostream& out, const run_estimate& estimate) {
  if (estimate.passes == 0) {
    out << "nothing left to score\n";
    return;
  }
  out << "estimate: " << duration_text(std::ceil(estimate.seconds)) << ", " << std::ceil(estimate.bytes * 1e-6)
      << " MB; " << estimate.passes << (estimate.passes == 1 ? " pass" : " passes") << " with "
      << std::round(estimate.operations * 1e-9) << " G operations of matrix products, measured here at "
      << std::round(estimate.rate * 1e-9) << " G a second\n";
  if (estimate.ranks == 1) return;
  for (const std::string& division : estimate.divisions) out << division << "\n";
  out << estimate.ranks << " ranks: time and memory are those of the one that has most to do; it sends at most "
      << std::ceil(estimate.block_bytes * 1e-3) << " kB at the end of a block, and once "
      << std::ceil(estimate.once_bytes * 1e-6) << " MB\n";
  print_ranks(out, estimate);
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  if (estimate.ranks * estimate.threads > cores) {
    out << "hint: " << estimate.ranks << " ranks x " << estimate.threads
        << (estimate.threads == 1 ? " thread" : " threads") << " are more than the " << cores
        << (cores == 1 ? " core" : " cores")
        << " of this machine: the time holds where every rank has cores of its own\n";
  }
}

}  // namespace qgrain::sweep
