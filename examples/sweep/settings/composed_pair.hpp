// The pair that a composed configuration is stored with, where other keys decide it.
#ifndef QGRAIN_SWEEP_SETTINGS_COMPOSED_PAIR_HPP
#define QGRAIN_SWEEP_SETTINGS_COMPOSED_PAIR_HPP

#include <boost/json.hpp>

#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

/// A choice of the group quant_format stands for a pair of its own: both dtypes follow from the format.
void put_format_as_pair(json::object& config, const std::string& name);

/// Under compat=modelopt the pair's format is ModelOpt's where that is another.
/// @throws error naming `compat` where it cannot be read.
void put_modelopt_format(json::object& config);

/// The pair of a job: "mixed" for a search over autoquant.formats, else as above.
/// @throws error naming the key where `compat` or autoquant.formats cannot be read.
void settle_pair(json::object& config);

}  // namespace qgrain::sweep

#endif
