// The layers of a model as the search sees them.
#ifndef QGRAIN_SWEEP_LAYERS_LAYER_LIST_HPP
#define QGRAIN_SWEEP_LAYERS_LAYER_LIST_HPP

#include <qgrain/core/matrix_view.hpp>

#include <string>
#include <vector>

namespace qgrain::sweep {

/// In traversal order.
struct layer_list {
  std::vector<std::string> names;
  std::vector<double> sizes;         ///< number of weights
  std::vector<shape2d> shapes = {};  ///< weight [out, in]; stored costs and latencies need it
};

}  // namespace qgrain::sweep

#endif
