// Measured latencies of layers, from a file.
#ifndef QGRAIN_SWEEP_SEARCH_LATENCY_TABLE_HPP
#define QGRAIN_SWEEP_SEARCH_LATENCY_TABLE_HPP

#include <sweep/formats/recipe_mapping.hpp>
#include <sweep/layers/layer_list.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// "<weight>:<activation>": the recipes of a layer; "fp16:fp16" is NONE.
[[nodiscard]] std::string latency_key(const recipe_pair& recipes);

/// {"unit": "ms", "latencies": {"<weight>:<activation>": {"<out>x<in>": ms, ...}, ...}}, comments allowed; "device",
/// "tokens" and "description" may be there for people (docs/schema/latency-table.schema.json).
class latency_table {
 public:
  /// `where` names the file in errors. All faults are named in one sentence (errc::bad_file): unknown keys and recipes
  /// that `catalog` does not have, with the nearest names, keys of another form, numbers that are negative or not
  /// finite.
  latency_table(const json::object& file, const std::string& where, const recipe_catalog& catalog);

  /// Throws besides errc::io_failure where the file cannot be read.
  [[nodiscard]] static latency_table read(const std::filesystem::path& path, const recipe_catalog& catalog);

  /// ms of every layer under each pair, for candidate_format::layer_latencies and table_options::none_latencies:
  /// [pair][layer]. Layers that are not `is_open` (empty: all are) are never quantized: they are looked up for
  /// fp16:fp16 alone and have 0 elsewhere. Throws errc::bad_file naming every pair and shape that the table lacks, for
  /// a pair of which it has no shape the nearest it has; errc::invalid_shape where `layers` has no shapes.
  [[nodiscard]] std::vector<std::vector<double>> latencies_of(std::span<const recipe_pair> pairs,
                                                              const layer_list& layers,
                                                              const std::vector<bool>& is_open = {}) const;

 private:
  std::string where_;
  std::map<std::string, std::map<std::string, double>> rows_;  // by pair and shape
};

}  // namespace qgrain::sweep

#endif
