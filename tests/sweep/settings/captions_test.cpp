#include <sweep/reference_json.hpp>
#include <sweep/settings/captions.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace qgrain::sweep;

BOOST_AUTO_TEST_CASE(lines) {
  const std::vector<std::string> wanted{"one", "two  words", "three"};
  BOOST_TEST(caption_lines("one\n\n  two  words\t\r\n \nthree") == wanted, boost::test_tools::per_element());
  BOOST_TEST(caption_lines("").empty());
  BOOST_TEST(caption_lines("\n \n\t").empty());
}

BOOST_AUTO_TEST_CASE(shipped_files_have_what_their_sizes_promise) {
  const auto file = [](const char* size) {
    return qgrain::test::source_path(std::string("examples/data/captions_") + size + ".txt");
  };
  BOOST_TEST(read_captions(file("small"), 16).size() == 16U);
  BOOST_TEST(read_captions(file("medium"), 128).size() == 128U);
  BOOST_TEST(read_captions(file("large"), 512).size() == 512U);
  auto five = read_captions(file("large"), 5);
  five.resize(3);
  BOOST_TEST(read_captions(file("large"), 3) == five, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(bad_input) {
  const auto sentence = [](const std::filesystem::path& path, std::int64_t count) {
    try {
      (void)read_captions(path, count);
    } catch (const qgrain::error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  const auto small = qgrain::test::source_path("examples/data/captions_small.txt");
  BOOST_TEST(sentence(small, 17).find("has 16 captions, but 17 are asked for") != std::string::npos);
  BOOST_TEST(sentence(small, 0).find("at least 1 caption") != std::string::npos);
  BOOST_TEST(sentence("no/such/file.txt", 1) == "no/such/file.txt: the file cannot be opened for reading");
  const auto empty = std::filesystem::path(QGRAIN_BINARY_DIR) / "captions_test_empty.txt";
  std::ofstream(empty) << "\n  \n";
  BOOST_TEST(sentence(empty, 1).find("every line is empty") != std::string::npos);
  std::filesystem::remove(empty);
}
