#include <hydra/defaults_list.hpp>
#include <hydra/group_overrides.hpp>
#include <hydra/interpolation.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

namespace qgrain::hydra {
namespace {

// An entry and the entries of its file's list; an entry without children is a leaf.
struct tree_node {
  defaults_entry entry;
  bool dropped = false;  // deleted, optional and absent, or still to be chosen
  std::vector<tree_node> children = {};
};

// Whether choices by interpolation are being expanded: their lists come too late to override other groups.
enum class stage : std::uint8_t { direct, interpolated };

class defaults_expander {
 public:
  defaults_expander(const config_source& source, const std::vector<config_override>& overrides, open_choices open,
                    const runtime_context& context)
      : source_(source), overrides_(source, overrides), open_(open), context_(context) {}

  defaults_list expand(const std::string& config_name) {
    tree_node primary{.entry = {.what = defaults_entry::kind::file, .path = config_name}};
    primary_ = &primary;
    expand_node(primary, "", stage::direct);
    defaults_list result;
    collect(primary, nullptr, result.files);
    overrides_.require_all_used();
    for (const auto& [key, choice] : overrides_.choices()) result.choices[key] = choice.value_or("");
    return result;
  }

 private:
  void expand_node(tree_node& node, const std::string& parent_file, stage when) {
    defaults_entry& entry = node.entry;
    std::optional<config_file> file;
    if (entry.name() && *entry.name() != "???") file = source_.load(entry.file_path());
    if (file && file->package) entry.header_package = absolute_package(*file->package);
    if (overrides_.deletes(entry)) {
      node.dropped = true;
      return;
    }
    overrides_.note_choice(entry);
    if (!entry.name()) return;
    if (entry.name()->ends_with("???")) {
      if (open_ == open_choices::refused) refuse_open_choice(entry);
      node.dropped = true;
      return;
    }
    if (!file && entry.optional) {
      node.dropped = true;
      return;
    }
    if (!file) refuse_absent(entry, parent_file);
    // A chosen file that names its own group again would choose itself without end.
    if (std::count(open_files_.begin(), open_files_.end(), entry.file_path()) > 0) {
      throw error(errc::bad_file, "the defaults list of '" + entry.file_path() + "' leads back to itself");
    }
    open_files_.push_back(entry.file_path());
    auto list = entries_of(node, entry.file_path(), *file);
    settle(list, node, when);
    expand_children(node, list, when);
    open_files_.pop_back();
  }

  // A package line is counted from the root.
  static std::string absolute_package(const std::string& package) {
    if (package == "_global_" || package.starts_with("_global_.")) return package;
    return package.empty() ? "_global_" : "_global_." + package;
  }

  std::vector<defaults_entry> entries_of(const tree_node& node, const std::string& path,
                                         const config_file& file) const {
    auto list = read_defaults(path, file.body);
    const bool is_primary = &node == primary_;
    if (list.empty() && !(is_primary && !overrides_.appended().empty())) return list;
    const auto selves = std::count_if(list.begin(), list.end(), is_self);
    if (selves > 1) throw error(errc::bad_file, "config '" + path + "': the defaults list has _self_ twice");
    const bool only_overrides =
        std::all_of(list.begin(), list.end(), [](const auto& entry) { return entry.overrides; });
    if (list.empty() || (selves == 0 && !only_overrides)) list.emplace_back();
    if (is_primary) list.insert(list.end(), overrides_.appended().begin(), overrides_.appended().end());
    return list;
  }

  static bool is_self(const defaults_entry& entry) { return entry.what == defaults_entry::kind::self; }

  // Places the entries below the node and takes the `override` entries out of their list.
  void settle(std::vector<defaults_entry>& list, const tree_node& node, stage when) {
    const std::string path = node.entry.file_path();
    bool seen_override = false;
    for (auto& entry : list) {
      if (is_self(entry)) continue;
      entry.settle(node.entry.group_path(), node.entry.final_package());
      if (seen_override && !entry.overrides && !entry.appended) {
        throw error(errc::bad_file, "config '" + path + "': '" + entry.path +
                                        "' stands behind an override entry; those come last in a defaults list");
      }
      if (!entry.overrides) continue;
      if (when == stage::interpolated) {
        throw error(
            errc::bad_file,
            "config '" + path + "': a file chosen by an interpolation cannot override the group '" + entry.path + "'");
      }
      seen_override = true;
      overrides_.add(entry, path);
    }
    std::erase_if(list, [](const defaults_entry& entry) { return entry.overrides; });
  }

