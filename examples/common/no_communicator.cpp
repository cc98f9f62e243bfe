#include <common/communicator.hpp>
#include <common/launcher.hpp>

#include <qgrain/core/status.hpp>

namespace qgrain::common {

std::unique_ptr<communicator> start_communicator(int&, char**&) {
  const std::optional<launched_ranks> ranks = launched();
  if (!ranks || ranks->size == 1) return nullptr;
  throw error(errc::unsupported, "started as one of " + std::to_string(ranks->size) + " ranks (" + ranks->variable +
                                     "), but built without MPI: each would do the whole work; install libopenmpi-dev "
                                     "and configure again");
}

}  // namespace qgrain::common
