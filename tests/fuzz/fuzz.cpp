#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <fuzz/fuzz.hpp>

namespace qgrain::fuzz {
namespace {

std::vector<target>& registered() {
  static std::vector<target> all;
  return all;
}

}  // namespace

target::target(std::string_view own_name, void (*function)(bytes)) : name(own_name), run(function) {
  registered().push_back(*this);
}

const std::vector<target>& targets() { return registered(); }

void require(bool holds, const char* sentence) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", sentence);
  std::abort();
}

std::vector<std::string> parts_of(bytes input, std::size_t count) {
  std::vector<std::string> parts;
  std::string_view rest = text_of(input);
  while (parts.size() + 1 < count) {
    const std::size_t end = std::min(rest.find('\0'), rest.size());
    parts.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  parts.emplace_back(rest);
  return parts;
}

const std::filesystem::path& scratch_folder() {
  struct folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("qgrain-fuzz-" + std::to_string(static_cast<long>(::getpid())));
    folder() { std::filesystem::create_directories(path); }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  };
  static const folder own;
  return own.path;
}

std::filesystem::path write_scratch(const std::string& name, std::string_view text) {
  std::filesystem::path path = scratch_folder() / name;
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

}  // namespace qgrain::fuzz
