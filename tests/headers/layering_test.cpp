// The order of the folders of include/ and examples/, the size of the files and their include guards, read from the
// sources.
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct source {
  fs::path path;  // below the root of its tree
  std::vector<std::string> lines;
};

/// Two folders may see each other's headers only where `ranks` puts them in order: a folder includes itself and folders
/// of a lower rank. Folders of equal rank are alternatives that do not see each other.
struct tree {
  std::string root;    // below the repository
  std::string prefix;  // of its includes
  std::map<std::string, int> ranks;
  std::map<std::string, std::vector<std::string>> unseen;  // folders that a folder must not include despite its rank
};

const tree library{
    "include/qgrain",
    "qgrain/",
    {{"core", 0},
     {"format", 1},
     {"scale", 2},
     {"granularity", 3},
     {"layout", 4},
     {"quantizer", 5},
     {"host", 6},
     {"cuda", 6},
     {"interop", 7},
     {"calibration", 8},
     {"sensitivity", 9},
     {"search", 10}},
    {},
};

// common < recipes < lm < engine < sweep, common < hydra < sweep, lm < quantize < export < sweep/run; programs see all,
// nobody sees them.
const tree examples{
    "examples",
    "",
    {{"common", 0},
     {"recipes", 1},
     {"lm", 2},
     {"engine/score", 3},
     {"engine/calibrate", 3},
     {"engine/measure", 3},
     {"engine/mix", 3},
     {"hydra", 3},
     {"sweep/formats", 4},
     {"sweep/layers", 5},
     {"sweep/search", 6},
     {"sweep/settings", 7},
     {"sweep/results", 8},
     {"sweep/summary", 9},
     {"sweep/run", 10},
     {"quantize", 4},
     {"export", 5},
     {"programs", 11}},
    // The driver's tables, reports and settings know neither the model nor the engine; composing knows nothing but
    // files.
    {{"hydra", {"recipes", "lm"}},
     {"export", {"hydra", "sweep/formats"}},
     {"quantize", {"hydra", "engine/score", "engine/calibrate", "engine/measure", "engine/mix"}},
     {"sweep/formats", {"lm", "hydra"}},
     {"sweep/layers", {"lm", "hydra", "export"}},
     {"sweep/search", {"lm", "hydra", "export"}},
     {"sweep/settings", {"lm", "export"}},
     {"sweep/results", {"lm", "export"}},
     {"sweep/summary", {"lm", "export"}}},
};

bool is_header(const fs::path& path) { return path.extension() == ".hpp" || path.extension() == ".cuh"; }

std::vector<source> sources_of(const tree& t) {
  const fs::path root = fs::path(QGRAIN_SOURCE_DIR) / t.root;
  std::vector<source> all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const fs::path path = entry.path();
    if (!entry.is_regular_file() || (!is_header(path) && path.extension() != ".cpp")) continue;
    source s{fs::relative(path, root), {}};
    std::ifstream stream(path);
    for (std::string line; std::getline(stream, line);) s.lines.push_back(line);
    all.push_back(s);
  }
  return all;
}

/// The folder of `ranks` that holds a path: the longest one. "" for files beside the folders (umbrellas, numbered
/// examples), which see everything.
std::string folder_of(const tree& t, const fs::path& path) {
  std::string best;
  for (const auto& entry : t.ranks) {
    if (path.string().starts_with(entry.first + '/') && entry.first.size() > best.size()) best = entry.first;
  }
  return best;
}

