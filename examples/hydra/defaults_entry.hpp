// One entry of a defaults list.
#ifndef QGRAIN_HYDRA_DEFAULTS_ENTRY_HPP
#define QGRAIN_HYDRA_DEFAULTS_ENTRY_HPP

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace qgrain::hydra {

namespace json = boost::json;

/// What a group entry chooses: nothing (null), one choice, or several.
using group_choice = std::variant<std::nullptr_t, std::string, std::vector<std::string>>;

/// "_self_", a file ("model/small", "/model/small@package") or a group ({"optional model@package": "small"}).
struct defaults_entry {
  enum class kind : std::uint8_t { self, file, group };

  kind what = kind::self;
  std::string path;  ///< of the file, or of the group; from the root where it begins with a slash
  group_choice choice = nullptr;
  std::optional<std::string> package = {};  ///< behind @
  bool optional = false;
  bool overrides = false;  ///< "override group: choice"
  bool appended = false;   ///< by +group=choice

  // Filled in where the entry stands in a tree of files.
  std::string base_group = {};                     ///< the group of the file whose list this is
  std::string base_package = {};                   ///< the package of that file
  std::optional<std::string> header_package = {};  ///< the "@package" of the file that is chosen

  /// Puts the entry into the list of a file.
  void settle(const std::string& group, const std::string& package_of_file);

  [[nodiscard]] bool is_group() const noexcept { return what == kind::group; }
  /// The chosen file's name; empty for no choice or several.
  [[nodiscard]] std::optional<std::string> name() const;
  [[nodiscard]] bool is_interpolated() const;
  /// The group that holds the file: "dataset/sampling".
  [[nodiscard]] std::string group_path() const;
  /// "dataset/sampling/random".
  [[nodiscard]] std::string file_path() const;
  /// Where the file's body goes, "" for the root.
  [[nodiscard]] std::string final_package() const { return package_with(package ? package : header_package); }
  /// How the entry is addressed: the group, with "@package" where that is not the group's own.
  [[nodiscard]] std::string override_key() const;

 private:
  [[nodiscard]] bool is_absolute() const { return path.starts_with('/'); }
  [[nodiscard]] std::string bare_path() const { return is_absolute() ? path.substr(1) : path; }
  [[nodiscard]] std::string package_with(const std::optional<std::string>& written) const;
};

/// The defaults list of a file's body. Throws errc::bad_file, naming the file, for an entry of another form.
[[nodiscard]] std::vector<defaults_entry> read_defaults(const std::string& file_path, const json::object& body);

}  // namespace qgrain::hydra

#endif
