// When scores from behind a matrix product agree with those of another machine: the one rule of all such tests.
//
// Matrix products differ in their last bits between processor types, for ModelOpt as for us. Where activations are not
// rounded afterwards, nothing more comes of it. Where they are, one that lies on a tie may fall to either side, and all
// outputs that it takes part in move by a step of its format. ModelOpt's own scores of two machines are as far apart as
// the limits below allow (tests/engine/score/machines_test.cpp measures it); docs/numerics.md has the figures.
#ifndef QGRAIN_TESTS_SUPPORT_SCORE_AGREEMENT_HPP
#define QGRAIN_TESTS_SUPPORT_SCORE_AGREEMENT_HPP

#include <qgrain/sensitivity/rank_correlation.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::testing {

/// What the scores of a job suffer from the last bits of its products.
enum class score_kind {
  plain_activations,   ///< gradient scores of jobs that quantize weights alone: nothing is rounded behind a product
  coarse_activations,  ///< gradient scores of activations of at most 5 bits (int4, mxfp4): few lie on a tie
  fine_activations,    ///< gradient scores of activations of 6 bits and more (int8, fp8)
  fine_blocks_of_two,  ///< the same behind scales that are powers of two (mxfp8, mxfp6): the scales have ties too
  output_change,       ///< kl_div and loss: the small ones are differences of nearly equal numbers
};
inline constexpr std::size_t score_kinds = 5;

/// By the bits of an activation recipe, the first number of its name (int8/per_token_dynamic: 8, mxfp4_rceil: 4).
/// "fp16" is no quantization.
inline score_kind gradient_score_kind(std::string_view activation) {
  if (activation == "fp16") return score_kind::plain_activations;
  int bits = 0;
  for (const char c : activation) {
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      bits = 10 * bits + (c - '0');
    } else if (bits > 0) {
      break;
    }
  }
  if (bits < 6) return score_kind::coarse_activations;
  return activation.starts_with("mx") ? score_kind::fine_blocks_of_two : score_kind::fine_activations;
}

struct score_limits {
  double largest;         ///< of a score: relative or, of output changes, over the job's largest score
  double share_near;      ///< of the scores of many jobs that are within `near_difference`
  double share_near_few;  ///< the same of fewer than `many_jobs`: one job of ModelOpt's alone has 84 %
  double share_near_one;  ///< of a single job: one with SmoothQuant has 67, 72, 84 and 100 % on four types of kernels
  double sum;             ///< relative, of a job
  double least_spearman;  ///< of a job
};
/// Jobs of one activation recipe flip together, so that few jobs say little about the share.
inline constexpr std::size_t many_jobs = 30;
inline constexpr double near_difference = 1e-4;
/// Of a calibrated range behind matrix products, over the range or 1, whichever is larger.
inline constexpr float range_difference = 1e-5F;
/// Relative differences of scores below this part of the job's largest are not looked at.
inline constexpr double negligible = 1e-6;

inline constexpr score_limits limits_of(score_kind kind) {
  constexpr double any = std::numeric_limits<double>::infinity();
  switch (kind) {
    case score_kind::plain_activations:
      return {near_difference, 1, 1, 1, near_difference, 0.999};
    case score_kind::coarse_activations:
      return {2e-3, 0.99, 0.95, 0.95, near_difference, 0.999};
    case score_kind::fine_activations:
      return {3e-2, 0.9, 0.8, 0.6, 1e-3, 0.999};
    case score_kind::fine_blocks_of_two:
      return {3e-2, 0.9, 0.8, 0.6, 3e-3, 0.999};
    case score_kind::output_change:
      return {5e-3, 0, 0, 0, any, 0.99};
  }
  return {};
}

/// How far the scores of one job are apart.
struct score_difference {
  std::size_t compared = 0;
  std::size_t near = 0;  ///< of them within near_difference
  double largest = 0;    ///< as score_limits::largest
  std::size_t largest_at = 0;
  double sum = 0;
  double spearman = 1;
  double largest_score = 0;  ///< of the job, among the wanted ones
};

