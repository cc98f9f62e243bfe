#include <common/command_line.hpp>
#include <sweep/run/command_line.hpp>

#include <qgrain/core/status.hpp>

#include <iostream>

namespace qgrain::sweep {
namespace {

constexpr const char* description =
    "Scores how much each layer of a language model suffers under pairs of weight and activation dtypes and "
    "granularities.\n"
    "Overrides: group=choice, a.b=value, +a.b=value, ++a.b=value, ~a.b; with -m also a,b lists, range(), glob().\n"
    "  qgrain-sweep quant_pair=wint4_aint8 quant_granularity=w_group64\n"
    "  qgrain-sweep -m 'quant_pair=glob(wint*)' quant_granularity=default,w_per_out_channel\n"
    "  qgrain-sweep preset=demo\n"
    "  qgrain-sweep model.path=DIR dataset.captions_path=FILE dataset.max_calib_samples=64 runner.output_dir=OUT\n"
    "--list shows the groups, --list GROUP their choices.";

}  // namespace

std::variant<command_line, int> parse_command_line(int argc, char** argv) {
  command_line line;
  bool show_config = false;
  bool dry_run = false;
  std::vector<std::string> conf_dirs;
  common::command_line_parser parser(description, "qgrain-sweep");
  parser.texts("--conf-dir", conf_dirs, "folder with configuration files that go before the shipped ones")
      .with_one_value_each_time();
  parser.flag("-m,--multirun", line.multirun, "run every combination of the swept values");
  parser.flag("--cfg", show_config, "print the composed configuration and stop");
  parser.flag("--resolve", line.resolve, "with --cfg: interpolations followed");
  const auto list = parser.text("--list", line.list_group, "print the groups, or the choices of a group, and stop")
                        .with_optional_value();
  parser.flag("--dry-run", dry_run,
              "print the jobs with quantizers, recipes and folders, estimate time and memory, and stop");
  const auto ranks =
      parser.number("-n,--ranks", line.ranks, "with --dry-run: plan for so many ranks of MPI").between(1, 4096);
  parser.texts("overrides", line.overrides, "changes to the configuration");
  if (const auto code = parser.parse(argc, argv)) return *code;
  if (static_cast<int>(show_config) + static_cast<int>(dry_run) + static_cast<int>(list.given()) > 1) {
    std::cerr << "qgrain-sweep: --cfg, --list and --dry-run exclude each other\n";
    return 2;
  }
  if (line.resolve && !show_config) {
    std::cerr << "qgrain-sweep: --resolve goes with --cfg\n";
    return 2;
  }
  if (ranks.given() && !dry_run) {
    std::cerr << "qgrain-sweep: --ranks goes with --dry-run; ranks are started by mpirun -n N qgrain-sweep\n";
    return 2;
  }
  line.conf_dirs.assign(conf_dirs.begin(), conf_dirs.end());
  line.what = show_config ? action::show_config : dry_run ? action::dry_run : list.given() ? action::list : action::run;
  return line;
}

std::filesystem::path shipped_folder() {
  const std::filesystem::path program = std::filesystem::canonical("/proc/self/exe").parent_path();
  std::string tried;
  for (const char* relative : {"../share/qgrain", "../.."}) {
    const std::filesystem::path folder = (program / relative).lexically_normal();
    if (std::filesystem::is_directory(folder / "conf" / "quant_pair")) return folder;
    tried += (tried.empty() ? "" : ", ") + (folder / "conf").string();
  }
  throw error(errc::io_failure, "the shipped configuration was not found; looked at " + tried);
}

std::filesystem::path user_or_shipped(const std::filesystem::path& path) {
  if (path.is_absolute() || std::filesystem::exists(path)) return path;
  const std::filesystem::path shipped = shipped_folder() / path;
  return std::filesystem::exists(shipped) ? shipped : path;
}

}  // namespace qgrain::sweep
