// Mixes of a pass's model, measured.
#ifndef QGRAIN_SWEEP_RUN_MIX_BENCH_HPP
#define QGRAIN_SWEEP_RUN_MIX_BENCH_HPP

#include <common/communicator.hpp>
#include <engine/measure/verification.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <qgrain/host/parallel.hpp>

#include <optional>

namespace qgrain::sweep {

/// The unquantized model runs once, when it is first needed. Ranks, if any, measure the same mixes together.
class mix_bench {
 public:
  explicit mix_bench(const opened_pass& pass, common::communicator* ranks = nullptr)
      : pass_(pass), ranks_(ranks), pool_(pass.settings.threads) {}

  [[nodiscard]] engine::mix_report measure(const engine::recipe_mix& mix) {
    if (!verifier_) verifier_.emplace(pass_.model, pass_.rows, pool_, lm::pass_limits(), ranks_);
    return verifier_->verify(mix);
  }

 private:
  const opened_pass& pass_;
  common::communicator* ranks_;
  thread_pool pool_;
  std::optional<engine::mix_verifier> verifier_;
};

}  // namespace qgrain::sweep

#endif
