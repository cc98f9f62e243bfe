// Parts of a job's manifest that need nothing but their own facts.
#ifndef QGRAIN_SWEEP_RUN_MANIFEST_PARTS_HPP
#define QGRAIN_SWEEP_RUN_MANIFEST_PARTS_HPP

#include <engine/measure/verification.hpp>
#include <engine/mix/mix_study.hpp>
#include <engine/score/engine.hpp>
#include <lm/model.hpp>
#include <sweep/run/plan.hpp>
#include <sweep/run/scoring_pass.hpp>

#include <boost/json.hpp>

#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// The names of a job's base formats, for the scheme.
[[nodiscard]] std::vector<std::string> base_formats_of(const planned_job& job);

/// The calibrated range of each Linear's input.
[[nodiscard]] json::object input_amax(const opened_pass& pass, const engine::engine_result& result);

/// A compiled recipe; of a weight with its bits in `linear`.
[[nodiscard]] json::value recipe_description(const std::string& name, const lm::linear_info& linear, bool is_weight);

/// The data set, and what became of it.
[[nodiscard]] json::object dataset_facts(const planned_job& job, const lm::packed_rows& rows);

/// An entry of `formats`.
[[nodiscard]] json::object format_entry(const planned_format& format, json::object linear_scores);

/// `study`.
[[nodiscard]] json::array study_rows(const engine::study_result& study);

/// `verification`: the chosen mix, every format for itself, and what scores foretold.
[[nodiscard]] json::object verification_of(const engine::mix_report& measured,
                                           std::span<const engine::uniform_point> uniform,
                                           std::span<const planned_format> formats, json::object predicted);

}  // namespace qgrain::sweep

#endif
