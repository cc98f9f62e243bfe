// Code in the documents is code that is compiled: every paragraph of a C++ block stands, line by line, in an example or
// a test.
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <snippets/documents.hpp>
#include <string>
#include <vector>

namespace {

std::string without_indent(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

/// All sources that the build compiles, each line between two line ends.
std::string compiled_code() {
  std::string text = "\n";
  for (const documents::fs::path& path : documents::sources()) {
    const std::string folder = documents::fs::relative(path, documents::root()).begin()->string();
    if (folder != "examples" && folder != "tests") continue;
    for (const std::string& line : documents::lines_of(path)) text += without_indent(line) + '\n';
  }
  return text;
}

struct paragraph {
  std::string where;
  std::string text;
};

void add_paragraphs(const documents::fs::path& path, std::vector<paragraph>& all) {
  bool inside = false;
  std::string open;
  std::size_t first = 0;
  std::size_t number = 0;
  const auto close = [&] {
    if (!open.empty()) all.push_back({path.string() + ":" + std::to_string(first), "\n" + open});
    open.clear();
  };
  for (const std::string& text : documents::lines_of(path)) {
    const std::string line = without_indent(text);
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
  for (const documents::fs::path& path : documents::all()) add_paragraphs(path, paragraphs);
  BOOST_TEST(paragraphs.size() >= 5U);
  const std::string code = compiled_code();
  for (const paragraph& p : paragraphs) {
    BOOST_TEST((code.find(p.text) != std::string::npos), p.where << " is in no example and no test:" << p.text);
  }
  BOOST_TEST_MESSAGE(paragraphs.size() << " paragraphs of code looked up");
}
