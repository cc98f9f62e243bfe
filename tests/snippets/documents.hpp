// The documents of the repository and their lines.
#ifndef QGRAIN_TESTS_SNIPPETS_DOCUMENTS_HPP
#define QGRAIN_TESTS_SNIPPETS_DOCUMENTS_HPP

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace documents {

namespace fs = std::filesystem;

inline fs::path root() { return QGRAIN_SOURCE_DIR; }

inline std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream in(path);
  BOOST_REQUIRE_MESSAGE(in, path << " cannot be read");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Markdown files beside the README, of docs/, and the READMEs of other folders. What a program has written (reference
/// reports under tests/data) is no document.
inline std::vector<fs::path> all() {
  std::vector<fs::path> found;
  const auto is_document = [](const fs::path& path) { return path.extension() == ".md"; };
  for (const fs::path& folder : {root(), root() / "docs"}) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (is_document(entry.path())) found.push_back(entry.path());
    }
  }
  for (const char* folder : {"conf", "examples", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
      if (entry.path().filename() == "README.md") found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Files with code that the build compiles, or that users of the headers compile.
inline std::vector<fs::path> sources() {
  std::vector<fs::path> found;
  for (const char* folder : {"bench", "examples", "include", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root() / folder)) {
      const fs::path kind = entry.path().extension();
      if (kind == ".cpp" || kind == ".hpp" || kind == ".cu" || kind == ".cuh") found.push_back(entry.path());
    }
  }
  return found;
}

}  // namespace documents

#endif