void check_order(const tree& t, std::size_t least) {
  const std::regex include(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::size_t includes = 0;
  for (const source& s : sources_of(t)) {
    const std::string own = folder_of(t, s.path);
    BOOST_TEST_REQUIRE((!own.empty() || !s.path.has_parent_path()), s.path << " lies in no folder of the order");
    for (const std::string& line : s.lines) {
      std::smatch match;
      if (own.empty() || !std::regex_search(line, match, include)) continue;
      const std::string name = match[1].str();
      BOOST_TEST(line.find('"') == std::string::npos, s.path << ": includes name the path from the root: " << line);
      if (!name.starts_with(t.prefix)) continue;
      const std::string other = folder_of(t, name.substr(t.prefix.size()));
      if (other.empty()) continue;
      const bool engine = own.starts_with("engine/") && other.starts_with("engine/");
      BOOST_TEST((other == own || engine || t.ranks.at(other) < t.ranks.at(own)),
                 s.path << " reaches forward: " << line);
      const auto hidden = t.unseen.find(own);
      if (hidden != t.unseen.end()) {
        const bool is_hidden = std::find(hidden->second.begin(), hidden->second.end(), other) != hidden->second.end();
        BOOST_TEST(!is_hidden, s.path << " reaches aside: " << line);
      }
      ++includes;
    }
  }
  BOOST_TEST_MESSAGE(includes << " includes within " << t.root);
  BOOST_TEST(includes > least);
}

void check_guards(const tree& t) {
  for (const source& s : sources_of(t)) {
    if (!is_header(s.path)) continue;
    std::string guard = "QGRAIN_" + s.path.string();
    std::transform(guard.begin(), guard.end(), guard.begin(), [](char c) {
      return c == '/' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    BOOST_TEST_REQUIRE(s.lines.size() > 3U);
    BOOST_TEST(s.lines.at(0).starts_with("// "), s.path << " does not begin with a sentence about itself");
    const bool guarded = std::find(s.lines.begin(), s.lines.end(), "#ifndef " + guard) != s.lines.end();
    BOOST_TEST(guarded, s.path << " lacks the guard " << guard);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_stage_of_the_library_includes_only_earlier_stages_and_core) { check_order(library, 50); }

BOOST_AUTO_TEST_CASE(a_folder_of_the_examples_includes_only_earlier_folders) { check_order(examples, 500); }

// qgrain.hpp is everything for the host: each public header stands in it or in host.hpp, which it includes. Left out
// are those that need other packages, that instantiate every recipe, that are for kernels, or that only others include.
BOOST_AUTO_TEST_CASE(the_umbrella_has_every_stage) {
  const std::set<std::string> left_out{"interop/eigen.hpp",
                                       "interop/json.hpp",
                                       "host/fake_recipes.hpp",
                                       "host/find_recipe.hpp",
                                       "core/config.hpp",
                                       "core/short_name.hpp",
                                       "host.hpp",
                                       "qgrain.hpp"};
  std::set<std::string> included;
  const std::regex include(R"(^#include <qgrain/(.+)>$)");
  for (const source& s : sources_of(library)) {
    if (s.path != "qgrain.hpp" && s.path != "host.hpp") continue;
    for (const std::string& line : s.lines) {
      std::smatch match;
      if (std::regex_match(line, match, include)) {
        BOOST_TEST((match[1] == "host.hpp" || included.insert(match[1]).second), match[1] << " is included twice");
      }
    }
  }
  std::size_t found = 0;
  for (const source& s : sources_of(library)) {
    const std::string name = s.path.string();
    if (!is_header(s.path) || name.ends_with(".cuh") || name.starts_with("cuda/") || left_out.contains(name)) continue;
    if (name.find("detail/") != std::string::npos) continue;
    BOOST_TEST(included.contains(name), name << " is in neither umbrella");
    ++found;
  }
  BOOST_TEST(found == included.size());
}

// Configurations are read once, into typed settings; what reads them by key stays in one folder, as does what reads
// manifests.
BOOST_AUTO_TEST_CASE(only_the_settings_ask_a_configuration_for_a_key) {
  struct reader {
    std::string header;
    std::vector<std::string> users;  // folders or files that may include it
  };
  const std::vector<reader> readers{
      {"sweep/settings/config_access.hpp", {"sweep/settings/"}},
      {"sweep/results/manifest_access.hpp", {"sweep/results/", "sweep/summary/"}},
      {"common/dotted_keys.hpp",
       {"common/dotted_keys.", "sweep/settings/config_access.", "sweep/results/manifest_access."}}};
  const std::vector<source> sources = sources_of(examples);
  for (const reader& r : readers) {
    std::size_t uses = 0;
    for (const source& s : sources) {
      if (std::find(s.lines.begin(), s.lines.end(), "#include <" + r.header + ">") == s.lines.end()) continue;
      ++uses;
      const bool may = std::any_of(r.users.begin(), r.users.end(),
                                   [&](const std::string& user) { return s.path.string().starts_with(user); });
      BOOST_TEST(may, s.path << " includes " << r.header);
    }
    BOOST_TEST(uses > 0U);
  }
}

BOOST_AUTO_TEST_CASE(files_are_small) {
  for (const source& s : sources_of(library)) {
    const bool detail = s.path.string().find("detail/") != std::string::npos;
    BOOST_TEST(s.lines.size() < (detail ? 800U : 400U), s.path << " has " << s.lines.size() << " lines");
  }
  for (const source& s : sources_of(examples))
    BOOST_TEST(s.lines.size() <= 400U, s.path << " has " << s.lines.size() << " lines");
}

BOOST_AUTO_TEST_CASE(guards_spell_the_path_and_the_first_line_says_what_it_is) {
  check_guards(library);
  check_guards(examples);
}
