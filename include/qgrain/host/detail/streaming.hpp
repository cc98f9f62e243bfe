// Matrices that no cache holds: what is asked for ahead, and stores past the caches, as others read what they write.
#ifndef QGRAIN_HOST_DETAIL_STREAMING_HPP
#define QGRAIN_HOST_DETAIL_STREAMING_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/lane_ports.hpp>

#include <cstdint>

namespace qgrain::detail {

/// About the third-level cache that a few cores share.
inline constexpr index_t cached_bytes = index_t{32} << 20;

template <class T>
[[nodiscard]] constexpr bool exceeds_caches(matrix_view<T> matrix) noexcept {
  return matrix.shape.elements() > cached_bytes / static_cast<index_t>(sizeof(T));
}

/// For a matrix that is encoded under ranges that are known, or that are found block by block.
template <class T>
[[nodiscard]] constexpr read_ahead ahead_in(matrix_view<T> in, bool is_known) noexcept {
  if (is_known) return read_ahead::none;
  return exceeds_caches(in) ? read_ahead::two_blocks : read_ahead::one_block;
}

/// Whether an output is so large, and its rows begin at lines of 64 bytes, as stores past the caches ask.
template <class T>
[[nodiscard]] bool is_to_be_streamed(matrix_view<T> out) noexcept {
  constexpr auto line = 64 / static_cast<index_t>(sizeof(T));
  return exceeds_caches(out) && out.leading_dimension % line == 0 &&
         reinterpret_cast<std::uintptr_t>(out.data) % 64 == 0;
}

/// Stores after this one come after those that were streamed, for other threads too.
inline void end_of_streaming() noexcept {
#ifdef __SSE__
  asm volatile("sfence" ::: "memory");
#endif
}

}  // namespace qgrain::detail

#endif
