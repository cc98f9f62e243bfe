// Ranks that are threads of this process.
#ifndef QGRAIN_TESTS_ENGINE_THREAD_RANKS_HPP
#define QGRAIN_TESTS_ENGINE_THREAD_RANKS_HPP

#include <common/communicator.hpp>

#include <algorithm>
#include <barrier>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <thread>
#include <vector>

namespace qgrain::engine::testing {

struct shared_slots {
  explicit shared_slots(int ranks) : texts(static_cast<std::size_t>(ranks)), everybody(ranks) {}
  std::vector<std::string> texts;
  std::barrier<> everybody;
};

class thread_communicator final : public common::communicator {
 public:
  thread_communicator(shared_slots& slots, int rank) : slots_(slots), rank_(rank) {}

  [[nodiscard]] int rank() const noexcept override { return rank_; }
  [[nodiscard]] int size() const noexcept override { return static_cast<int>(slots_.texts.size()); }
  [[nodiscard]] std::vector<std::string> gather(std::string_view mine) override {
    slots_.texts[static_cast<std::size_t>(rank_)] = mine;
    sent_ += static_cast<std::int64_t>(mine.size());
    slots_.everybody.arrive_and_wait();
    std::vector<std::string> all = slots_.texts;
    slots_.everybody.arrive_and_wait();
    return all;
  }
  void share(std::span<std::byte> whole, std::span<const std::size_t> bounds) override {
    const auto part = [&](std::size_t r) { return whole.subspan(bounds[r], bounds[r + 1] - bounds[r]); };
    const auto mine = part(static_cast<std::size_t>(rank_));
    const auto all = gather({reinterpret_cast<const char*>(mine.data()), mine.size()});
    for (std::size_t r = 0; r < all.size(); ++r) {
      if (!all[r].empty()) std::memcpy(part(r).data(), all[r].data(), all[r].size());
    }
  }
  void widen(std::span<float> values) override {
    const auto all = gather({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::uint32_t most = 0;
      for (const std::string& text : all) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, text.data() + i * sizeof bits, sizeof bits);
        most = std::max(most, bits & 0x7FFFFFFFU);
      }
      values[i] = std::bit_cast<float>(most);
    }
  }
  [[noreturn]] void abort(int code) noexcept override { std::_Exit(code); }
  [[nodiscard]] std::int64_t sent_bytes() const noexcept override { return sent_; }

 private:
  shared_slots& slots_;
  int rank_;
  std::int64_t sent_ = 0;
};

/// [rank] what body(communicator) gives, which must not throw on some ranks alone.
template <class Body>
[[nodiscard]] auto on_ranks(int ranks, const Body& body) {
  shared_slots slots(ranks);
  std::vector<decltype(body(std::declval<common::communicator&>()))> found(static_cast<std::size_t>(ranks));
  std::vector<std::exception_ptr> faults(found.size());
  std::vector<std::thread> threads;
  for (int r = 0; r < ranks; ++r) {
    threads.emplace_back([&, r] {
      thread_communicator communicator(slots, r);
      try {
        found[static_cast<std::size_t>(r)] = body(communicator);
      } catch (...) {
        faults[static_cast<std::size_t>(r)] = std::current_exception();
        slots.everybody.arrive_and_drop();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& fault : faults) {
    if (fault) std::rethrow_exception(fault);
  }
  return found;
}

}  // namespace qgrain::engine::testing

#endif
