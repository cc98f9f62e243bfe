// The overrides of groups, from the command line and from `override` entries, while a defaults list is expanded.
#ifndef QGRAIN_HYDRA_GROUP_OVERRIDES_HPP
#define QGRAIN_HYDRA_GROUP_OVERRIDES_HPP

#include <hydra/config_source.hpp>
#include <hydra/defaults_entry.hpp>
#include <hydra/override.hpp>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace qgrain::hydra {

class group_overrides {
 public:
  /// Takes the overrides that target groups. Throws errc::invalid_argument for ++group and for a choice that is no name
  /// or list of names.
  group_overrides(const config_source& source, const std::vector<config_override>& overrides);

  /// The entries that +group=choice appends to the primary list.
  [[nodiscard]] const std::vector<defaults_entry>& appended() const noexcept { return appended_; }

  /// An `override` entry in the list of `file`; the first one met for a key counts, the command line before all.
  void add(const defaults_entry& entry, const std::string& file);

  /// Replaces the entry's choice where one is set for it.
  void replace_choice(defaults_entry& entry);

  /// Whether ~group deletes the entry.
  [[nodiscard]] bool deletes(const defaults_entry& entry);

  /// Notes what a group entry chooses. Throws errc::invalid_argument where something else was chosen before.
  void note_choice(const defaults_entry& entry);

  [[nodiscard]] const std::map<std::string, std::optional<std::string>>& choices() const noexcept { return choices_; }

  /// Throws errc::unknown_name for an override or a deletion that met no entry.
  void require_all_used() const;

 private:
  struct replacement {
    group_choice choice;
    std::string origin;  ///< how a sentence names it
    bool used = false;
  };
  struct deletion {
    std::optional<std::string> choice;
    std::string origin;
    bool used = false;
  };

  void take(const config_override& parsed);
  [[nodiscard]] std::string known_addresses(const std::string& key) const;

  std::map<std::string, replacement> replacements_;
  std::map<std::string, deletion> deletions_;
  std::vector<defaults_entry> appended_;
  std::map<std::string, std::optional<std::string>> choices_;
};

}  // namespace qgrain::hydra

#endif
