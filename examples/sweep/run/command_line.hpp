// What the user typed.
#ifndef QGRAIN_SWEEP_RUN_COMMAND_LINE_HPP
#define QGRAIN_SWEEP_RUN_COMMAND_LINE_HPP

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace qgrain::sweep {

enum class action : std::uint8_t { run, show_config, list, dry_run };

struct command_line {
  action what = action::run;
  std::vector<std::filesystem::path> conf_dirs;  ///< searched before the shipped configuration
  bool multirun = false;
  bool resolve = false;    ///< of action::show_config: with interpolations followed
  std::string list_group;  ///< of action::list; empty: all groups
  int ranks = 1;           ///< of action::dry_run: planned for
  std::vector<std::string> overrides;
};

/// The parsed arguments, or the exit code after help or a usage error has been printed.
[[nodiscard]] std::variant<command_line, int> parse_command_line(int argc, char** argv);

/// The folder that holds `conf` and `examples`: beside the program's build folder or installed under share/qgrain.
/// Throws errc::io_failure naming the places.
[[nodiscard]] std::filesystem::path shipped_folder();

/// `path` itself where it exists or is absolute, else the shipped file of that name if there is one.
[[nodiscard]] std::filesystem::path user_or_shipped(const std::filesystem::path& path);

}  // namespace qgrain::sweep

#endif
