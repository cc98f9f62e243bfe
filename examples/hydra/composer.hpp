// Composition: files and overrides become one configuration.
#ifndef QGRAIN_HYDRA_COMPOSER_HPP
#define QGRAIN_HYDRA_COMPOSER_HPP

#include <hydra/config_source.hpp>
#include <hydra/runtime_context.hpp>

#include <boost/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace qgrain::hydra {

/// single_job: a sweep among the overrides is an error. sweep_base: sweeps are left out and groups that are still ???
/// are skipped; it gives the configuration that a multirun reads its own settings from.
enum class run_kind : std::uint8_t { single_job, sweep_base };

struct composition {
  json::object config;                         ///< interpolations as written, in Hydra's key order
  std::map<std::string, std::string> choices;  ///< "group" or "group@package" -> choice; "" for none
};

/// Composes `config_name` with overrides (see parse_override): the files of the defaults list merged in order, then the
/// overrides of values in the order written. Throws qgrain::error, one sentence that names the file or override.
[[nodiscard]] composition compose(const config_source& source, const std::string& config_name,
                                  const std::vector<std::string>& overrides, const runtime_context& context,
                                  run_kind kind = run_kind::single_job);

}  // namespace qgrain::hydra

#endif
