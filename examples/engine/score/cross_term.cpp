#include <engine/score/cross_term.hpp>
#include <engine/score/term_portion.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace qgrain::engine {
namespace {

constexpr index_t sample_one_in = 24;
constexpr index_t least_sample = 64;

}  // namespace

separate_terms::separate_terms(const job_plan& plan, const variant_maker& variants, thread_pool& pool, index_t rows,
                               std::function<bool()> stop)
    : plan_(plan), variants_(variants), pool_(pool), stop_(std::move(stop)) {
  const double wanted = static_cast<double>(std::max(rows / sample_one_in, least_sample));
  const double share = wanted / static_cast<double>(std::max<index_t>(rows, 1));
  threshold_ = share >= 1 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(std::ldexp(share, 64));
}

double separate_terms::score(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t first,
                             const std::vector<std::vector<lm::const_matrix>>& changes, score_sums& sums) const {
  double flops = score_part(sample, rows, first, changes, false, sums);
  for (std::size_t o = 0; o < sample.outputs.size() && !plan_.scales.empty(); ++o)
    flops += score_part({sample.x, sample.rows, sample.outputs.subspan(o, 1), sample.bundles}, rows, first,
                        {changes[o]}, true, sums);
  return flops;
}

// The jobs with or those without an input scale.
double separate_terms::score_part(const lm::linear_sample& sample, std::span<const index_t> rows, std::size_t first,
                                  const std::vector<std::vector<lm::const_matrix>>& changes, bool is_scaled,
                                  score_sums& sums) const {
  term_portion p{sample, {}, {}, changes, {}};
  const std::size_t end = first + changes.front().size();
  const auto place_of = [](std::vector<std::size_t>& list, std::size_t value) {
    const auto found = std::find(list.begin(), list.end(), value);
    const auto place = found - list.begin();
    if (found == list.end()) list.push_back(value);
    return place;
  };
  for (std::size_t j = 0; j < plan_.jobs.size(); ++j) {
    const job_plan::pair& pair = plan_.jobs[j];
    if (pair.weight < first || pair.weight >= end || !plan_.is_scored(j)) continue;
    if (variants_.is_scaled(pair.activation) != is_scaled) continue;
    p.jobs.push_back({j, plan_.weights[pair.weight] ? place_of(p.weights, pair.weight - first) : -1,
                      plan_.activations[pair.activation] ? place_of(p.activations, pair.activation) : -1});
  }
  if (p.jobs.empty()) return 0;
  std::vector<index_t> sampled;
  for (const index_t row : rows) {
    if (sample_hash(sample.rows[static_cast<std::size_t>(row)], sample.outputs.front().linear) <= threshold_)
      sampled.push_back(row);
  }
  return score_terms(p, rows, sums) + score_sample(p, sampled, sums);
}

std::vector<std::vector<double>> finished_scores(const score_sums& sums, cross_term mode, const job_plan& plan,
                                                 std::vector<cross_term_error>& errors) {
  std::vector<std::vector<double>> scores;
  errors.clear();
  // Of the cross term its own square alone; its products with the other terms may have either sign and are left out.
  const auto factor = [&](double cross, double without) {
    return mode == cross_term::sampled && without > 0 ? 1 + cross / without : 1.0;
  };
  for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
    std::vector<double>& job = scores.emplace_back();
    cross_term_error error;
    double expected = 0;
    double found = 0;
    for (std::size_t l = 0; l < sums.linears; ++l) {
      const double score = sums.at(score_sums::score, j, l);
      if (mode == cross_term::exact) {
        job.push_back(score);
        continue;
      }
      const double fit_without = sums.at(score_sums::fit_without, j, l);
      const double fit_cross = sums.at(score_sums::fit_cross, j, l);
      const double without = sums.at(score_sums::check_without, j, l);
      const double cross = sums.at(score_sums::check_cross, j, l);
      const double whole = sums.at(score_sums::check_whole, j, l);
      job.push_back(std::max(score, 0.0) * factor(fit_cross + cross, fit_without + without));
      const double estimate = without * factor(fit_cross, fit_without);
      expected += whole;
      found += estimate;
      if (whole > 0) error.largest = std::max(error.largest, std::abs(estimate / whole - 1));
    }
    if (expected > 0) error.sum = std::abs(found / expected - 1);
    if (mode != cross_term::exact) errors.push_back(error);
  }
  return scores;
}

}  // namespace qgrain::engine
