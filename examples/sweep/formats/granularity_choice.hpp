// A granularity by its name, and what it changes in a base format.
#ifndef QGRAIN_SWEEP_FORMATS_GRANULARITY_CHOICE_HPP
#define QGRAIN_SWEEP_FORMATS_GRANULARITY_CHOICE_HPP

#include <boost/json.hpp>

#include <string>

namespace qgrain::sweep {

struct granularity_choice {
  std::string name = "default";
  boost::json::object overrides;  ///< of quant_cfg entries (overlay.hpp)
};

}  // namespace qgrain::sweep

#endif
