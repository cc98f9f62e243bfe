// What the documents point at exists: linked files, paths, names of headers and tests. Every page of docs/ can be
// reached from its README.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <regex>
#include <set>
#include <snippets/documents.hpp>
#include <string>
#include <vector>

namespace {

namespace fs = documents::fs;

/// Calls `visit(line, match)` for every match in a document.
template <class Visitor>
void for_each_match(const fs::path& path, const std::regex& wanted, Visitor visit) {
  std::size_t number = 0;
  for (const std::string& line : documents::lines_of(path)) {
    ++number;
    const std::string where = fs::relative(path, documents::root()).string() + ":" + std::to_string(number);
    for (std::sregex_iterator at(line.begin(), line.end(), wanted), end; at != end; ++at) visit(where, *at);
  }
}

/// Targets of Markdown links and images that are files: no addresses, without a part of a page.
std::vector<fs::path> linked_files(const fs::path& path) {
  const std::regex link(R"(\]\(([^)#]+)(#[^)]*)?\))");
  std::vector<fs::path> found;
  for_each_match(path, link, [&](const std::string&, const std::smatch& match) {
    const std::string target = match[1].str();
    if (target.find("://") == std::string::npos) found.push_back((path.parent_path() / target).lexically_normal());
  });
  return found;
}

/// Names that a document may use for a source: its path from the root, or the end of that path from some folder on.
class source_names {
 public:
  source_names() {
    for (const fs::path& path : documents::sources())
      paths_.push_back("/" + fs::relative(path, documents::root()).string());
  }

  [[nodiscard]] bool has(const std::string& name) const {
    const std::string end = "/" + name;
    return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& path) { return path.ends_with(end); });
  }

  [[nodiscard]] bool has_program(const std::string& name) const { return has(name + ".cpp") || has(name + ".cu"); }

 private:
  std::vector<std::string> paths_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(every_page_is_linked_from_the_readme_of_docs) {
  const fs::path readme = documents::root() / "docs" / "README.md";
  const std::vector<fs::path> linked = linked_files(readme);
  for (const auto& entry : fs::directory_iterator(documents::root() / "docs")) {
    const fs::path page = entry.path();
    if (page.extension() != ".md" || page == readme) continue;
    BOOST_TEST(std::count(linked.begin(), linked.end(), page.lexically_normal()) == 1,
               page << " is not linked once from docs/README.md");
  }
  const std::vector<fs::path> first = linked_files(documents::root() / "README.md");
  BOOST_TEST(std::count(first.begin(), first.end(), readme.lexically_normal()) >= 1, "README.md does not link docs");
}

BOOST_AUTO_TEST_CASE(linked_files_exist) {
  std::size_t links = 0;
  for (const fs::path& document : documents::all()) {
    for (const fs::path& file : linked_files(document)) {
      BOOST_TEST(fs::exists(file), document << " links " << file << ", which does not exist");
      ++links;
    }
  }
  BOOST_TEST_MESSAGE(links << " links followed");
  BOOST_TEST(links >= 60U);
}

// Wherever they stand: in backticks, commands or prose.
BOOST_AUTO_TEST_CASE(paths_of_the_repository_exist) {
  const std::regex path(R"((^|[^\w/.-])((bench|cmake|conf|docs|examples|include|scripts|tests)/[\w./*-]*))");
  const std::set<std::string> elsewhere{"scripts/qwen/qwen3_lm_sensitivity.py"};  // the Python driver's
  std::size_t paths = 0;
  for (const fs::path& document : documents::all()) {
    for_each_match(document, path, [&](const std::string& where, const std::smatch& match) {
      std::string name = match[2].str();
      if (elsewhere.contains(name)) return;
      name = name.substr(0, name.find('*'));  // of a pattern, the folder
      if (name.ends_with('.')) name.pop_back();
      BOOST_TEST(fs::exists(documents::root() / name), where << ": " << match[2].str() << " does not exist");
      ++paths;
    });
  }
  BOOST_TEST_MESSAGE(paths << " paths looked up");
  BOOST_TEST(paths >= 50U);
}

BOOST_AUTO_TEST_CASE(headers_tests_and_benchmarks_that_are_named_exist) {
  const source_names sources;
  const std::regex file(R"(`([\w/]+\.(hpp|cuh|cpp|cu))`)");
  const std::regex program(R"(`([a-z0-9_]+_(test|bench))`)");
  std::size_t names = 0;
  for (const fs::path& document : documents::all()) {
    for_each_match(document, file, [&](const std::string& where, const std::smatch& match) {
      BOOST_TEST(sources.has(match[1].str()), where << ": there is no " << match[1].str());
      ++names;
    });
    for_each_match(document, program, [&](const std::string& where, const std::smatch& match) {
      BOOST_TEST(sources.has_program(match[1].str()), where << ": there is no " << match[1].str());
      ++names;
    });
  }
  BOOST_TEST_MESSAGE(names << " names looked up");
  BOOST_TEST(names >= 100U);
}