/// Of scores that are wanted in the order of those found. NaN counts as infinitely far.
inline score_difference difference_of(score_kind kind, std::span<const double> found, std::span<const double> wanted) {
  constexpr double far = std::numeric_limits<double>::infinity();
  score_difference d;
  if (found.size() != wanted.size() || wanted.empty()) {
    d.largest = far;
    return d;
  }
  const auto distance = [](double difference) { return std::isnan(difference) ? far : std::abs(difference); };
  d.largest_score = *std::max_element(wanted.begin(), wanted.end());
  const bool is_relative = kind != score_kind::output_change;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (is_relative && wanted[i] <= negligible * d.largest_score &&
        distance(found[i]) <= 2 * negligible * d.largest_score)
      continue;
    const double apart = distance((found[i] - wanted[i]) / (is_relative ? wanted[i] : d.largest_score));
    ++d.compared;
    d.near += apart <= near_difference ? 1U : 0U;
    if (apart > d.largest) {
      d.largest = apart;
      d.largest_at = i;
    }
  }
  const double wanted_sum = std::accumulate(wanted.begin(), wanted.end(), 0.0);
  d.sum = distance(std::accumulate(found.begin(), found.end(), 0.0) / wanted_sum - 1);
  const double correlation = sensitivity::spearman(found, wanted);
  d.spearman = std::isnan(correlation) && d.largest == 0 ? 1 : correlation;
  return d;
}

/// Compares many jobs and says which limits are overstepped.
class score_agreement {
 public:
  void add(const std::string& job, score_kind kind, std::span<const double> found, std::span<const double> wanted) {
    const score_difference d = difference_of(kind, found, wanted);
    const score_limits limits = limits_of(kind);
    std::ostringstream faults;
    if (found.size() != wanted.size()) faults << " has " << found.size() << " scores instead of " << wanted.size();
    if (!(d.largest <= limits.largest)) faults << " score " << d.largest_at << " differs by " << d.largest << ";";
    if (!(d.sum <= limits.sum)) faults << " the sum differs by " << d.sum << ";";
    if (!(d.spearman >= limits.least_spearman)) faults << " Spearman " << d.spearman << ";";
    if (!faults.str().empty()) failures_.push_back(job + ":" + faults.str());
    tally& t = tallies_[static_cast<std::size_t>(kind)];
    ++t.jobs;
    t.failed += faults.str().empty() ? 0U : 1U;
    t.compared += d.compared;
    t.near += d.near;
    t.largest = std::max(t.largest, d.largest);
    t.sum = std::max(t.sum, d.sum);
    t.spearman = std::min(t.spearman, d.spearman);
  }

  [[nodiscard]] std::size_t jobs() const {
    return std::accumulate(std::begin(tallies_), std::end(tallies_), std::size_t{0},
                           [](std::size_t sum, const tally& t) { return sum + t.jobs; });
  }
  [[nodiscard]] std::size_t compared() const {
    return std::accumulate(std::begin(tallies_), std::end(tallies_), std::size_t{0},
                           [](std::size_t sum, const tally& t) { return sum + t.compared; });
  }

  /// Every overstepped limit in a sentence; empty where the rule holds.
  [[nodiscard]] std::vector<std::string> violations() const {
    std::vector<std::string> all = failures_;
    for (std::size_t k = 0; k < std::size(tallies_); ++k) {
      const tally& t = tallies_[k];
      const score_limits limits = limits_of(static_cast<score_kind>(k));
      const double least = t.jobs == 1          ? limits.share_near_one
                           : t.jobs < many_jobs ? limits.share_near_few
                                                : limits.share_near;
      if (t.compared > 0 && t.share() < least) {
        std::ostringstream text;
        text << names[k] << ": only " << 100 * t.share() << " % of " << t.compared << " scores within "
             << near_difference;
        all.push_back(text.str());
      }
    }
    return all;
  }

  /// Jobs, failing jobs and worst figures, a line for each kind.
  [[nodiscard]] std::string figures() const {
    std::ostringstream text;
    for (std::size_t k = 0; k < std::size(tallies_); ++k) {
      const tally& t = tallies_[k];
      if (t.jobs == 0) continue;
      text << "\n  " << names[k] << ": " << t.jobs << " jobs, " << t.failed << " failing; " << t.compared << " scores, "
           << 100 * t.share() << " % within " << near_difference << ", worst " << t.largest << ", worst sum " << t.sum
           << ", least Spearman " << t.spearman;
    }
    return text.str();
  }

  /// To be called at the end of a Boost.Test case.
  void check(const std::string& what) const {
    BOOST_TEST_MESSAGE(what << figures());
    for (const std::string& violation : violations()) BOOST_ERROR(what << ": " << violation);
  }

 private:
  struct tally {
    std::size_t jobs = 0;
    std::size_t failed = 0;
    std::size_t compared = 0;
    std::size_t near = 0;
    double largest = 0;
    double sum = 0;
    double spearman = 1;
    [[nodiscard]] double share() const { return static_cast<double>(near) / static_cast<double>(compared); }
  };
  static constexpr std::array<const char*, score_kinds> names{
      "plain activations", "coarse activations", "fine activations", "fine activations behind powers of two",
      "output changes"};

  std::vector<std::string> failures_;
  std::array<tally, score_kinds> tallies_;
};

}  // namespace qgrain::testing

#endif
