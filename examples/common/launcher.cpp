#include <common/launcher.hpp>

#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace qgrain::common {

std::optional<launched_ranks> launched() {
  // Open MPI, MPICH and its kin (srun --mpi=pmi2 among them), then srun by itself; not what sbatch tells its script.
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const char* value = std::getenv(variable);
    if (value == nullptr) continue;
    int size = 0;
    const char* end = value + std::strlen(value);
    if (const auto [at, fault] = std::from_chars(value, end, size); fault == std::errc{} && at == end && size > 0)
      return launched_ranks{size, variable};
  }
  return std::nullopt;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "an unknown host";
  return name.data();
}

}  // namespace qgrain::common
