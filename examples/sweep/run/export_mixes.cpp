#include <common/child_process.hpp>
#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <common/xxhash64.hpp>
#include <sweep/results/exports.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/run/export_mixes.hpp>
#include <sweep/run/finish_job.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace qgrain::sweep {
namespace {

constexpr std::string_view one_file = "gguf";  // the target that is no folder

std::string export_program() {
  const std::filesystem::path program = common::own_folder() / "qgrain-export";
  if (!std::filesystem::exists(program)) {
    throw error(errc::io_failure, "export.to needs " + program.string() + ", which is not there; build or install it");
  }
  return program.string();
}

std::vector<std::string> known_targets(const std::string& program) {
  const common::program_outcome list = common::run_program({program, "--list", "--json"});
  if (list.exit_code != 0) throw error(errc::io_failure, program + " --list: " + list.errors);
  std::vector<std::string> names;
  const json::object schemes = common::parse_json(list.output, program).as_object();
  for (const auto& entry : schemes) names.emplace_back(entry.key());
  return names;
}

// Without a line's end and the program's own name in front.
std::string sentence_of(std::string errors) {
  constexpr std::string_view name = "qgrain-export: ";
  while (errors.ends_with('\n')) errors.pop_back();
  return errors.starts_with(name) ? errors.substr(name.size()) : errors;
}

// Writes one target after the other.
class job_exports {
 public:
  explicit job_exports(const planned_job& job)
      : job_(job),
        mix_(job.folder / mix_name),
        mix_hash_(common::xxhash64_text(common::read_text_file(mix_))),
        before_(read_exports(job.folder)) {}

  void write() {
    json::array done = others();
    std::string faults;
    for (const std::string& target : job_.settings.exports.to) {
      try {
        done.push_back(written(target));
      } catch (const error& fault) {
        faults.append(faults.empty() ? "" : "\n").append("export to ").append(target).append(": ").append(fault.what());
      }
    }
    write_exports(done, job_.folder);
    write_job_reports(read_manifest(job_.folder / job_.result_name()), job_.folder);
    if (!faults.empty()) throw error(errc::unsupported, faults);
  }

 private:
  [[nodiscard]] std::vector<std::string> command_for(const std::string& target,
                                                     const std::filesystem::path& out) const {
    std::vector<std::string> command{export_program(), "--model",     job_.pass.model.string(),
                                     "--mix",          mix_.string(), "--to",
                                     target,           "--out",       out.string()};
    if (job_.settings.exports.engine) command.insert(command.end(), {"--engine", *job_.settings.exports.engine});
    if (job_.settings.exports.untie) command.emplace_back("--untie");
    return command;
  }

  // Of this mix, written when other targets were asked for.
  [[nodiscard]] json::array others() const {
    json::array kept;
    for (const json::value& entry : before_) {
      const json::object& one = entry.as_object();
      const auto is_it = [&](const std::string& target) { return one.at("target") == json::value(target); };
      const std::vector<std::string>& wanted = job_.settings.exports.to;
      if (one.at("mix_hash") == json::value(mix_hash_) && std::none_of(wanted.begin(), wanted.end(), is_it))
        kept.push_back(entry);
    }
    return kept;
  }

  // The entry of a target that is there, or becomes it.
  [[nodiscard]] json::object written(const std::string& target) const {
    const std::string name = target == one_file ? target + ".gguf" : target;
    const std::filesystem::path out = job_.folder / exports_folder / name;
    std::vector<std::string> command = command_for(target, out);
    json::array words(command.begin(), command.end());
    for (const json::value& entry : before_) {
      const json::object& one = entry.as_object();
      if (one.at("command") == json::value(words) && one.at("mix_hash") == json::value(mix_hash_) &&
          std::filesystem::exists(out))
        return one;
    }
    std::error_code code;
    std::filesystem::create_directories(out.parent_path(), code);
    if (!code) std::filesystem::remove_all(out, code);
    if (code) throw error(errc::io_failure, out.string() + ": " + code.message());
    command.insert(command.end(), {"--threads", std::to_string(job_.pass.threads), "--json"});
    const common::program_outcome run = common::run_program(command);
    if (run.exit_code != 0) throw error(errc::unsupported, sentence_of(run.errors));
    const json::object report = common::parse_json(run.output, command.front()).as_object();
    return {{"target", target},
            {"path", (std::filesystem::path(exports_folder) / name).string()},
            {"bytes", report.at("file_bytes")},
            {"effective_bits", report.at("bits_per_weight")},
            {"notes", report.at("notes")},
            {"mix_hash", mix_hash_},
            {"command", std::move(words)}};
  }

  const planned_job& job_;
  std::filesystem::path mix_;
  std::string mix_hash_;
  json::array before_;
};

}  // namespace

void check_exports(std::span<const planned_job> jobs) {
  std::vector<std::string> known;
  for (const planned_job& job : jobs) {
    for (const std::string& target : job.settings.exports.to) {
      if (known.empty()) known = known_targets(export_program());
      if (std::find(known.begin(), known.end(), target) == known.end())
        throw error(errc::unknown_name, "export.to: there is no target '" + target + "'" + name_hint(target, known));
    }
  }
}

void export_mix(const planned_job& job) {
  if (!job.settings.exports.to.empty()) job_exports(job).write();
}

}  // namespace qgrain::sweep
