// How much memory a row goes over: sizes that lie in the second-level cache, in the third, in neither.
#ifndef QGRAIN_BENCH_KERNELS_FOOTPRINT_HPP
#define QGRAIN_BENCH_KERNELS_FOOTPRINT_HPP

#include <qgrain/core/matrix_view.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace qgrain::bench {

enum class footprint : std::uint8_t { l2, l3, dram };

inline constexpr footprint footprints[] = {footprint::l2, footprint::l3, footprint::dram};

[[nodiscard]] constexpr std::string_view name_of(footprint size) noexcept {
  return size == footprint::l2 ? "L2" : size == footprint::l3 ? "L3" : "DRAM";
}

/// The matrix of float32 that stands for it: 256 KiB, 8 MiB, and four times the third-level cache, but at least 64 MiB
/// and at most 512.
[[nodiscard]] inline shape2d shape_of(footprint size) {
  if (size == footprint::l2) return {64, 1024};
  if (size == footprint::l3) return {1024, 2048};
  constexpr index_t cols = 4096;
  constexpr index_t mebibyte = index_t{1} << 20;
  const index_t cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  const index_t bytes = std::clamp(4 * cache, 64 * mebibyte, 512 * mebibyte);
  return {bytes / 4 / cols / 128 * 128, cols};
}

}  // namespace qgrain::bench

#endif
