#include <common/file.hpp>

#include <qgrain/core/status.hpp>

#include <export/folder/staged_folder.hpp>
#include <system_error>
#include <vector>

namespace qgrain::exports {
namespace {

namespace fs = std::filesystem;

constexpr const char* job_name = ".qgrain-export.json";

bool is_there(const fs::path& path) {
  std::error_code unknown;
  return fs::exists(fs::symlink_status(path, unknown));
}

[[noreturn]] void fail(const fs::path& path, const char* action, const std::error_code& fault) {
  throw error(errc::io_failure, path.string() + ": " + action + " failed: " + fault.message());
}

}  // namespace

staged_folder::staged_folder(fs::path out, const std::string& job, bool resume)
    : out_(out.has_filename() ? std::move(out) : out.parent_path()), partial_(out_.string() + ".partial") {
  if (is_there(out_)) {
    throw error(errc::invalid_argument, out_.string() + ": --out exists already; remove it or choose another name");
  }
  if (is_there(partial_)) {
    if (!resume) {
      throw error(errc::invalid_argument,
                  partial_.string() + ": an export that was stopped left it; --resume goes on with it, or remove it");
    }
    const fs::path made_by = partial_ / job_name;
    if (is_there(made_by) && common::read_text_file(made_by) != job) {
      throw error(errc::invalid_argument,
                  partial_.string() + ": an export of another model or plan left it; remove it to begin anew");
    }
  }
  std::error_code fault;
  fs::create_directories(partial_, fault);
  if (fault) fail(partial_, "creating the folder", fault);
  common::write_text_file(partial_ / job_name, job);
}

fs::path staged_folder::place_of(const fs::path& name) {
  const fs::path place = partial_ / name;
  std::error_code fault;
  fs::create_directories(place.parent_path(), fault);
  if (fault) fail(place.parent_path(), "creating the folder", fault);
  named_.insert(place);
  return place;
}

bool staged_folder::holds(const fs::path& name) const { return is_there(partial_ / name); }

void staged_folder::commit() {
  std::vector<fs::path> left;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(partial_)) {
    if (!entry.is_directory() && !named_.contains(entry.path())) left.push_back(entry.path());
  }
  std::error_code fault;
  for (const fs::path& path : left) {
    fs::remove(path, fault);
    if (fault) fail(path, "removing", fault);
  }
  fs::rename(partial_, out_, fault);
  if (fault) fail(out_, "renaming", fault);
}

}  // namespace qgrain::exports
