// Vectors that begin at a cache line, so that where the heap happens to put them does not show in the times.
#ifndef QGRAIN_BENCH_KERNELS_LINE_ALLOCATOR_HPP
#define QGRAIN_BENCH_KERNELS_LINE_ALLOCATOR_HPP

#include <cstddef>
#include <new>
#include <vector>

namespace qgrain::bench {

template <class T>
struct line_allocator {
  using value_type = T;
  static constexpr std::align_val_t alignment{64};

  line_allocator() = default;
  template <class U>
  line_allocator(const line_allocator<U>&) noexcept {}  // NOLINT: implicit, as allocators are

  [[nodiscard]] T* allocate(std::size_t count) { return static_cast<T*>(::operator new(count * sizeof(T), alignment)); }
  void deallocate(T* data, std::size_t) noexcept { ::operator delete(data, alignment); }
  friend bool operator==(const line_allocator&, const line_allocator&) noexcept { return true; }
};

template <class T>
using line_vector = std::vector<T, line_allocator<T>>;

}  // namespace qgrain::bench

#endif