  // From the last entry to the first, so that the overrides of a later file reach the earlier entries; choices by
  // interpolation after all others, because they may name any of them.
  void expand_children(tree_node& node, const std::vector<defaults_entry>& list, stage when) {
    const std::string path = node.entry.file_path();
    std::vector<tree_node> reversed;
    for (auto next = list.rbegin(); next != list.rend(); ++next) {
      defaults_entry entry = *next;
      overrides_.replace_choice(entry);
      if (const auto* names = std::get_if<std::vector<std::string>>(&entry.choice)) {
        for (auto name = names->rbegin(); name != names->rend(); ++name) {
          reversed.push_back({.entry = file_of(entry, *name, path)});
          expand_node(reversed.back(), path, when);
        }
        continue;
      }
      reversed.push_back({.entry = std::move(entry)});
      tree_node& child = reversed.back();
      if (!is_self(child.entry) && !child.entry.is_interpolated()) expand_node(child, path, when);
    }
    for (auto& child : reversed) {
      if (is_self(child.entry) || !child.entry.is_interpolated()) continue;
      resolve_choice(child.entry, path);
      expand_node(child, path, stage::interpolated);
    }
    node.children.assign(std::make_move_iterator(reversed.rbegin()), std::make_move_iterator(reversed.rend()));
  }

  // One of several choices of a group.
  static defaults_entry file_of(const defaults_entry& group, const std::string& name, const std::string& path) {
    if (is_interpolated(name))
      throw error(errc::bad_file, "config '" + path + "': a list of choices cannot hold the interpolation " + name);
    defaults_entry entry = group;
    entry.what = defaults_entry::kind::file;
    entry.path = group.path + "/" + name;
    entry.choice = nullptr;
    return entry;
  }

  void resolve_choice(defaults_entry& entry, const std::string& path) {
    json::object known;
    for (const auto& [key, choice] : overrides_.choices())
      known[key] = choice ? json::value(*choice) : json::value(nullptr);
    auto& text = entry.is_group() ? std::get<std::string>(entry.choice) : entry.path;
    json::value name;
    try {
      name = interpolator(json::value(known), context_).resolved_text(text, {});
    } catch (const error& failure) {
      throw error(failure.code(), "config '" + path + "', choice of '" + entry.path + "': " + failure.what());
    }
    if (!name.is_string())
      throw error(errc::invalid_argument,
                  "config '" + path + "': " + text + " chooses no file of '" + entry.path + "'");
    text = std::string(name.get_string());
  }

  [[noreturn]] void refuse_open_choice(const defaults_entry& entry) const {
    const std::string key = entry.is_group() ? entry.override_key() : entry.file_path();
    throw error(errc::invalid_argument, "a choice for the group '" + key + "' must be given (" + key + "=choice)" +
                                            name_hint("", choices(source_, entry.group_path())));
  }

  [[noreturn]] void refuse_absent(const defaults_entry& entry, const std::string& parent_file) const {
    const std::string subject = parent_file.empty() ? "" : "config '" + parent_file + "': ";
    const std::string group = entry.group_path();
    if (!is_group(source_, group))
      throw error(errc::unknown_name,
                  subject + "there is no group '" + group + "'" + name_hint(group, groups(source_)));
    const std::string what = group.empty() ? "there is no config '" : "the group '" + group + "' has no choice '";
    throw error(errc::unknown_name,
                subject + what + *entry.name() + "'" + name_hint(*entry.name(), choices(source_, group)));
  }

  // Leaves in order; a file with a list of its own stands where its _self_ does.
  void collect(const tree_node& node, const tree_node* holder, std::vector<chosen_file>& files) {
    if (!node.children.empty()) {
      for (const auto& child : node.children) collect(child, &node, files);
      return;
    }
    if (node.dropped) return;
    if (is_self(node.entry)) {
      files.push_back({holder->entry.file_path(), holder->entry.final_package()});
      return;
    }
    if (!node.entry.name()) return;
    if (node.entry.is_group() && !addresses_.insert(node.entry.override_key()).second) {
      throw error(errc::invalid_argument,
                  "the group '" + node.entry.override_key() + "' stands twice in the defaults list");
    }
    files.push_back({node.entry.file_path(), node.entry.final_package()});
  }

  const config_source& source_;
  group_overrides overrides_;
  open_choices open_;
  const runtime_context& context_;
  std::vector<std::string> open_files_;  // being expanded, outermost first
  const tree_node* primary_ = nullptr;
  std::set<std::string> addresses_ = {};
};

}  // namespace

defaults_list expand_defaults(const config_source& source, const std::string& config_name,
                              const std::vector<config_override>& overrides, open_choices open,
                              const runtime_context& context) {
  return defaults_expander(source, overrides, open, context).expand(config_name);
}

}  // namespace qgrain::hydra
