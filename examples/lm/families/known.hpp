// The families that are built in.
#ifndef QGRAIN_LM_FAMILIES_KNOWN_HPP
#define QGRAIN_LM_FAMILIES_KNOWN_HPP

#include <lm/families/architecture.hpp>

#include <span>

namespace qgrain::lm {

[[nodiscard]] std::span<const architecture> known_architectures() noexcept;

}  // namespace qgrain::lm

#endif
