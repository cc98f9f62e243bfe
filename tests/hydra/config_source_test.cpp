// Configuration files on disk: comments, packages, several roots, listings, broken files.
#include <hydra/composer.hpp>
#include <hydra/config_source.hpp>
#include <hydra/reference_tree.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace hydra = qgrain::hydra;
namespace fs = std::filesystem;
namespace json = boost::json;
using qgrain::test::sentence_of;

namespace {

// A folder below the build tree that is empty at the start of each test.
class conf_tree {
 public:
  explicit conf_tree(const std::string& name) : root_(fs::path(QGRAIN_BINARY_DIR) / "tests" / "conf_tree" / name) {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }

  conf_tree& write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
    return *this;
  }

  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

std::string composed(const hydra::config_source& source, const std::vector<std::string>& overrides) {
  return json::serialize(hydra::compose(source, "config", overrides, {}).config);
}

}  // namespace

BOOST_AUTO_TEST_CASE(files_hold_json_with_comments_trailing_commas_and_a_package) {
  conf_tree tree("comments");
  tree.write("config.json", R"(// the primary file
{
  "defaults": [
    {"model": "small"},  /* a group */
    {"preset": "fast"},
    "_self_",
  ],
  "seed": 7,
})");
  tree.write("model/small.json", R"({"layers": 6, "scale": 0.1})");
  tree.write("preset/fast.json", R"({"@package": "_global_", "model": {"layers": 2}})");
  const hydra::folder_source source({tree.root()});
  BOOST_TEST(composed(source, {}) == R"({"model":{"layers":2,"scale":1E-1},"seed":7})");
  BOOST_TEST(composed(source, {"~preset"}) == R"({"model":{"layers":6,"scale":1E-1},"seed":7})");
}

BOOST_AUTO_TEST_CASE(the_first_root_that_holds_a_path_counts) {
  conf_tree shipped("shipped"), user("user");
  shipped.write("config.json", R"({"defaults": [{"model": "small"}]})");
  shipped.write("model/small.json", R"({"from": "shipped"})").write("model/large.json", R"({"from": "shipped"})");
  user.write("model/small.json", R"({"from": "user"})").write("model/own.json", R"({"from": "user"})");
  const hydra::folder_source both({user.root(), shipped.root()}), reversed({shipped.root(), user.root()});
  BOOST_TEST(composed(both, {}) == R"({"model":{"from":"user"}})");
  BOOST_TEST(composed(reversed, {}) == R"({"model":{"from":"shipped"}})");
  BOOST_TEST(composed(both, {"model=large"}) == R"({"model":{"from":"shipped"}})");
  BOOST_TEST(hydra::choices(both, "model") == (std::vector<std::string>{"large", "own", "small"}));
}

BOOST_AUTO_TEST_CASE(groups_and_choices_are_listed_in_alphabetical_order) {
  conf_tree tree("listing");
  tree.write("config.json", "{}").write("b/two.json", "{}").write("b/one.json", "{}").write("b/deep/x.json", "{}");
  tree.write("a/y.json", "{}").write("a/notes.txt", "no configuration");
  const hydra::folder_source source({tree.root()});
  BOOST_TEST(hydra::groups(source) == (std::vector<std::string>{"a", "b", "b/deep"}));
  BOOST_TEST(hydra::choices(source, "b") == (std::vector<std::string>{"one", "two"}));
  BOOST_TEST(hydra::choices(source, "a") == (std::vector<std::string>{"y"}));
  BOOST_TEST(hydra::choices(source, "") == (std::vector<std::string>{"config"}));
  BOOST_TEST(hydra::choices(source, "c").empty());
  BOOST_TEST(hydra::is_group(source, "b/deep"));
  BOOST_TEST(!hydra::is_group(source, "b/one"));
}

BOOST_AUTO_TEST_CASE(broken_files_and_folders_are_named) {
  conf_tree tree("broken");
  tree.write("config.json", R"({"defaults": [{"model": "small"}]})");
  tree.write("model/small.json", "{\n  \"layers\": 6,\n  oops\n}");
  tree.write("model/packaged.json", R"({"@package": 7})");
  tree.write("model/listed.json", R"({"defaults": "small"})");
  const hydra::folder_source source({tree.root()});
  const auto model = [&](const std::string& name) { return (tree.root() / "model" / name).string(); };
  BOOST_TEST(
      sentence_of([&] { composed(source, {}); }).starts_with(model("small.json") + ": not valid JSON at line 3, "));
  BOOST_TEST(sentence_of([&] { composed(source, {"model=packaged"}); }) ==
             model("packaged.json") + ": \"@package\" is not a text");
  BOOST_TEST(sentence_of([&] { composed(source, {"model=listed"}); }) ==
             "config 'model/listed': \"defaults\" is not a list");
  BOOST_TEST(sentence_of([&] {
               hydra::folder_source({tree.root() / "absent"});
             }).starts_with("the configuration folder " + (tree.root() / "absent").string() + " cannot be read: "));
}
