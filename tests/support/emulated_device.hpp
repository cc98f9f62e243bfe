// A device on the host: every lane of every block runs, and every exchange between lanes happens one by one. Stands in
// for a stream under the kernels of include/qgrain/cuda, so that tests run them where there is no GPU.
#ifndef QGRAIN_TESTS_SUPPORT_EMULATED_DEVICE_HPP
#define QGRAIN_TESTS_SUPPORT_EMULATED_DEVICE_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/cuda/detail/lanes.hpp>
#include <qgrain/cuda/detail/operations.hpp>

#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>

namespace qgrain_test {

/// The lanes of one block, each with a stack of its own, taken up in turn. A lane runs until it needs others: until it
/// exchanges a value within its warp, or waits for the block. A warp runs as far as it gets before the next one does,
/// so that a missing wait between warps shows. Lanes that wait for what never comes (others have ended, or wait for
/// something else) are a fault that is reported by an exception.
class emulated_block {
 public:
  static constexpr int lanes = qgrain::detail::block_lanes;
  static constexpr int warp_lanes = qgrain::detail::warp_lanes;

  emulated_block();
  ~emulated_block();
  emulated_block(const emulated_block&) = delete;
  emulated_block& operator=(const emulated_block&) = delete;

  /// body(lane) for all lanes; `backward` takes them up from the last to the first.
  void run(const std::function<void(int)>& body, bool backward);

  // For lanes that run.
  std::int32_t exchange_xor(int lane, std::int32_t value, int mask);
  void wait_for_block(int lane);

 private:
  struct fibers;
  std::unique_ptr<fibers> fibers_;
};

class emulated_device {
 public:
  explicit emulated_device(qgrain::index_t most_blocks) : most_blocks_(most_blocks) {}

  template <class Body>
  [[nodiscard]] qgrain::index_t most_blocks() const {
    return most_blocks_;
  }
  void clear(void* memory, qgrain::index_t bytes) const { std::memset(memory, 0, static_cast<std::size_t>(bytes)); }

  [[nodiscard]] qgrain::detail::fault outcome() const { return {}; }

  /// Blocks in an order that alternates between calls, as do the lanes in them: results must not depend on it.
  template <class Body>
  void run(qgrain::detail::grid_size grid, const Body& body) const {
    backward_ = !backward_;
    const qgrain::index_t layer = grid.x * grid.y;
    const qgrain::index_t blocks = layer * grid.z;
    for (qgrain::index_t i = 0; i < blocks; ++i) {
      const qgrain::index_t block = backward_ ? blocks - 1 - i : i;
      typename Body::shared_memory shared;
      std::memset(static_cast<void*>(&shared), 0xFF, sizeof(shared));  // NaNs: a block does not find zeros there
      block_.run(
          [&](int thread) {
            body(lane{&block_, thread, static_cast<unsigned>(block % layer % grid.x),
                      static_cast<unsigned>(block % layer / grid.x), static_cast<unsigned>(block / layer),
                      static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y), static_cast<unsigned>(grid.z)},
                 shared);
          },
          backward_);
    }
  }

 private:
  struct lane {
    emulated_block* block;
    int number;
    unsigned x, y, z, width, height, depth;

    [[nodiscard]] int thread() const { return number; }
    [[nodiscard]] unsigned block_x() const { return x; }
    [[nodiscard]] unsigned block_y() const { return y; }
    [[nodiscard]] unsigned block_z() const { return z; }
    [[nodiscard]] unsigned grid_z() const { return depth; }
    [[nodiscard]] unsigned grid_x() const { return width; }
    [[nodiscard]] unsigned grid_y() const { return height; }
    [[nodiscard]] std::int32_t exchange_xor(std::int32_t value, int mask) const {
      return block->exchange_xor(number, value, mask);
    }
    void sync_block() const { block->wait_for_block(number); }
    void raise(std::int32_t* word, std::int32_t value) const { *word = *word < value ? value : *word; }
  };

  qgrain::index_t most_blocks_;
  mutable emulated_block block_;
  mutable bool backward_ = true;
};
static_assert(qgrain::detail::kernel_device<emulated_device>);

}  // namespace qgrain_test

#endif
