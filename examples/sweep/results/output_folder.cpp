#include <common/json.hpp>
#include <common/number_text.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/settings/naming.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>

namespace qgrain::sweep {
namespace {

// The folder itself, or the nearest one above it that exists.
std::filesystem::path existing_part(std::filesystem::path folder) {
  std::error_code ignored;
  while (!std::filesystem::exists(folder, ignored) && folder.has_relative_path()) folder = folder.parent_path();
  return folder.empty() ? std::filesystem::path(".") : folder;
}

std::string shown_setting(const json::value& value) {
  return value.is_double() ? common::number_text(value.get_double()) : json::serialize(value);
}

void collect_differences(const json::value& one, const json::value& other, const std::string& key,
                         std::vector<std::string>& found) {
  if (one == other) return;
  const bool both_text_or_number = !one.is_object() || !other.is_object();
  if (both_text_or_number) {
    found.push_back(key + " (" + shown_setting(one) + " there, " + shown_setting(other) + " here)");
    return;
  }
  std::set<std::string> keys;
  for (const auto& entry : one.get_object()) keys.emplace(entry.key());
  for (const auto& entry : other.get_object()) keys.emplace(entry.key());
  const auto at = [](const json::object& object, const std::string& name) {
    const auto* value = object.if_contains(name);
    return value != nullptr ? *value : json::value();
  };
  for (const std::string& name : keys) {
    collect_differences(at(one.get_object(), name), at(other.get_object(), name), key.empty() ? name : key + "." + name,
                        found);
  }
}

}  // namespace

json::object shaping_keys(const json::object& config) {
  json::object shaping = config;
  for (const char* key : {"runner", "sweep", "experiment", "export"}) shaping.erase(key);
  // Newer than some results, which are as with these values.
  if (json::value* autoquant = shaping.if_contains("autoquant"); autoquant != nullptr && autoquant->is_object()) {
    json::object& keys = autoquant->get_object();
    if (const json::value* shared = keys.if_contains("shared_ranges");
        shared != nullptr && *shared == json::value(false))
      keys.erase("shared_ranges");
    if (const json::value* routers = keys.if_contains("routers"); routers != nullptr && routers->is_null())
      keys.erase("routers");
  }
  return shaping;
}

std::vector<std::string> differing_keys(const json::object& one, const json::object& other) {
  std::vector<std::string> found;
  collect_differences(shaping_keys(one), shaping_keys(other), "", found);
  return found;
}

folder_state check_output_folder(const std::filesystem::path& folder, const json::object& config,
                                 std::string_view result_name, stale_results others) {
  const auto existing = existing_part(folder);
  std::error_code code;
  if (!std::filesystem::is_directory(existing, code)) {
    throw error(errc::io_failure,
                "results cannot go to " + folder.string() + ": " + existing.string() + " is no folder");
  }
  if (::access(existing.c_str(), W_OK | X_OK) != 0) {
    throw error(errc::io_failure,
                "results cannot go to " + folder.string() + ": " + existing.string() + " is not writable");
  }
  if (existing != folder) return folder_state::empty;
  const auto stored = folder / composed_config_name;
  const bool is_complete = std::filesystem::exists(folder / result_name);
  if (std::filesystem::exists(stored)) {
    const auto keys = differing_keys(common::read_json_object(stored), config);
    if (keys.empty()) return is_complete ? folder_state::complete : folder_state::begun;
    if (others == stale_results::recomputed) return folder_state::stale;
    throw error(errc::invalid_argument, folder.string() + " already holds results of another configuration, which " +
                                            "differs in " + join_names(keys) + "; choose another folder");
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(manifest_name("")) || name == result_name) {
      throw error(errc::invalid_argument, folder.string() + " already holds results (" + name + ") without " +
                                              composed_config_name + "; choose another folder");
    }
  }
  if (code) throw error(errc::io_failure, folder.string() + " cannot be read: " + code.message());
  return folder_state::empty;
}

folder_state planned_folder_state(const std::filesystem::path& folder, const json::object& config,
                                  std::string_view result_name, stale_results others) {
  try {
    return check_output_folder(folder, config, result_name, others);
  } catch (const error& fault) {
    if (fault.code() != errc::invalid_argument || !std::filesystem::exists(folder / composed_config_name)) throw;
    throw error(fault.code(), std::string(fault.what()) + ", or compute them anew with runner.stale=recompute");
  }
}

bool is_leftover(std::string_view name) {
  constexpr std::size_t suffix = 7;  // ".XXXXXX"
  constexpr std::array<std::string_view, 6> kinds{".json", ".md", ".csv", ".html", ".safetensors", ".txt"};
  if (name.size() <= suffix || name[name.size() - suffix] != '.') return false;
  const std::string_view target = name.substr(0, name.size() - suffix);
  return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) { return target.ends_with(kind); });
}

void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code code;
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    if (is_leftover(entry.path().filename().string()) && entry.is_regular_file()) leftovers.push_back(entry.path());
  }
  for (const auto& path : leftovers) std::filesystem::remove(path, code);
}

std::filesystem::path state_folder(const std::filesystem::path& folder) { return folder / ".sweep"; }

folder_lock::folder_lock(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(state_folder(folder), code);
  const auto path = state_folder(folder) / "lock";
  if (code) throw error(errc::io_failure, state_folder(folder).string() + " cannot be made: " + code.message());
  file_ = common::descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw error(errc::io_failure, path.string() + ": opening failed: " + std::strerror(errno));
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno != EWOULDBLOCK) throw error(errc::io_failure, path.string() + ": locking failed: " + std::strerror(errno));
  throw error(errc::invalid_argument,
              "another run works in " + folder.string() + "; wait for it or choose another folder");
}

}  // namespace qgrain::sweep
