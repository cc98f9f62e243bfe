// Feeds every file of the kept corpus to its target, without a fuzzer: what was found once stays mended.
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <fuzz/fuzz.hpp>
#include <iterator>

namespace {

namespace fs = std::filesystem;

std::vector<std::uint8_t> bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_corpus_file_is_read_or_refused) {
  const fs::path corpus = fs::path(QGRAIN_SOURCE_DIR) / "tests/fuzz/corpus";
  for (const qgrain::fuzz::target& target : qgrain::fuzz::targets()) {
    target.run({});
    std::size_t files = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(corpus / target.name)) {
      BOOST_TEST_CONTEXT(entry.path().string()) { BOOST_CHECK_NO_THROW(target.run(bytes_of(entry.path()))); }
      ++files;
    }
    BOOST_CHECK_MESSAGE(files > 0, target.name << " has no corpus");
  }
}

BOOST_AUTO_TEST_CASE(every_corpus_folder_has_its_target_and_all_are_small) {
  std::uintmax_t total = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(QGRAIN_SOURCE_DIR) / "tests/fuzz/corpus")) {
    if (entry.is_regular_file()) total += entry.file_size();
    if (!entry.is_directory()) continue;
    const auto& all = qgrain::fuzz::targets();
    const bool known =
        std::any_of(all.begin(), all.end(), [&](const auto& t) { return t.name == entry.path().filename(); });
    BOOST_CHECK_MESSAGE(known, entry.path() << " belongs to no target");
  }
  BOOST_TEST(total < 1'000'000U);
}
