// Which rank of a run takes what.
#ifndef QGRAIN_LM_DIVISION_HPP
#define QGRAIN_LM_DIVISION_HPP

#include <lm/buffer.hpp>

#include <span>
#include <vector>

namespace qgrain::lm {

/// Items in a row among `parts`: [parts + 1] bounds, so that the largest sum of sizes of a part is as small as it can
/// be. Where there are fewer items than parts the first parts have one each. The same on every rank.
[[nodiscard]] std::vector<index_t> divide(std::span<const index_t> sizes, index_t parts);

}  // namespace qgrain::lm

#endif
