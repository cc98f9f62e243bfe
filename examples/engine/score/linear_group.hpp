// Linears that are quantized together.
#ifndef QGRAIN_ENGINE_SCORE_LINEAR_GROUP_HPP
#define QGRAIN_ENGINE_SCORE_LINEAR_GROUP_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Members of a group, as indices into model.linears(): of one block or of several, the head among them or not.
using linear_group = std::vector<std::size_t>;

/// Groups as settings of a pass (pass_fingerprint).
inline void append_groups(std::vector<std::int64_t>& settings, std::span<const linear_group> groups) {
  for (const linear_group& group : groups) {
    settings.push_back(static_cast<std::int64_t>(group.size()));
    for (const std::size_t l : group) settings.push_back(static_cast<std::int64_t>(l));
  }
}

}  // namespace qgrain::engine

#endif
