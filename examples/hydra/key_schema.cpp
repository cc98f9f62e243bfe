#include <hydra/key_schema.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace qgrain::hydra {
namespace {

using key_span = std::span<const std::string_view>;

bool is_allowed(key_span allowed, const std::string& path) {
  return std::any_of(allowed.begin(), allowed.end(), [&path](std::string_view key) {
    if (!key.ends_with(".*")) return key == path;
    key.remove_suffix(2);
    return path == key || (path.starts_with(key) && path[key.size()] == '.');
  });
}

bool leads_to_allowed(key_span allowed, const std::string& path) {
  return std::any_of(allowed.begin(), allowed.end(), [&path](std::string_view key) {
    return key.starts_with(path) && key.substr(path.size()).starts_with('.');
  });
}

// The names that may follow `prefix` ("" or "a.b.").
std::vector<std::string> allowed_names(key_span allowed, const std::string& prefix) {
  std::set<std::string> names;
  for (const auto key : allowed) {
    if (!key.starts_with(prefix)) continue;
    const auto rest = key.substr(prefix.size());
    names.emplace(rest.substr(0, rest.find('.')));
  }
  return {names.begin(), names.end()};
}

void check(const json::object& mapping, const std::string& prefix, key_span allowed) {
  for (const auto& entry : mapping) {
    const std::string name = entry.key();
    const std::string path = prefix + name;
    if (is_allowed(allowed, path)) continue;
    if (!leads_to_allowed(allowed, path)) {
      throw error(errc::unknown_name,
                  "there is no key '" + path + "'" + name_hint(name, allowed_names(allowed, prefix)));
    }
    if (!entry.value().is_object()) {
      throw error(errc::invalid_argument, "'" + path + "' is a mapping, not " + json::serialize(entry.value()));
    }
    check(entry.value().get_object(), path + ".", allowed);
  }
}

}  // namespace

void require_known_keys(const json::object& config, std::span<const std::string_view> allowed) {
  check(config, "", allowed);
}

}  // namespace qgrain::hydra
