// Linears that are quantized together.
#ifndef QGRAIN_ENGINE_SCORE_LINEAR_GROUP_HPP
#define QGRAIN_ENGINE_SCORE_LINEAR_GROUP_HPP

#include <cstddef>
#include <vector>

namespace qgrain::engine {

/// Members of a group, as indices into model.linears(): of one block or of several, the head among them or not.
using linear_group = std::vector<std::size_t>;

}  // namespace qgrain::engine

#endif
