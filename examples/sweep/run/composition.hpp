// From overrides to composed configurations.
#ifndef QGRAIN_SWEEP_RUN_COMPOSITION_HPP
#define QGRAIN_SWEEP_RUN_COMPOSITION_HPP

#include <hydra/config_source.hpp>
#include <hydra/runtime_context.hpp>
#include <sweep/run/command_line.hpp>
#include <sweep/run/pair_source.hpp>

#include <boost/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// The configuration tree: the user's folders, then the shipped one.
[[nodiscard]] pair_source open_configuration(const command_line& line);

/// The folders of that tree with base formats.
[[nodiscard]] std::vector<std::filesystem::path> format_folders(const command_line& line);

/// The configuration of one job, interpolations resolved.
/// @throws error what composing throws, and errc::invalid_argument naming the keys that still need a value.
[[nodiscard]] json::object compose_resolved(const std::vector<std::string>& overrides,
                                            const hydra::config_source& source, const hydra::runtime_context& context);

struct run_overrides {
  std::vector<std::string> overrides;  ///< what the section `sweep` asks for, then the user's own
  bool is_multirun = false;            ///< asked for, or because of that section
};

[[nodiscard]] run_overrides overrides_of(const command_line& line, const hydra::config_source& source,
                                         const hydra::runtime_context& context);

/// The composed configuration of the run's own settings (of the first job in a multirun), for --cfg.
[[nodiscard]] json::object composed_configuration(const command_line& line, const hydra::config_source& source,
                                                  const hydra::runtime_context& context);

/// Environment and local time of this process.
[[nodiscard]] hydra::runtime_context process_context();

}  // namespace qgrain::sweep

#endif
