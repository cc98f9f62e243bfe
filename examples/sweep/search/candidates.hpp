// The table that the search chooses from: for each group its formats with scores and costs.
#ifndef QGRAIN_SWEEP_SEARCH_CANDIDATES_HPP
#define QGRAIN_SWEEP_SEARCH_CANDIDATES_HPP

#include <sweep/formats/recipe_mapping.hpp>
#include <sweep/layers/groups.hpp>
#include <sweep/layers/layer_list.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// One format of a job, by layer.
struct candidate_format {
  std::string name;  ///< unique in a table
  double compression = 1;
  std::string tie_text;  ///< compat::modelopt: orders formats of equal compression (the JSON text of the configuration)
  std::vector<double>
      layer_scores;  ///< harm; a score that belongs to a group stands at its first layer, 0 at the others
  std::vector<double> layer_costs = {};      ///< in 16-bit weights (costs.hpp); empty: weights times compression
  std::vector<double> layer_latencies = {};  ///< ms; empty: not known
};

/// The choices of one group, NONE last.
struct candidate_row {
  layer_group group;
  std::vector<std::string> formats;  ///< labels, with nominal bits
  std::vector<double> scores;        ///< what the search adds up; 0 for NONE
  std::vector<double> raw_scores;
  std::vector<double> costs;                ///< in 16-bit weights; NONE costs the number of weights
  std::vector<double> latencies;            ///< ms; empty: not known
  std::vector<std::size_t> format_indices;  ///< in the formats that were given; their number for NONE
  std::vector<std::string> module_names;    ///< of the group's members
};

struct table_options {
  group_rules groups = {};
  /// Shell patterns: a group with a member that matches has NONE as its only choice.
  std::vector<std::string> disabled = {};
  compat rules = compat::qgrain;
  std::string method = {};                  ///< of the scores, for error sentences
  std::vector<double> none_latencies = {};  ///< ms of each layer unquantized; empty: not known
};

/// The table of a job. Scores and costs of a group are sums over its members in order.
///
/// compat::qgrain: choices by rising cost of the group, then by name; scores as they are (they may be negative).
/// compat::modelopt: by rising compression, then by tie_text; each score is at most that of the choice before it.
///
/// @throws error errc::invalid_argument for an empty list, a name given twice or a table where every layer is disabled,
/// errc::invalid_shape where a format has not one number per layer, errc::non_finite where a score, cost or latency is
/// not finite (method, format and layer named).
[[nodiscard]] std::vector<candidate_row> candidate_table(const layer_list& layers,
                                                         std::vector<candidate_format> formats,
                                                         const table_options& options);

}  // namespace qgrain::sweep

#endif
