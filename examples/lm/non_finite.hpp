// What is done about weights that are NaN or infinite.
#ifndef QGRAIN_LM_NON_FINITE_HPP
#define QGRAIN_LM_NON_FINITE_HPP

#include <cstdint>

namespace qgrain::lm {

/// What reading a weight does about NaN and infinity.
enum class non_finite : std::uint8_t { refused, allowed };

}  // namespace qgrain::lm

#endif
