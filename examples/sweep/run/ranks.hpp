// One run by several ranks: that they agree before the work starts, and how the others learn of a pass.
#ifndef QGRAIN_SWEEP_RUN_RANKS_HPP
#define QGRAIN_SWEEP_RUN_RANKS_HPP

#include <common/communicator.hpp>
#include <sweep/run/mix_bench.hpp>
#include <sweep/run/open_passes.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/request.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// Runs a step on every rank. Where it fails on any of them all throw one error: its sentence alone where it is the
/// same on all, else with the ranks and hosts that it is of.
void together(common::communicator* ranks, const std::function<void()>& step);

/// Runs what the first rank does by itself: an error of several ranks' run names it and its host.
void alone(const common::communicator* ranks, const std::function<void()>& work);

/// The request to go on with that the first rank has found, on all of them, or none; `time`: becomes that of the first.
[[nodiscard]] std::optional<run_request> shared_request(common::communicator& ranks,
                                                        std::optional<run_request> of_first, std::int64_t& time);

/// Compares what the ranks have opened: composed configurations, formats, and hashes of weights, tokenizer and texts.
/// Warns of processors of several types and of more threads than cores.
/// @throws error errc::invalid_argument on all ranks, naming rank, host and the first key or hash that differs from the
/// first rank's
void require_agreement(common::communicator& ranks, const sweep_plan& plan, std::span<const pass_of_jobs> passes,
                       const std::function<void(const std::string&)>& warn);

/// The bench of one pass at a time.
class pass_bench {
 public:
  [[nodiscard]] mix_bench& of(std::size_t number, const opened_pass& pass, common::communicator* ranks) {
    if (!bench_ || number != number_) bench_.emplace(pass, ranks);
    number_ = number;
    return *bench_;
  }
  void clear() noexcept { bench_.reset(); }

 private:
  std::size_t number_ = 0;
  std::optional<mix_bench> bench_;
};

/// The first rank's side of what all ranks do together; of one process, where there are no ranks.
class pass_caller {
 public:
  explicit pass_caller(common::communicator* ranks) : ranks_(ranks) {}
  pass_caller(const pass_caller&) = delete;
  pass_caller& operator=(const pass_caller&) = delete;
  ~pass_caller() { dismiss(); }
  /// Scores pass number `number` of the run on all ranks.
  [[nodiscard]] scored_pass score(std::size_t number, const opened_pass& pass, std::vector<engine::job> jobs,
                                  scoring_options options);
  /// Measures a mix of the model of pass number `number` on all ranks.
  [[nodiscard]] engine::mix_report measure(std::size_t number, const opened_pass& pass, const engine::recipe_mix& mix);
  /// Tells the others that there is no more to do: the first rank goes on alone.
  void dismiss();

 private:
  /// Runs on this rank what the others are called to as well.
  template <class Work>
  [[nodiscard]] auto on_all(const json::object& call, const Work& work);

  common::communicator* ranks_;
  bool others_wait_ = true;  // for the next call
  pass_bench bench_;
};

/// The side of the others: scores and measures as the first rank calls for it, until there is no more.
void serve_passes(common::communicator& ranks, std::span<const pass_of_jobs> passes);

}  // namespace qgrain::sweep

#endif
