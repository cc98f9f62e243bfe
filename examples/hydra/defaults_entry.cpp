#include <hydra/defaults_entry.hpp>
#include <hydra/interpolation_text.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

constexpr std::string_view global_package = "_global_";
constexpr std::string_view group_package = "_group_";

std::string with_dots(std::string group) {
  std::replace(group.begin(), group.end(), '/', '.');
  return group;
}

std::string joined(const std::string& first, const std::string& second, char separator) {
  if (first.empty() || second.empty()) return first + second;
  return first + separator + second;
}

// The folder part of a path.
std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

[[noreturn]] void refuse_entry(const std::string& file_path, const json::value& entry) {
  throw error(errc::bad_file,
              "config '" + file_path + "': " + json::serialize(entry) +
                  " is no entry of a defaults list; there are \"_self_\", \"file\", {\"group\": \"choice\"}, "
                  "{\"group\": [\"choice\", ...]} and {\"group\": null}");
}

// Splits "group@package".
void read_address(std::string_view address, defaults_entry& entry) {
  const std::size_t at = address.find('@');
  entry.path = std::string(address.substr(0, at));
  if (at == std::string_view::npos) return;
  entry.package = std::string(address.substr(at + 1));
  if (entry.package == "_here_") entry.package = "";
}

// Words before the group: "optional override model".
void read_keywords(std::string_view& address, defaults_entry& entry) {
  for (std::size_t blank = address.find(' '); blank != std::string_view::npos; blank = address.find(' ')) {
    const auto word = address.substr(0, blank);
    entry.optional = entry.optional || word == "optional";
    entry.overrides = entry.overrides || word == "override";
    address.remove_prefix(blank + 1);
  }
}

std::optional<group_choice> read_choice(const json::value& value) {
  if (value.is_null()) return nullptr;
  if (value.is_string()) return std::string(value.get_string());
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> names;
  for (const auto& item : value.get_array()) {
    if (!item.is_string()) return std::nullopt;
    names.emplace_back(item.get_string());
  }
  return names;
}

defaults_entry read_entry(const std::string& file_path, const json::value& item) {
  defaults_entry entry;
  if (item.is_string()) {
    if (item.get_string() == "_self_") return entry;
    entry.what = defaults_entry::kind::file;
    read_address(item.get_string(), entry);
    return entry;
  }
  if (!item.is_object() || item.get_object().size() != 1) refuse_entry(file_path, item);
  const auto& choice = *item.get_object().begin();
  entry.what = defaults_entry::kind::group;
  std::string_view address = choice.key();
  read_keywords(address, entry);
  read_address(address, entry);
  auto names = read_choice(choice.value());
  if (!names || entry.path.empty()) refuse_entry(file_path, item);
  entry.choice = std::move(*names);
  return entry;
}

}  // namespace

void defaults_entry::settle(const std::string& group, const std::string& package_of_file) {
  base_group = group;
  base_package = package_of_file;
  if (!package) return;
  const std::size_t mark = package->find(group_package);
  if (mark != std::string::npos) {
    package->replace(mark, group_package.size(), with_dots(group_path()));
    package->insert(0, std::string(global_package) + ".");
  }
}

std::optional<std::string> defaults_entry::name() const {
  if (what == kind::file) return path.substr(path.rfind('/') + 1);
  const auto* single = std::get_if<std::string>(&choice);
  return single ? std::optional(*single) : std::nullopt;
}

bool defaults_entry::is_interpolated() const {
  const auto* single = std::get_if<std::string>(&choice);
  return hydra::is_interpolated(what == kind::file ? path : single ? *single : std::string());
}

std::string defaults_entry::group_path() const {
  const std::string relative = what == kind::file ? parent_of(bare_path()) : bare_path();
  return is_absolute() ? relative : joined(base_group, relative, '/');
}

std::string defaults_entry::file_path() const {
  if (what == kind::file) return is_absolute() ? bare_path() : joined(base_group, path, '/');
  return group_path() + "/" + name().value_or("");
}

std::string defaults_entry::package_with(const std::optional<std::string>& written) const {
  const std::string relative =
      written ? *written : with_dots(what == kind::file ? parent_of(bare_path()) : bare_path());
  std::string whole = joined(base_package, relative, '.');
  const std::size_t mark = whole.rfind(global_package);
  if (mark == std::string::npos) return whole;
  return whole.substr(std::min(whole.size(), mark + global_package.size() + 1));
}

std::string defaults_entry::override_key() const {
  const std::string where = package_with(package);
  if (where == with_dots(group_path())) return group_path();
  return group_path() + "@" + (where.empty() ? std::string(global_package) : where);
}

std::vector<defaults_entry> read_defaults(const std::string& file_path, const json::object& body) {
  std::vector<defaults_entry> entries;
  const auto* list = body.if_contains("defaults");
  if (list == nullptr) return entries;
  if (!list->is_array()) throw error(errc::bad_file, "config '" + file_path + "': \"defaults\" is not a list");
  for (const auto& item : list->get_array()) entries.push_back(read_entry(file_path, item));
  return entries;
}

}  // namespace qgrain::hydra
