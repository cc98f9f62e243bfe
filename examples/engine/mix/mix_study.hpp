// How good the mixes are that scores lead to: chosen by the search, measured on the whole model.
#ifndef QGRAIN_ENGINE_MIX_MIX_STUDY_HPP
#define QGRAIN_ENGINE_MIX_MIX_STUDY_HPP

#include <engine/measure/method_agreement.hpp>
#include <engine/measure/output_scores.hpp>
#include <engine/measure/verification.hpp>
#include <engine/score/job.hpp>

#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace qgrain::engine {

/// In the place of a format: not quantized.
inline constexpr std::size_t no_format = std::numeric_limits<std::size_t>::max();

/// Linears that get one format, and what they may choose from. The last choice is no_format, its cost the number of
/// weights.
struct study_group {
  linear_group members;              ///< none where text does not reach the layers: they only take of the budget
  std::vector<std::size_t> formats;  ///< [choice] index of a format
  std::vector<double> costs;         ///< [choice] in units of 16-bit weights
};

/// What one method says. Less is better; scores must be finite.
struct method_table {
  std::string method;
  std::vector<std::vector<double>> scores;  ///< [group][choice]
};

/// The mix that gives each Linear the format [Linear], or no_format.
using mix_maker = std::function<recipe_mix(std::span<const std::size_t> format_of_linear)>;

/// What a mix does to the model: mix_verifier::verify, for one.
using mix_measure = std::function<mix_report(const recipe_mix&)>;

struct study_request {
  std::vector<study_group> groups;
  std::vector<method_table> methods;
  std::vector<double> effective_bits;  ///< budgets: bits per weight over all groups, in (0, 16]
  mix_maker make_mix;
  bool reversed = true;          ///< also measure what the reversed ranking chooses
  std::string truth = "kl_div";  ///< the method that the others' scores are compared with
};

struct study_options {
  std::function<void(double share)> progress;  ///< behind every measured mix
  std::function<bool()> stop_requested;        ///< asked before every mix; where it says yes `interrupted` is thrown
};

/// Every group that has the format under it, the others unquantized.
struct uniform_point {
  std::size_t format = no_format;
  double effective_bits = 16;
  mix_report measured;
};

struct study_point {
  std::string method;
  double effective_bits_asked = 0;
  double effective_bits = 0;  ///< of the mix
  double score = 0;           ///< predicted: the sum over the groups
  mix_report measured;
  double uniform_divergence = 0;   ///< uniform quantization, interpolated to effective_bits
  double reversed_divergence = 0;  ///< NaN where it was not measured
  std::vector<std::size_t> picks;  ///< [group]
};

struct study_result {
  std::vector<uniform_point> uniform;  ///< [format that occurs], ascending by format
  std::vector<study_point> points;     ///< methods in order, of each the budgets in order
  std::vector<method_agreement>
      agreement;          ///< with the truth over all (group, format); empty where no method has its name
  std::size_t mixes = 0;  ///< measured; equal ones count once
};

/// For each method and budget the exact optimum of its table (least cost, then least picks among equal scores), applied
/// to the whole model and measured. A mix that is chosen several times is measured once.
///
/// Throws errc::invalid_shape where tables and groups do not fit, errc::non_finite naming method, group and choice of
/// a score, errc::out_of_range for a budget outside (0, 16] or, with the smallest feasible one, below what the groups
/// can do: before anything is measured.
[[nodiscard]] study_result mix_study(const lm::model& model, const mix_measure& measure, const study_request& request,
                                     const study_options& options = {});
/// Measured by a verifier of the model.
[[nodiscard]] inline study_result mix_study(mix_verifier& verifier, const study_request& request,
                                            const study_options& options = {}) {
  const auto measure = [&](const recipe_mix& mix) { return verifier.verify(mix); };
  return mix_study(verifier.model(), measure, request, options);
}

/// scores [group][choice] handed out in reverse: groups with the same list of formats are ranked by their largest
/// score, and the group of rank r gets the scores of the group of rank n - 1 - r. Equal groups rank in order.
[[nodiscard]] std::vector<std::vector<double>> reversed_ranking(std::span<const study_group> groups,
                                                                const std::vector<std::vector<double>>& scores);

/// The divergence at `effective_bits` on the line through uniform quantization of the formats next to it in bits and
/// the unquantized model (16 bits, divergence 0); of formats of equal size the best counts. Below the smallest format
/// it is that format's.
[[nodiscard]] double uniform_divergence(std::span<const uniform_point> points, double effective_bits);

/// A mix_maker for jobs and their calibrations (engine_result::calibrations). Everything must outlive it.
[[nodiscard]] mix_maker mixes_of(const lm::model& model, std::span<const job> formats,
                                 const calibration_table& calibrations);

/// [group][choice] from scores per job and Linear, which add up: members in order; 0 for no_format. job [format].
[[nodiscard]] std::vector<std::vector<double>> scores_of_groups(std::span<const study_group> groups,
                                                                const std::vector<std::vector<double>>& per_linear);
/// The same from scores per job and group.
[[nodiscard]] std::vector<std::vector<double>> scores_by_group(std::span<const study_group> groups,
                                                               const std::vector<std::vector<double>>& per_group);

}  // namespace qgrain::engine

#endif
