// The version of the library. CMake reads the numbers from here, so a copy of include/ is complete;
// docs/versions.md says what they promise.
#ifndef QGRAIN_VERSION_HPP
#define QGRAIN_VERSION_HPP

namespace qgrain {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 2;
inline constexpr int version_patch = 0;

}  // namespace qgrain

#endif
