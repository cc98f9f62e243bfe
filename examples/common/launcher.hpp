// What starts several processes of one program says to each of them.
#ifndef QGRAIN_COMMON_LAUNCHER_HPP
#define QGRAIN_COMMON_LAUNCHER_HPP

#include <optional>
#include <string>

namespace qgrain::common {

/// A number of ranks, and the environment variable that says so.
struct launched_ranks {
  int size = 1;
  std::string variable;
};

/// How many processes mpirun or srun has started, this one among them; nothing where none of them says so.
[[nodiscard]] std::optional<launched_ranks> launched();

/// "node7"
[[nodiscard]] std::string host_name();

}  // namespace qgrain::common

#endif
