#include "atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <qgrain/core/status.hpp>
#include <string>
#include <system_error>

namespace qgrain::sweep {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, int code) {
  throw error(errc::io_failure, path.string() + " cannot be written: " + std::generic_category().message(code));
}

// The temporary file; removed unless it was given its final name.
class temporary_file {
 public:
  explicit temporary_file(const std::filesystem::path& path)
      : name_(path.string() + ".tmp-XXXXXX"), descriptor_(::mkstemp(name_.data())) {
    if (descriptor_ < 0) fail(path, errno);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!name_.empty()) ::unlink(name_.c_str());
  }

  bool write(std::string_view content) const {
    while (!content.empty()) {
      const ssize_t written = ::write(descriptor_, content.data(), content.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      content.remove_prefix(static_cast<std::size_t>(written));
    }
    // mkstemp gives 0600; results are meant to be read by others
    return ::fchmod(descriptor_, 0644) == 0 && ::fsync(descriptor_) == 0;
  }

  bool rename_to(const std::filesystem::path& path) {
    if (::rename(name_.c_str(), path.c_str()) != 0) return false;
    name_.clear();
    return true;
  }

 private:
  std::string name_;
  int descriptor_;
};

}  // namespace

void write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  temporary_file file(path);
  if (!file.write(content) || !file.rename_to(path)) fail(path, errno);
  // the new name is an entry of the folder, which has its own flush; where folders cannot be opened nothing is lost but
  // the order of events at a power failure
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); descriptor >= 0) {
    (void)::fsync(descriptor);
    ::close(descriptor);
  }
}

}  // namespace qgrain::sweep
