#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <hydra/override.hpp>
#include <sweep/results/output_folder.hpp>
#include <sweep/run/request.hpp>

#include <qgrain/core/status.hpp>

#include <ctime>
#include <system_error>
#include <vector>

namespace qgrain::sweep {
namespace {

namespace json = boost::json;

constexpr const char* request_name = "request.json";
constexpr const char* experiments = "tmp/model-experiments";

std::filesystem::path request_path(const std::filesystem::path& folder) { return state_folder(folder) / request_name; }

// The value of the last override of `key`; taken out of the list where `remove` is set.
std::optional<std::string> value_of(std::vector<std::string>& overrides, std::string_view key, bool remove) {
  std::optional<std::string> value;
  std::erase_if(overrides, [&](const std::string& text) {
    if (hydra::key_text(hydra::parse_override(text)) != key) return false;
    const std::size_t equals = text.find('=');
    value = equals == std::string::npos ? "" : text.substr(equals + 1);
    return remove;
  });
  return value;
}

std::filesystem::path latest_below(const std::filesystem::path& root) {
  std::optional<std::pair<std::filesystem::file_time_type, std::filesystem::path>> latest;
  std::error_code code;
  for (std::filesystem::recursive_directory_iterator entry(root, code), end; !code && entry != end;
       entry.increment(code)) {
    if (entry->path().filename() != request_name || entry->path().parent_path().filename() != state_folder(""))
      continue;
    const std::pair found{entry->last_write_time(), entry->path().parent_path().parent_path()};
    if (!latest || found > *latest) latest = found;
  }
  if (latest) return latest->second;
  throw error(errc::io_failure, "runner.resume=latest: no run has been begun below " + root.string());
}

run_request read_request(const std::filesystem::path& folder) {
  const auto path = request_path(folder);
  if (!std::filesystem::exists(path))
    throw error(errc::io_failure, "runner.resume: no run has been begun in " + folder.string());
  return request_in(common::read_json_object(path), path.string());
}

}  // namespace

run_request request_of(const command_line& line, const hydra::runtime_context& context) {
  std::tm now = context.now;
  return {line, static_cast<std::int64_t>(std::mktime(&now)), std::filesystem::current_path(), {}};
}

json::object request_json(const run_request& request) {
  json::array conf_dirs;
  for (const auto& dir : request.line.conf_dirs) conf_dirs.emplace_back(dir.string());
  return {{"overrides", json::value_from(request.line.overrides)},
          {"multirun", request.line.multirun},
          {"conf_dirs", conf_dirs},
          {"time", request.time},
          {"working_folder", request.working_folder.string()}};
}

run_request request_in(const json::object& json, const std::string& where) {
  try {
    run_request request;
    request.line.multirun = json.at("multirun").as_bool();
    for (const json::value& text : json.at("overrides").as_array())
      request.line.overrides.emplace_back(text.as_string());
    for (const json::value& text : json.at("conf_dirs").as_array())
      request.line.conf_dirs.emplace_back(std::string(text.as_string()));
    request.time = json.at("time").as_int64();
    request.working_folder = std::string(json.at("working_folder").as_string());
    return request;
  } catch (const std::exception&) {  // of Boost.JSON: a key is missing or of another kind
    throw error(errc::bad_file, where + " is no request of a run");
  }
}

void write_request(const run_request& request, const std::filesystem::path& folder) {
  common::write_text_file(request_path(folder), common::json_text(request_json(request)) + "\n");
}

std::optional<run_request> resumed_request(const command_line& line) {
  std::vector<std::string> overrides = line.overrides;
  const auto target = value_of(overrides, "runner.resume", true);
  if (!target || target->empty() || *target == "null") return std::nullopt;
  std::filesystem::path folder = *target;
  if (*target == "latest") folder = latest_below(value_of(overrides, "runner.output_dir", false).value_or(experiments));
  run_request request = read_request(std::filesystem::absolute(folder));
  request.resumed_folder = std::filesystem::absolute(folder);
  request.line.multirun = request.line.multirun || line.multirun;
  request.line.overrides.insert(request.line.overrides.end(), overrides.begin(), overrides.end());
  request.line.conf_dirs.insert(request.line.conf_dirs.begin(), line.conf_dirs.begin(), line.conf_dirs.end());
  return request;
}

}  // namespace qgrain::sweep
