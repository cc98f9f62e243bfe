#include <support/emulated_device.hpp>

#include <setjmp.h>
#include <ucontext.h>

#include <cstddef>
#include <stdexcept>
#include <vector>

namespace qgrain_test {

namespace {

constexpr std::size_t stack_bytes = 64 * 1024;
constexpr int warps = emulated_block::lanes / emulated_block::warp_lanes;

enum class state : std::uint8_t { ready, exchanging, at_barrier, ended };

}  // namespace

struct emulated_block::fibers {
  struct lane_fiber {
    ucontext_t context{};  // where it begins
    jmp_buf here{};        // where it goes on
    std::vector<char> stack = std::vector<char>(stack_bytes);
    bool begun = false;
    state now = state::exchanging;  // of nothing: it has to be made
    std::uint64_t exchanges = 0;
    int mask = 0;
  };

  /// Values that the lanes of a warp give each other. Two sets in turn: a lane can be one exchange ahead of another.
  struct warp_exchange {
    std::array<std::array<std::int32_t, warp_lanes>, 2> values{};
  };

  std::array<lane_fiber, lanes> all;
  std::array<warp_exchange, static_cast<std::size_t>(warps)> exchange;
  jmp_buf scheduler{};
  const std::function<void(int)>* body = nullptr;
  int current = 0;

  lane_fiber& at(int lane) { return all[static_cast<std::size_t>(lane)]; }

  // Jumps, because swapcontext asks the kernel for the signal mask each time. Both stacks stay as they are meanwhile.
  void go_on(int lane) {
    current = lane;
    if (_setjmp(scheduler) != 0) return;
    if (at(lane).begun) _longjmp(at(lane).here, 1);
    at(lane).begun = true;
    setcontext(&at(lane).context);
  }
  void stop(int lane, state why) {
    at(lane).now = why;
    if (_setjmp(at(lane).here) == 0) _longjmp(scheduler, 1);
  }

  static void enter(unsigned high, unsigned low) {
    auto* const self = reinterpret_cast<fibers*>(static_cast<std::uintptr_t>(high) << 32U | low);
    const int lane = self->current;
    for (;;) {
      (*self->body)(lane);
      self->stop(lane, state::ended);
    }
  }

  void start(int lane) {
    lane_fiber& fiber = at(lane);
    if (fiber.now != state::ended) {  // new, or left behind by a fault
      getcontext(&fiber.context);
      fiber.context.uc_stack.ss_sp = fiber.stack.data();
      fiber.context.uc_stack.ss_size = fiber.stack.size();
      const auto address = reinterpret_cast<std::uintptr_t>(this);
      makecontext(&fiber.context, reinterpret_cast<void (*)()>(&fibers::enter), 2,
                  static_cast<unsigned>(address >> 32U), static_cast<unsigned>(address));
      fiber.begun = false;
    }
    fiber.now = state::ready;
    fiber.exchanges = 0;
  }

  int count(int first, int size, state wanted) {
    int found = 0;
    for (int i = 0; i < size; ++i) found += at(first + i).now == wanted ? 1 : 0;
    return found;
  }

  /// Runs those lanes of a warp that can run, and lets them exchange once all of them want to.
  bool advance(int first, bool backward) {
    bool moved = false;
    for (int i = 0; i < warp_lanes; ++i) {
      const int lane = first + (backward ? warp_lanes - 1 - i : i);
      if (at(lane).now != state::ready) continue;
      go_on(lane);
      moved = true;
    }
    if (count(first, warp_lanes, state::exchanging) != warp_lanes) return moved;
    for (int i = 1; i < warp_lanes; ++i) {
      if (at(first + i).mask != at(first).mask) throw std::logic_error("lanes of a warp are at different exchanges");
    }
    release(first, warp_lanes);
    return true;
  }

  void release(int first, int size) {
    for (int i = 0; i < size; ++i) at(first + i).now = state::ready;
  }
};

emulated_block::emulated_block() : fibers_(std::make_unique<fibers>()) {}
emulated_block::~emulated_block() = default;

void emulated_block::run(const std::function<void(int)>& body, bool backward) {
  fibers& f = *fibers_;
  f.body = &body;
  for (int lane = 0; lane < lanes; ++lane) f.start(lane);
  for (;;) {
    bool moved = false;
    for (int i = 0; i < warps; ++i) {
      const int first = (backward ? warps - 1 - i : i) * warp_lanes;
      while (f.advance(first, backward)) moved = true;
    }
    if (f.count(0, lanes, state::at_barrier) == lanes) {
      f.release(0, lanes);
      moved = true;
    }
    if (f.count(0, lanes, state::ended) == lanes) return;
    if (!moved) throw std::logic_error("lanes wait for lanes that will not come");
  }
}

std::int32_t emulated_block::exchange_xor(int lane, std::int32_t value, int mask) {
  fibers& f = *fibers_;
  auto& values = f.exchange[static_cast<std::size_t>(lane / warp_lanes)].values[f.at(lane).exchanges++ % 2];
  values[static_cast<std::size_t>(lane % warp_lanes)] = value;
  f.at(lane).mask = mask;
  f.stop(lane, state::exchanging);
  return values[static_cast<std::size_t>((lane % warp_lanes) ^ mask)];
}

void emulated_block::wait_for_block(int lane) { fibers_->stop(lane, state::at_barrier); }

}  // namespace qgrain_test
