// What a configuration may ask about the world outside it.
#ifndef QGRAIN_HYDRA_RUNTIME_CONTEXT_HPP
#define QGRAIN_HYDRA_RUNTIME_CONTEXT_HPP

#include <ctime>
#include <functional>
#include <optional>
#include <string>

namespace qgrain::hydra {

struct runtime_context {
  /// The value of an environment variable, for ${oc.env:NAME}.
  std::function<std::optional<std::string>(const std::string& name)> environment;
  /// The local time that ${now:...} shows: one moment for all jobs of a run.
  std::tm now = {};
};

}  // namespace qgrain::hydra

#endif
