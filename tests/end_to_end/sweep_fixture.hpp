// What tests of the program qgrain-sweep share.
#ifndef QGRAIN_TESTS_END_TO_END_SWEEP_FIXTURE_HPP
#define QGRAIN_TESTS_END_TO_END_SWEEP_FIXTURE_HPP

#include <lm/lm_support.hpp>
#include <support/run_program.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace qgrain::testing {

/// Runs qgrain-sweep in a folder of its own.
struct sweep_fixture {
  lm::testing::temporary_folder folder;

  program_result run(const std::vector<std::string>& arguments) {
    return run_program("qgrain-sweep", arguments, folder.path());
  }
  [[nodiscard]] std::string path(const std::string& name) const { return (folder.path() / name).string(); }

  // Must exit with 1, name all `words` on standard error and leave no output folder behind.
  void refused(const std::vector<std::string>& arguments, const std::vector<std::string>& words) {
    std::vector<std::string> all = arguments;
    const bool has_folder =
        std::any_of(all.begin(), all.end(), [](const std::string& a) { return a.starts_with("runner.output_dir="); });
    if (!has_folder) all.push_back("runner.output_dir=" + path("out"));
    const program_result result = run(all);
    BOOST_TEST(result.exit_code == 1, arguments.back());
    for (const std::string& word : words)
      BOOST_TEST((result.err.find(word) != std::string::npos), result.err + " lacks " + word);
    BOOST_TEST(!std::filesystem::exists(path("out")));
  }
};

}  // namespace qgrain::testing

#endif
