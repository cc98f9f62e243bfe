// The manifest: everything that a job found, in one JSON file from which the reports can be made again.
#ifndef QGRAIN_SWEEP_RESULTS_MANIFEST_HPP
#define QGRAIN_SWEEP_RESULTS_MANIFEST_HPP

#include <sweep/search/table_search.hpp>

#include <boost/json.hpp>

#include <cmath>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

inline constexpr const char* composed_config_name = "composed-config.json";

/// What a finished job hands over. The parts that other readers of manifests know come first.
struct job_result {
  json::object scheme;   ///< by scheme_settings (job_settings.hpp), bits already adjusted
  std::string model_id;  ///< empty: unknown
  std::vector<std::pair<std::string, std::string>> layers;  ///< name and module type of every quantized layer
  std::vector<candidate_row> candidates;
  search_outcome outcome;
  std::string method;         ///< of the search
  json::object search;        ///< autoquant_state.search: cost, unit, budget, reached, least, lower_bound, gap, solver
  json::array pareto;         ///< autoquant_state.pareto: {effective_bits, score}, bits rising
  json::object dataset;       ///< entries that are null are dropped
  json::object quantization;  ///< base_format_name, quant_granularity, effective_quantizer_summary
  std::vector<std::pair<std::string, double>> linear_scores;  ///< one per Linear layer, before grouping
  json::object input_amax;                                    ///< calibrated range of each Linear's input
  json::object recipes;  ///< description of the compiled weight and activation recipe; empty where there are several
  json::array formats;   ///< what the search may choose from, NONE apart: names, attributes, recipes, scores per Linear
  json::object method_scores;     ///< by method and group: a score per entry of formats
  json::array method_agreement;   ///< {method, spearman} with kl_div; empty: not in the manifest
  json::object mix;               ///< the chosen mix as mix.json has it; empty: not in the manifest
  json::object verification;      ///< the chosen mix measured; empty: not in the manifest
  json::array study;              ///< mixes of every method measured; empty: not in the manifest
  json::object loss;              ///< of the unquantized model over the scored batches; empty: not in the manifest
  json::object cross_term;        ///< how it was approximated and the measured error; empty: exact
  std::string model_fingerprint;  ///< tells in report-only mode whether a manifest belongs to the model
  json::object identity;          ///< what the result depends on (identity.hpp); empty: not in the manifest
  std::string program_version;
};

/// What a result holds of a number that may be undefined, such as the mean of nothing: null then.
[[nodiscard]] inline json::value finite_or_null(double value) {
  return std::isfinite(value) ? json::value(value) : json::value();
}

/// The manifest in the documented key order: scheme, model, num_quantized_layers, layers, autoquant_state,
/// layer_sensitivity, sensitivity_ranking, dataset, quantization, run_config (as the Python driver writes them), then
/// linear_scores and recipes (where there is one format), input_amax, loss, cross_term, formats, method_scores,
/// method_agreement, mix, verification, study (each unless empty), model_fingerprint, identity (unless empty), program.
/// It holds results only: no times, no memory. Scores that are not finite throw errc::non_finite when the text is
/// written.
[[nodiscard]] json::object make_manifest(const job_result& job);

/// Reads a manifest back. Throws errc::io_failure where there is none, errc::bad_file naming all keys that are missing
/// or of another kind (scheme, autoquant_state and layer_sensitivity are needed).
[[nodiscard]] json::object read_manifest(const std::filesystem::path& path);

/// What a manifest holds of its table and the choice: of groups their keys and sizes, labels, scores and costs; of the
/// outcome bits, score, gap and whether it is satisfied.
/// @throws std::exception where a part is missing or of another kind; the sentence may not name the file.
[[nodiscard]] searched_table search_in(const json::object& manifest);

/// Throws errc::invalid_argument, naming both, where `manifest` was made from a model with another fingerprint or other
/// weights (identity.hpp; not looked at where the hash given is empty). A manifest without them (written by another
/// program, or an older version) passes.
void check_manifest_model(const json::object& manifest, std::string_view model_fingerprint,
                          std::string_view weights = {});

/// The mapping that `object` holds at `key`. Throws errc::bad_file naming the key where there is none.
[[nodiscard]] const json::object& mapping_in(const json::object& object, std::string_view key);

}  // namespace qgrain::sweep

#endif
