#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <sweep/results/exports.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::sweep {

json::array read_exports(const std::filesystem::path& job_folder) {
  const std::filesystem::path path = job_folder / exports_name;
  if (!std::filesystem::exists(path)) return {};
  const json::object document = common::read_json_object(path);
  const json::value* entries = document.if_contains("exports");
  const auto is_entry = [](const json::value& value) {
    const json::object* entry = value.if_object();
    return entry != nullptr && entry->contains("target") && entry->contains("mix_hash") && entry->contains("command");
  };
  if (entries == nullptr || !entries->is_array() ||
      !std::all_of(entries->get_array().begin(), entries->get_array().end(), is_entry))
    throw error(errc::bad_file, path.string() + ": \"exports\" is no list of exports; remove the file");
  return entries->get_array();
}

void write_exports(const json::array& entries, const std::filesystem::path& job_folder) {
  common::write_text_file(job_folder / exports_name, common::json_text(json::object{{"exports", entries}}) + "\n");
}

}  // namespace qgrain::sweep
