// What a composed configuration says about scoring and search: the group autoquant.
#ifndef QGRAIN_SWEEP_SETTINGS_AUTOQUANT_SETTINGS_HPP
#define QGRAIN_SWEEP_SETTINGS_AUTOQUANT_SETTINGS_HPP

#include <sweep/layers/groups.hpp>
#include <sweep/search/costs.hpp>
#include <sweep/search/score_method.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// "<pair or base format>" or "<pair or base format>/<granularity>".
struct format_request {
  std::string name;
  std::optional<std::string> granularity;  ///< nothing: the job's
};

struct autoquant_settings {
  score_method method = score_method::gradient;  ///< of the search
  std::vector<score_method> methods;             ///< that are scored: the search's, then the others by their number
  std::vector<format_request> formats;           ///< empty: the job's own pair
  double effective_bits = 8;
  std::optional<double> weight_bytes;  ///< in the place of effective_bits
  std::optional<double> latency_ms;    ///< second budget
  std::filesystem::path latency_table;
  cost_model cost = cost_model::stored;
  group_rules groups;
  std::vector<std::string> disabled_layers;
  std::vector<std::string> exclude;
  bool kl_padding = true;  ///< kl_div sums over padding positions too
  std::uint64_t fisher_draws = 1;
  std::uint64_t fisher_seed = 0;
  bool shared_ranges = false;   ///< weights that engines make one layer of have one range per tensor
  bool routers = false;         ///< those of experts are quantized too
  bool shared_experts = false;  ///< static ranges of inputs are the largest of a layer's experts
  bool verify = false;
  std::vector<double> study_bits;
};

/// Reads and checks the group. Where no cost is given it is nominal for the job's own pair, as the Python driver books
/// it, and under compat=modelopt; stored for a search over formats. Experts share ranges, and routers are quantized
/// unless it is said, under compat=modelopt alone.
/// @throws error errc::invalid_argument, out_of_range or unknown_name naming the key: unknown methods, a format twice,
/// bits outside (0, 16], budgets that are not positive, latency_ms without latency_table.
[[nodiscard]] autoquant_settings autoquant_of(const json::object& config, bool is_modelopt);

}  // namespace qgrain::sweep

#endif
