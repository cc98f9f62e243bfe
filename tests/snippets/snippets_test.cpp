// Code in the documents is code that is compiled: every paragraph of a C++ block in README.md and docs/ stands, line by
// line, in an example or a test.
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string without_indent(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::ifstream in(path);
  BOOST_REQUIRE_MESSAGE(in, path << " cannot be read");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(without_indent(line));
  return lines;
}

/// All sources that the build compiles, each line between two line ends.
std::string compiled_code() {
  std::string text = "\n";
  for (const char* folder : {"/examples", "/tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(std::string(QGRAIN_SOURCE_DIR) + folder)) {
      const fs::path kind = entry.path().extension();
      if (kind != ".cpp" && kind != ".cu" && kind != ".hpp") continue;
      for (const std::string& line : lines_of(entry.path())) text += line + '\n';
    }
  }
  return text;
}

struct paragraph {
  std::string where;
  std::string text;
};

void add_paragraphs(const fs::path& path, std::vector<paragraph>& all) {
  bool inside = false;
  std::string open;
  std::size_t first = 0;
  std::size_t number = 0;
  const auto close = [&] {
    if (!open.empty()) all.push_back({path.filename().string() + ":" + std::to_string(first), "\n" + open});
    open.clear();
  };
  for (const std::string& line : lines_of(path)) {
    ++number;
    if (line.starts_with("```")) {
      close();
      inside = !inside && (line == "```cpp" || line == "```cuda");
    } else if (inside && line.empty()) {
      close();
    } else if (inside) {
      if (open.empty()) first = number;
      open += line + '\n';
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(code_in_documents_is_compiled) {
  std::vector<paragraph> paragraphs;
  add_paragraphs(QGRAIN_SOURCE_DIR "/README.md", paragraphs);
  for (const auto& entry : fs::directory_iterator(QGRAIN_SOURCE_DIR "/docs")) {
    if (entry.path().extension() == ".md") add_paragraphs(entry.path(), paragraphs);
  }
  BOOST_TEST(paragraphs.size() >= 5U);
  const std::string code = compiled_code();
  for (const paragraph& p : paragraphs) {
    BOOST_TEST((code.find(p.text) != std::string::npos), p.where << " is in no example and no test:" << p.text);
  }
  BOOST_TEST_MESSAGE(paragraphs.size() << " paragraphs of code looked up");
}
