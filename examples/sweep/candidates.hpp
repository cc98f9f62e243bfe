// The table that the search chooses from: for each group its formats with scores and costs.
#ifndef QGRAIN_SWEEP_CANDIDATES_HPP
#define QGRAIN_SWEEP_CANDIDATES_HPP

#include <boost/json.hpp>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "groups.hpp"

namespace qgrain::sweep {

namespace json = boost::json;

/// Share of 16 bits that a configuration is booked with in ModelOpt: the least over all its entries, activations
/// included, of k/16 (integers), (E+M+1)/16 (floats) and 1 (disabled). NVFP4 counts 4.5 bits, as from 0.46 on.
/// Throws errc::invalid_argument naming an entry that ModelOpt would refuse.
[[nodiscard]] double compression_of(const json::object& config);

/// "<name>(effective-bits: <16 compression>)", the number as Python prints it.
[[nodiscard]] std::string format_label(std::string_view name, double compression);

/// What the search knows of the layers, in traversal order.
struct layer_list {
  std::vector<std::string> names;
  std::vector<double> sizes;  ///< number of weights
};

/// One format of a job.
struct candidate_format {
  std::string name;
  double compression = 1;
  std::string tie_text;              ///< orders formats of equal compression (0.47: the JSON text of the configuration)
  std::vector<double> layer_scores;  ///< one per layer
};

/// The choices of one group, most compressed first, NONE last.
struct candidate_row {
  layer_group group;
  std::vector<std::string> formats;
  std::vector<double> scores;  ///< after the running minimum over the choices; 0 for NONE
  std::vector<double> raw_scores;
  std::vector<double> costs;  ///< weights times compression
};

/// Group scores are sums over members in order. A group with a member that matches one of `disabled` (shell patterns)
/// has NONE as its only choice. Throws errc::invalid_shape where a format has not one score per layer, errc::non_finite
/// where a score is not finite (format and layer named).
[[nodiscard]] std::vector<candidate_row> candidate_table(const layer_list& layers, grouping how,
                                                         std::vector<candidate_format> formats,
                                                         std::span<const std::string> disabled);

/// The choice for each row.
struct search_outcome {
  std::vector<std::size_t> picks;
  double effective_bits = 16;  ///< 16 chosen cost / total weights
  double score = 0;
  bool is_satisfied = true;
};

/// The exact optimum of the table under budget = total weights * bits / 16. Throws errc::out_of_range for bits outside
/// (0, 16] and, naming the smallest feasible number of bits, for a target that the table cannot meet.
[[nodiscard]] search_outcome search_bits(std::span<const candidate_row> rows, double effective_bits);

}  // namespace qgrain::sweep

#endif
