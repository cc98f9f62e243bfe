#include <common/file.hpp>

#include <qgrain/core/status.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

namespace qgrain::common {
namespace {

[[noreturn]] void fail(const std::string& path, const char* action) {
  throw error(errc::io_failure, path + ": " + action + " failed: " + std::strerror(errno));
}

const char* kind_of(mode_t mode) noexcept {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a FIFO (named pipe)";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISCHR(mode) || S_ISBLK(mode)) return "a device node";
  return "no regular file";
}

}  // namespace

descriptor& descriptor::operator=(descriptor&& other) noexcept {
  std::swap(value_, other.value_);
  return *this;
}
descriptor::~descriptor() {
  if (value_ >= 0) ::close(value_);
}
int descriptor::release() noexcept { return std::exchange(value_, -1); }

input_file::input_file(const std::filesystem::path& path)
    : path_(path.string()),
      descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {  // a FIFO is to be refused, not waited for
  if (descriptor_.get() < 0) fail(path_, "opening");
  struct stat facts {};
  if (::fstat(descriptor_.get(), &facts) != 0) fail(path_, "reading the size");
  if (!S_ISREG(facts.st_mode)) throw error(errc::io_failure, path_ + ": not a regular file");
  size_ = facts.st_size;
}

void input_file::read(std::int64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_.get(), out.data(), out.size(), offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "reading");
    if (got == 0) {
      throw error(errc::bad_file, path_ + ": the file ends at byte " + std::to_string(offset) + " while it had " +
                                      std::to_string(size_) + " bytes when it was opened");
    }
    offset += got;
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void input_file::will_read(std::int64_t offset, std::int64_t bytes) const noexcept {
  // Larger pieces would be cut at the device's own limit for one request.
  constexpr std::int64_t piece = std::int64_t{1} << 20;
  for (std::int64_t at = offset; at < offset + bytes; at += piece)
    (void)::posix_fadvise(descriptor_.get(), at, std::min(piece, offset + bytes - at), POSIX_FADV_WILLNEED);
}

std::filesystem::path output_target(const std::filesystem::path& path) {
  struct stat facts {};
  std::filesystem::path target = path;
  constexpr int most_links = 40;  // as the kernel's own limit
  for (int links = 0; ::lstat(target.c_str(), &facts) == 0 && S_ISLNK(facts.st_mode); ++links) {
    // What the link finally leads to is asked first: names under /proc/self/fd are no paths.
    const bool exists = ::stat(target.c_str(), &facts) == 0;
    if (exists && !S_ISREG(facts.st_mode)) break;
    if ((!exists && errno != ENOENT) || links == most_links) fail(path.string(), "following the symbolic link");
    std::error_code unreadable;
    const std::filesystem::path next = std::filesystem::read_symlink(target, unreadable);
    if (unreadable) throw error(errc::io_failure, path.string() + ": a symbolic link that cannot be read");
    target = target.parent_path() / next;
    facts = {};
  }
  if (facts.st_mode != 0 && !S_ISREG(facts.st_mode)) {
    throw error(errc::io_failure,
                path.string() + " is " + kind_of(facts.st_mode) + "; only regular files are written or replaced");
  }
  return target;
}

atomic_file::atomic_file(std::filesystem::path target)
    : path_(target.string()), target_(output_target(target)), temporary_(target_.string() + ".XXXXXX") {
  descriptor_ = descriptor(::mkostemp(temporary_.data(), O_CLOEXEC));
  if (descriptor_.get() < 0) {
    temporary_.clear();
    fail(path_, "creating");
  }
  ::fchmod(descriptor_.get(), 0644);
}

atomic_file::~atomic_file() {
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void atomic_file::write(std::int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), offset);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path_, "writing");
    offset += put;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void atomic_file::resize(std::int64_t bytes) {
  if (::ftruncate(descriptor_.get(), bytes) != 0) fail(path_, "setting the length");
}

void atomic_file::commit() {
  if (::fsync(descriptor_.get()) != 0) fail(path_, "flushing");
  (void)output_target(target_);  // something else may have come there since
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail(path_, "renaming");
  temporary_.clear();
}

bool is_git_lfs_pointer(std::string_view beginning) noexcept {
  return beginning.starts_with("version https://git-lfs.github.com/spec/");
}

std::string read_text_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw error(errc::io_failure, path.string() + ": the file cannot be opened for reading");
  }
  std::ostringstream text;
  text << file.rdbuf();
  if (file.bad()) throw error(errc::io_failure, path.string() + ": the file cannot be read");
  std::string all = std::move(text).str();
  if (is_git_lfs_pointer(all)) {
    throw error(errc::bad_file, path.string() +
                                    ": this is a Git LFS pointer, not the file that it stands for; fetch that with "
                                    "\"git lfs pull\"");
  }
  return all;
}

void require_text(const std::filesystem::path& path, std::string_view content) {
  if (content.starts_with("\xFF\xFE") || content.starts_with("\xFE\xFF")) return;  // UTF-16
  if (const auto zero = content.find('\0'); zero != std::string_view::npos)
    throw error(errc::bad_file, path.string() + ": byte " + std::to_string(zero) + " is 0: this is no text");
}

void write_text_file(const std::filesystem::path& target, std::string_view text) {
  atomic_file file(target);
  file.write(0, std::as_bytes(std::span(text)));
  file.commit();
}

}  // namespace qgrain::common
