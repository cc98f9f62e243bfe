// Files by position: reading at an offset, and writing that becomes visible as a whole or not at all.
#ifndef QGRAIN_COMMON_FILE_HPP
#define QGRAIN_COMMON_FILE_HPP

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace qgrain::common {

/// A file descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int value = -1) noexcept : value_(value) {}
  descriptor(descriptor&& other) noexcept : value_(other.release()) {}
  descriptor& operator=(descriptor&& other) noexcept;
  ~descriptor();
  [[nodiscard]] int get() const noexcept { return value_; }

 private:
  int release() noexcept;
  int value_;
};

/// An open regular file and its size at opening.
class input_file {
 public:
  explicit input_file(const std::filesystem::path& path);
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Fills `out` from `offset`. A file that has become shorter is errc::bad_file. Threads may read at once.
  void read(std::int64_t offset, std::span<std::byte> out) const;
  /// Asks the system to bring these bytes into its cache meanwhile. A hint: it takes no memory of the program's, and
  /// never fails.
  void will_read(std::int64_t offset, std::int64_t bytes) const noexcept;

 private:
  std::string path_;
  descriptor descriptor_;
  std::int64_t size_ = 0;
};

/// Where the bytes for an output path go. Symbolic links are followed, as redirection in a shell does, to a file that
/// need not exist yet.
/// @throws error errc::io_failure, naming the path and what is there, where that is no regular file: writing would
/// replace a device node, FIFO, socket or folder
[[nodiscard]] std::filesystem::path output_target(const std::filesystem::path& path);

/// A new file under a temporary name beside its target (see output_target); `commit` flushes it to disk and renames it.
/// Destruction without commit removes it. Errors are errc::io_failure and name the path.
class atomic_file {
 public:
  explicit atomic_file(std::filesystem::path target);
  atomic_file(atomic_file&&) = default;
  atomic_file& operator=(atomic_file&&) = default;
  ~atomic_file();
  void write(std::int64_t offset, std::span<const std::byte> bytes);
  /// Sets the length, as for a file whose tail is written later.
  void resize(std::int64_t bytes);
  void commit();

 private:
  std::string path_;  // as given; target_ is where its links lead
  std::filesystem::path target_;
  std::string temporary_;
  descriptor descriptor_;
};

/// Whether a file that begins like this is what Git LFS leaves in place of a large file.
[[nodiscard]] bool is_git_lfs_pointer(std::string_view beginning) noexcept;

/// The whole of a small file. Throws errc::io_failure naming the path, errc::bad_file for a Git LFS pointer.
[[nodiscard]] std::string read_text_file(const std::filesystem::path& path);

/// Throws errc::bad_file, naming the path and the place, where `content` holds a byte of 0, which no text in UTF-8
/// does. UTF-16, by its mark, is left to those who decode it.
void require_text(const std::filesystem::path& path, std::string_view content);

/// Writes a whole text file atomically.
void write_text_file(const std::filesystem::path& target, std::string_view text);

}  // namespace qgrain::common

#endif
