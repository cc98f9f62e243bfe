// The rules that ModelOpt 0.40 puts on the attributes of one quantizer.
#ifndef QGRAIN_SWEEP_FORMATS_MODELOPT_ATTRIBUTES_HPP
#define QGRAIN_SWEEP_FORMATS_MODELOPT_ATTRIBUTES_HPP

#include <boost/json.hpp>

#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

/// Why ModelOpt's attribute model would refuse `attributes`, as a sentence; empty where it takes them. It knows nothing
/// of tensors: an entry that it takes may still be one that cannot run. `format` (a text) is no attribute of ModelOpt's
/// but taken: the element format where num_bits cannot name it.
[[nodiscard]] std::string modelopt_objection(const json::object& attributes);

}  // namespace qgrain::sweep

#endif
