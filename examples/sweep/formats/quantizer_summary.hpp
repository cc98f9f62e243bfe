// What the manifest says about the effective quantizers.
#ifndef QGRAIN_SWEEP_FORMATS_QUANTIZER_SUMMARY_HPP
#define QGRAIN_SWEEP_FORMATS_QUANTIZER_SUMMARY_HPP

#include <boost/json.hpp>

namespace qgrain::sweep {

namespace json = boost::json;

/// {"*weight_quantizer": ..., "*input_quantizer": ...} of an effective configuration. Each holds those of `type`,
/// `axis`, `block_sizes` that the entry has, or {"value_type": name of the Python type} where the entry is no mapping.
[[nodiscard]] json::object quantizer_summary(const json::object& config);

}  // namespace qgrain::sweep

#endif
