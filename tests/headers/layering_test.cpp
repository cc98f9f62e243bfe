// The order of the stages, the size of the headers and their include guards, read from the sources.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>
#include <vector>

namespace {

const std::filesystem::path root = std::filesystem::path(QGRAIN_SOURCE_DIR) / "include" / "qgrain";

/// Stages in reading order. Equal numbers are alternatives that do not see each other.
const std::map<std::string, int> stages = {{"core", 0},      {"format", 1},      {"scale", 2},       {"granularity", 3},
                                           {"quantizer", 4}, {"host", 5},        {"cuda", 5},        {"layout", 6},
                                           {"interop", 7},   {"calibration", 8}, {"sensitivity", 9}, {"search", 10}};

struct header {
  std::filesystem::path path;  // below include/qgrain
  std::vector<std::string> lines;
};

std::vector<header> headers() {
  std::vector<header> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    header h{std::filesystem::relative(entry.path(), root), {}};
    std::ifstream stream(entry.path());
    for (std::string line; std::getline(stream, line);) h.lines.push_back(line);
    all.push_back(h);
  }
  return all;
}

std::string stage_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.begin()->string() : std::string();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_stage_includes_only_earlier_stages_and_core) {
  const std::regex include(R"(^\s*#\s*include\s*[<"]qgrain/([^>"]+)[>"])");
  std::size_t includes = 0;
  for (const header& h : headers()) {
    const std::string own = stage_of(h.path);
    if (own.empty()) continue;  // umbrellas and the version see everything
    BOOST_TEST_REQUIRE(stages.contains(own), h.path << ": unknown stage");
    for (const std::string& line : h.lines) {
      std::smatch match;
      if (!std::regex_search(line, match, include)) continue;
      const std::string other = stage_of(match[1].str());
      if (other.empty()) continue;
      BOOST_TEST_REQUIRE(stages.contains(other), h.path << " includes an unknown stage: " << line);
      BOOST_TEST((other == own || stages.at(other) < stages.at(own)), h.path << " reaches forward: " << line);
      ++includes;
    }
  }
  BOOST_TEST_MESSAGE(includes << " includes between headers");
  BOOST_TEST(includes > 50U);
}

BOOST_AUTO_TEST_CASE(headers_are_small) {
  for (const header& h : headers()) {
    const bool detail = h.path.string().find("detail/") != std::string::npos;
    BOOST_TEST(h.lines.size() < (detail ? 800U : 400U), h.path << " has " << h.lines.size() << " lines");
  }
}

BOOST_AUTO_TEST_CASE(guards_spell_the_path_and_the_first_line_says_what_it_is) {
  for (const header& h : headers()) {
    std::string guard = "QGRAIN_" + h.path.string();
    std::transform(guard.begin(), guard.end(), guard.begin(), [](char c) {
      return c == '/' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    BOOST_TEST_REQUIRE(h.lines.size() > 3U);
    BOOST_TEST(h.lines.at(0).starts_with("// "), h.path << " does not begin with a sentence about itself");
    const auto has = [&](const std::string& line) {
      return std::find(h.lines.begin(), h.lines.end(), line) != h.lines.end();
    };
    BOOST_TEST(has("#ifndef " + guard), h.path << " lacks the guard " << guard);
  }
}
