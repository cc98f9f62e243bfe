#include <common/text_table.hpp>
#include <engine/score/engine.hpp>
#include <lm/block.hpp>
#include <lm/operations.hpp>
#include <lm/pass.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/run/estimate.hpp>
#include <sweep/run/open_passes.hpp>
#include <sweep/run/ranks.hpp>
#include <sweep/run/run.hpp>
#include <sweep/run/scoring_pass.hpp>
#include <sweep/run/terminal.hpp>
#include <sweep/settings/naming.hpp>

#include <qgrain/calibration/histogram.hpp>
#include <qgrain/host/parallel.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

namespace qgrain::sweep {
namespace {

// Time of the pass and of the jobs as multiples of their bare products (docs/benchmarks.md); what a job quantizes
// counts more in jobs that are alone with their variants than in the grid measured there.
constexpr double pass_overhead = 1.8;
constexpr double job_overhead = 2;
// What every rank does for a weight, however few its rows: as many operations of products take its time.
constexpr double operations_to_quantize = 80;  // under one recipe
constexpr double operations_to_read = 30;      // and widen
constexpr double program_bytes = 16e6;         // code, tokenizer, tables
constexpr double bytes_per_value = sizeof(float);
constexpr double sampled_share = 1.0 / 24;  // of the rows, where the cross term is not exact (engine/cross_term.hpp)

// Sizes that costs depend on.
struct pass_sizes {
  double rows = 0;
  double scored = 0;         // rows of the scored batches
  double targets = 0;        // of them
  double block = 0;          // weights of one block that a row goes through
  double blocks = 0;         // of all blocks
  double block_weights = 0;  // of one block, with one expert
  double head = 0;
  double largest = 0;  // weights of the largest group of Linears with one input
  double attention = 0;
};

pass_sizes sizes_of(const opened_pass& pass) {
  const lm::model_config& config = pass.model.config();
  pass_sizes sizes;
  sizes.rows = static_cast<double>(pass.rows.rows());
  const index_t batches = num_score_steps(pass.settings.score_size, pass.settings.batch_size, pass.rows.batches());
  for (const lm::sequence_rows& s : pass.rows.sequences) {
    const double tokens = static_cast<double>(s.tokens());
    sizes.attention += 18 * tokens * tokens * static_cast<double>(config.query_width());  // forward 2, backward 7
    if (s.batch >= batches) continue;
    sizes.scored += static_cast<double>(s.rows);
    sizes.targets +=
        static_cast<double>(std::count_if(pass.rows.targets.begin() + s.begin, pass.rows.targets.begin() + s.end(),
                                          [](std::int32_t target) { return target >= 0; }));
  }
  const std::vector<lm::linear_info>& linears = pass.model.linears();
  double experts = 0;  // at rest
  for (std::size_t l = 0; l < linears.size(); ++l) {
    const auto elements = static_cast<double>(linears[l].elements());
    const bool is_of_expert = pass.model.is_of_expert(static_cast<index_t>(l));
    // an expert sees some of the rows
    const double share =
        is_of_expert ? static_cast<double>(config.experts_per_token) / static_cast<double>(config.experts) : 1;
    sizes.blocks += share * elements;
    if (is_of_expert) experts += share * elements;
    sizes.largest = std::max(sizes.largest, elements);
  }
  sizes.head = static_cast<double>(linears.back().elements());
  sizes.blocks -= sizes.head;
  sizes.block = sizes.blocks / static_cast<double>(config.layers);
  sizes.block_weights =
      (sizes.blocks - experts) / static_cast<double>(config.layers) +
      static_cast<double>(lm::expert_parts * static_cast<std::size_t>(config.hidden * config.expert_width));
  return sizes;
}

// Distinct recipes and pairs of them, with the calibration.
struct variant_counts {
  std::set<std::pair<std::string, std::string>> weights;
  std::set<std::pair<std::string, std::string>> activations;
  std::set<std::tuple<std::string, std::string, std::string>> jobs;
};

variant_counts variants_of(const std::vector<engine::job>& jobs) {
  variant_counts found;
  for (const engine::job& j : jobs) {
    if (j.weight == recipes::unquantized && j.activation == recipes::unquantized) continue;
    found.weights.emplace(j.weight, j.calibration);
    found.activations.emplace(j.activation, j.calibration);
    found.jobs.emplace(j.weight, j.activation, j.calibration);
  }
  return found;
}

double pass_operations(const pass_sizes& s) {
  // forward; recomputation and gradients of inputs; logits and their gradient
  return 2 * s.rows * s.blocks + 4 * s.scored * s.blocks + 6 * s.targets * s.head + s.attention;
}

double job_operations(const pass_sizes& s, const variant_counts& variants, engine::cross_term mode) {
  const double all = static_cast<double>(variants.jobs.size());
  const double separate = static_cast<double>(variants.weights.size() + variants.activations.size());
  const double products = mode == engine::cross_term::exact ? all : separate + sampled_share * (all + separate);
  return products * 2 * (s.scored * s.blocks + s.targets * s.head);
}

// Products of the pass that calibrations which look twice take, and of AWQ's searches on a quarter of the batches.
double calibration_operations(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants) {
  constexpr double alphas = 11;
  const auto has = [](engine::calibration_method method) {
    return [method](const auto& variant) { return variant.second == name_of(method); };
  };
  const auto awq = static_cast<double>(
      std::count_if(variants.weights.begin(), variants.weights.end(), has(engine::calibration_method::awq_lite)));
  const auto batches = static_cast<double>(pass.rows.batches());
  const double awq_rows = awq > 0 ? s.rows * std::max(1.0, std::floor(batches / 4)) / batches : 0;
  const bool is_whole =
      std::any_of(variants.activations.begin(), variants.activations.end(), has(engine::calibration_method::mse));
  return 2 * (is_whole ? s.rows : awq_rows) * s.blocks + 2 * alphas * awq * awq_rows * (s.blocks + s.head);
}

// Products of the scores that are measured at the model's output: a forward pass and, for each group and job, what is
// behind the group's layer.
double output_operations(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants) {
  double rests = 0;  // weights that are run through, over all groups
  const double layers = static_cast<double>(pass.model.config().layers);
  for (const engine::linear_group& group : linear_groups(pass)) {
    const auto layer = static_cast<double>(pass.model.linears()[group.front()].layer);
    rests += s.block * std::max(layers - layer, 0.0) + s.head;
  }
  return 2 * s.rows * s.blocks + 2 * s.scored * (s.head + rests * static_cast<double>(variants.jobs.size()));
}

// How many mixes a job measures at the most.
double mixes_of(const planned_job& job) {
  const autoquant_settings& settings = job.settings.autoquant;
  if (!settings.verify && settings.study_bits.empty()) return 0;
  const auto chosen = static_cast<double>(settings.methods.size() * settings.study_bits.size());
  return static_cast<double>(job.formats.size()) + 2 * chosen + (settings.verify ? 1 : 0);  // and the reversed ones
}

// A histogram for each input channel of a block, where a calibration asks for them.
double channel_histogram_bytes(const lm::model_config& config, const std::vector<engine::job>& jobs) {
  constexpr double of_bin = sizeof(std::int64_t) + sizeof(float);
  constexpr double of_channel = of_bin * static_cast<double>(calibration::histogram::options().bins);
  const auto asks = [](const engine::job& j) {
    const engine::job_plan plan = engine::plan_jobs({&j, 1});
    return engine::is_of_histogram(plan.ranges.front()) && plan.activations.front()->needs_column_range();
  };
  if (std::none_of(jobs.begin(), jobs.end(), asks)) return 0;
  return of_channel * static_cast<double>(2 * config.hidden + config.query_width() + config.intermediate);
}

// `share`: of the rows, whose states are kept.
double pass_bytes(const opened_pass& pass, const pass_sizes& s, const variant_counts& variants, double share) {
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
  const double quantized = std::max(one, std::min(one * static_cast<double>(variants.weights.size()),
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

// How the rows of a pass fall to ranks.
struct row_shares {
  double largest = 1;  // of all rows that are scored
  double bundles = 0;  // of the rank that has most
  std::string text;
};
row_shares shares_of(const opened_pass& pass, int ranks) {
  row_shares shares;
  if (ranks == 1) return shares;
  const rank_rows_of_pass rows = rows_of_ranks(pass, ranks);
  shares.largest = 0;
  for (std::size_t r = 0; r + 1 < rows.bounds.size(); ++r) {
    const index_t own = rows.bounds[r + 1] - rows.bounds[r];
    shares.largest = std::max(shares.largest, static_cast<double>(own) / static_cast<double>(rows.bounds.back()));
    shares.text += (r == 0 ? "" : ", ") + std::to_string(own);
  }
  shares.bundles = std::ceil(static_cast<double>(rows.bundles) * shares.largest);
  shares.text = "rows of each rank: " + shares.text + " (" + std::to_string(rows.bundles) +
                (rows.bundles == 1 ? " bundle" : " bundles") + " in all)";
  return shares;
}

// Histograms and means are collected by every rank from all rows (engine/calibrate/input_calibration.hpp).
bool sees_all_rows(const std::vector<engine::job>& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [](const engine::job& j) {
    const engine::calibration_method method = engine::find_calibration(j.calibration);
    return engine::is_of_histogram(method) || method == engine::calibration_method::awq_lite;
  });
}

// Of a rank at the end of a block: a place and a sum for each task of rows, job and Linear.
double sent_by_block(const opened_pass& pass, const pass_sizes& sizes, std::size_t jobs, const row_shares& shares) {
  const auto linears = static_cast<double>(pass.model.layout(0).linears.size());
  const double tasks = std::max(shares.bundles, sizes.scored * shares.largest / static_cast<double>(lm::task_rows));
  return std::ceil(tasks) * static_cast<double>(jobs) * linears * 16;
}

// The states behind the last block, and the gradient there.
double sent_once(const opened_pass& pass, const pass_sizes& sizes, double share) {
  return share * (sizes.scored + sizes.targets) * static_cast<double>(pass.model.config().hidden) * bytes_per_value;
}

// Operations that take the time of what a rank does for the weights.
double weight_operations(const opened_pass& pass, const pass_sizes& sizes, const variant_counts& variants,
                         double share) {
  const double chunk =
      std::max(static_cast<double>(lm::pass_limits().chunk_bytes), sizes.block_weights * bytes_per_value) /
      (static_cast<double>(lm::block_workspace::width(pass.model.config())) * bytes_per_value);
  const double chunks = std::max(1.0, std::ceil(share * sizes.scored / chunk));
  const double quantized = chunks * static_cast<double>(variants.weights.size());
  return (sizes.blocks + sizes.head) * (operations_to_quantize * quantized + 3 * operations_to_read);
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
  const row_shares shares = shares_of(work.pass, estimate.ranks);
  const double forward_share = sees_all_rows(work.jobs) ? 1 : shares.largest;
  ++estimate.passes;
  estimate.threads = work.pass.settings.threads;
  estimate.operations += work.of_passes + work.calibrating + work.of_jobs + work.of_outputs + work.measuring;
  // Of the rank that has most to do; a third of a pass is its forward half.
  estimate.seconds +=
      pass_overhead * (work.of_passes * (forward_share + 2 * shares.largest) / 3 + work.calibrating) +
      job_overhead * (work.of_jobs * shares.largest + work.of_outputs / estimate.ranks + work.measuring);
  // In one process this is part of the overhead.
  estimate.seconds +=
      work.sweeps * (1 - shares.largest) * weight_operations(work.pass, work.sizes, work.variants, shares.largest);
  const double states = work.needed.outputs ? 1 : shares.largest;
  estimate.bytes = std::max(estimate.bytes, pass_bytes(work.pass, work.sizes, work.variants, states) +
                                                channel_histogram_bytes(work.pass.model.config(), work.jobs));
  estimate.largest_share = std::max(estimate.largest_share, shares.largest);
  if (estimate.ranks == 1) return;
  estimate.divisions.push_back(shares.text);
  estimate.block_bytes = std::max(estimate.block_bytes, sent_by_block(work.pass, work.sizes, work.jobs.size(), shares));
  estimate.once_bytes = std::max(estimate.once_bytes, sent_once(work.pass, work.sizes, shares.largest));
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
    const pass_of_jobs pass = open_recipe_list(plan);
    if (plan.recipe_list->state != folder_state::complete) add(*pass.opened, plan.recipe_list->jobs, 0);
  } else if (plan.runner.report_only) {
    settle_illegal(plan);
    static_cast<void>(manifests_of(plan));
  } else {
    for (const pass_of_jobs& pass : open_passes(plan)) {
      std::vector<engine::job> jobs;
      double mixes = 0;
      for (const std::size_t j : pass.jobs) {
        if (plan.jobs[j].state == folder_state::complete) continue;
        const std::vector<engine::job> of_formats = jobs_of(plan.jobs[j]);
        jobs.insert(jobs.end(), of_formats.begin(), of_formats.end());
        mixes += mixes_of(plan.jobs[j]);
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
      {"ranks", "rows of the busiest", "memory of each", "sent at a block's end", "sent once", "time"}};
  const auto add = [&](const run_estimate& e) {
    std::ostringstream share, memory, block, once;
    share << std::round(e.largest_share * 1000) / 10 << " %";
    memory << std::ceil(e.bytes * 1e-6) << " MB";
    block << std::ceil(e.block_bytes * 1e-3) << " kB";
    once << std::ceil(e.once_bytes * 1e-6) << " MB";
    rows.push_back({std::to_string(e.ranks), share.str(), memory.str(), block.str(), once.str(),
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
