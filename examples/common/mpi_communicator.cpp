#include <common/communicator.hpp>
#include <common/launcher.hpp>

#include <qgrain/core/status.hpp>

#include <climits>

#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace qgrain::common {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 30;  // a message of MPI counts in int

// The thread that starts MPI and so has to end it. Ending takes 50 ms of waiting (Open MPI 4.1), in which the first
// rank has results to write.
class mpi_library {
 public:
  mpi_library(int& argc, char**& argv) : thread_([this, &argc, &argv] { live(argc, argv); }) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return state_ != state::starting; });
  }
  ~mpi_library() {
    end();
    thread_.join();
  }
  mpi_library(const mpi_library&) = delete;
  mpi_library& operator=(const mpi_library&) = delete;

  /// Begins to end it: no other calls are allowed from here on.
  void end() {
    const std::scoped_lock lock(mutex_);
    state_ = state::ending;
    changed_.notify_all();
  }

 private:
  enum class state : std::uint8_t { starting, running, ending };

  void live(int& argc, char**& argv) {
    int given = 0;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &given);
    {
      std::unique_lock lock(mutex_);
      state_ = state::running;
      changed_.notify_all();
      changed_.wait(lock, [&] { return state_ == state::ending; });
    }
    MPI_Finalize();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  state state_ = state::starting;
  std::thread thread_;
};

class mpi_communicator final : public communicator {
 public:
  mpi_communicator(int& argc, char**& argv) : library_(argc, argv) {
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  mpi_communicator(const mpi_communicator&) = delete;
  mpi_communicator& operator=(const mpi_communicator&) = delete;

  [[nodiscard]] int rank() const noexcept override { return rank_; }
  [[nodiscard]] int size() const noexcept override { return size_; }

  [[nodiscard]] std::vector<std::string> gather(std::string_view mine) override {
    const std::uint64_t own = mine.size();
    std::vector<std::uint64_t> sizes(static_cast<std::size_t>(size_));
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Iallgather(&own, 1, MPI_UINT64_T, sizes.data(), 1, MPI_UINT64_T, MPI_COMM_WORLD, &request);
    wait(request);
    std::vector<std::string> all;
    for (int r = 0; r < size_; ++r) {
      std::string& text = all.emplace_back(r == rank_ ? std::string(mine) : std::string());
      text.resize(sizes[static_cast<std::size_t>(r)]);
      broadcast(std::as_writable_bytes(std::span(text)), r);
    }
    return all;
  }

  void share(std::span<std::byte> whole, std::span<const std::size_t> bounds) override {
    for (int r = 0; r < size_; ++r) {
      const std::size_t begin = bounds[static_cast<std::size_t>(r)];
      broadcast(whole.subspan(begin, bounds[static_cast<std::size_t>(r) + 1] - begin), r);
    }
  }

  // Floats that are not negative are in the order of their bits, NaN behind infinity.
  void widen(std::span<float> values) override {
    for (float& value : values) value = std::abs(value);
    for (std::size_t begin = 0; begin < values.size(); begin += most_bytes / sizeof(float)) {
      const auto part = values.subspan(begin, std::min(values.size() - begin, most_bytes / sizeof(float)));
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Iallreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), MPI_UINT32_T, MPI_MAX, MPI_COMM_WORLD,
                     &request);
      wait(request);
    }
    sent_ += static_cast<std::int64_t>(values.size_bytes());
  }

  void leave() override { library_.end(); }
  [[noreturn]] void abort(int code) noexcept override {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }
  [[nodiscard]] std::int64_t sent_bytes() const noexcept override { return sent_; }

 private:
  void broadcast(std::span<std::byte> bytes, int from) {
    for (std::size_t begin = 0; begin < bytes.size(); begin += most_bytes) {
      const auto part = bytes.subspan(begin, std::min(bytes.size() - begin, most_bytes));
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Ibcast(part.data(), static_cast<int>(part.size()), MPI_BYTE, from, MPI_COMM_WORLD, &request);
      wait(request);
    }
    if (from == rank_) sent_ += static_cast<std::int64_t>(bytes.size());
  }

  // A rank may wait for minutes; MPI's own waiting would take a core from those that work.
  static void wait(MPI_Request& request) {
    const auto begin = std::chrono::steady_clock::now();
    for (int done = 0;;) {
      MPI_Test(&request, &done, MPI_STATUS_IGNORE);
      if (done != 0) return;
      const auto waited = std::chrono::steady_clock::now() - begin;
      if (waited > std::chrono::microseconds(200)) std::this_thread::sleep_for(std::min(waited / 10, longest_nap));
    }
  }
  static constexpr std::chrono::nanoseconds longest_nap = std::chrono::milliseconds(2);

  mpi_library library_;
  int rank_ = 0;
  int size_ = 1;
  std::int64_t sent_ = 0;
};

// Of ranks on one machine Open MPI needs its shared memory alone; to try every network's library takes it 0.2 s.
void prefer_shared_memory(int size) {
  const char* local = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  if (local != nullptr && local == std::to_string(size)) ::setenv("OMPI_MCA_pml", "ob1", 0);
}

}  // namespace

std::unique_ptr<communicator> start_communicator(int& argc, char**& argv) {
  const std::optional<launched_ranks> ranks = launched();
  if (!ranks || ranks->size == 1) return nullptr;  // not even started: a plain start needs no MPI
  prefer_shared_memory(ranks->size);
  auto all = std::make_unique<mpi_communicator>(argc, argv);
  if (all->size() == ranks->size) return all;
  throw error(errc::unsupported, "started as one of " + std::to_string(ranks->size) + " ranks (" + ranks->variable +
                                     "), of which MPI sees " + std::to_string(all->size()) +
                                     ": each would do the whole work; start with mpirun, or with srun --mpi=pmix or "
                                     "--mpi=pmi2 where Slurm has it");
}

}  // namespace qgrain::common
