// The dtypes that pairs are made of, and what follows from two of them by rule.
#ifndef QGRAIN_SWEEP_FORMATS_QUANT_DTYPES_HPP
#define QGRAIN_SWEEP_FORMATS_QUANT_DTYPES_HPP

#include <boost/json.hpp>

#include <map>
#include <string>
#include <string_view>

namespace qgrain::sweep {

namespace json = boost::json;

/// A pair of dtypes by their names in the table.
struct dtype_pair {
  std::string weight;
  std::string activation;
  friend bool operator==(const dtype_pair&, const dtype_pair&) = default;
};

/// ModelOpt attributes of quantizers by dtype (conf/quant_dtype.json). Every two dtypes but (fp16, fp16) make a pair.
class quant_dtypes {
 public:
  quant_dtypes() = default;
  /// `file` holds the mappings `weight` and `activation`. Throws errc::bad_file, `name` in front.
  quant_dtypes(const json::object& file, std::string_view name);

  /// All pairs by name, "w<weight>_a<activation>".
  [[nodiscard]] const std::map<std::string, dtype_pair>& pairs() const noexcept { return pairs_; }
  /// {"*weight_quantizer": ..., "*input_quantizer": ...} of a pair of this table.
  [[nodiscard]] json::object quant_cfg(const dtype_pair& pair) const;

 private:
  json::object weights_;
  json::object activations_;
  std::map<std::string, dtype_pair> pairs_;
};

/// The base format of a pair: "INT4_WEIGHT_FP8_ACT_CFG", "INT4_WEIGHT_ONLY_CFG", "FP8_ACT_ONLY_CFG".
[[nodiscard]] std::string base_format_name(const dtype_pair& pair);

/// The choice of the group quant_pair: name, weight, activation, format_name, experimental.
[[nodiscard]] json::object pair_choice(std::string_view name, const dtype_pair& pair);

}  // namespace qgrain::sweep

#endif
