#include <hydra/composer.hpp>
#include <hydra/interpolation.hpp>
#include <hydra/job_list.hpp>
#include <sweep/run/composition.hpp>
#include <sweep/settings/composed_pair.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <cstdlib>
#include <ctime>
#include <optional>

namespace qgrain::sweep {
namespace {

constexpr const char* root_config = "config";

// The user's folders, then the shipped one.
std::vector<std::filesystem::path> conf_roots(const command_line& line) {
  std::vector<std::filesystem::path> roots = line.conf_dirs;
  roots.push_back(shipped_folder() / "conf");
  return roots;
}

}  // namespace

pair_source open_configuration(const command_line& line) { return pair_source(conf_roots(line)); }

std::vector<std::filesystem::path> format_folders(const command_line& line) {
  std::vector<std::filesystem::path> folders;
  for (const auto& root : conf_roots(line)) {
    if (std::filesystem::is_directory(root / "quant_format")) folders.push_back(root / "quant_format");
  }
  return folders;
}

json::object compose_resolved(const std::vector<std::string>& overrides, const hydra::config_source& source,
                              const hydra::runtime_context& context) {
  const hydra::composition composed = hydra::compose(source, root_config, overrides, context);
  hydra::resolution found = hydra::resolve(composed.config, context);
  const auto format = composed.choices.find("quant_format");
  if (format != composed.choices.end() && !format->second.empty()) put_format_as_pair(found.config, format->second);
  if (!found.missing.empty()) {
    throw error(errc::invalid_argument, "the configuration needs a value for " + join_names(found.missing));
  }
  return found.config;
}

run_overrides overrides_of(const command_line& line, const hydra::config_source& source,
                           const hydra::runtime_context& context) {
  const hydra::composition base =
      hydra::compose(source, root_config, line.overrides, context, hydra::run_kind::sweep_base);
  run_overrides found;
  if (const json::value* section = base.config.if_contains("sweep"); section != nullptr && !section->is_null())
    found.overrides = hydra::sweep_section_overrides(*section);
  found.is_multirun = line.multirun || !found.overrides.empty();
  found.overrides.insert(found.overrides.end(), line.overrides.begin(), line.overrides.end());
  return found;
}

json::object composed_configuration(const command_line& line, const hydra::config_source& source,
                                    const hydra::runtime_context& context) {
  const auto [overrides, is_multirun] = overrides_of(line, source, context);
  if (!is_multirun) return hydra::compose(source, root_config, overrides, context).config;
  const auto jobs = hydra::expand_jobs(overrides, source);
  return hydra::compose(source, root_config, jobs.empty() ? line.overrides : jobs.front(), context).config;
}

hydra::runtime_context process_context() {
  hydra::runtime_context context;
  context.environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
  const std::time_t now = std::time(nullptr);
  localtime_r(&now, &context.now);
  return context;
}

}  // namespace qgrain::sweep
