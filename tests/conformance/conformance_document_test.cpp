// docs/conformance.md accounts for every vector file, and for every case of it.
#include <support/vector_file.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  BOOST_REQUIRE_MESSAGE(in, path << " cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string trimmed(const std::string& cell) {
  const auto first = cell.find_first_not_of(" `");
  return first == std::string::npos ? "" : cell.substr(first, cell.find_last_not_of(" `") - first + 1);
}

struct row {
  std::size_t cases = 0;
  std::array<std::size_t, 4> marks{};  // equal, decode, defect, inputs
  std::string test;
};

std::map<std::string, row> rows_of(const std::string& document) {
  std::map<std::string, row> rows;
  std::istringstream lines(document);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(1));
    for (std::string cell; std::getline(parts, cell, '|');) cells.push_back(trimmed(cell));
    BOOST_REQUIRE_MESSAGE(cells.size() == 8, line);
    row read{std::stoul(cells[1]), {}, cells[6]};
    for (std::size_t i = 0; i < read.marks.size(); ++i) read.marks[i] = std::stoul(cells[2 + i]);
    BOOST_TEST(rows.emplace(cells[0], read).second, cells[0] << " is listed twice");
  }
  return rows;
}

/// The source of a test, the only file of its name, with the support that tests share.
std::string source_of(const std::string& test) {
  std::string text;
  bool found = false;
  for (const auto& entry : fs::recursive_directory_iterator(QGRAIN_SOURCE_DIR "/tests")) {
    const bool wanted = entry.path().filename() == test + ".cpp";
    if (wanted || entry.path().parent_path().filename() == "support") text += text_of(entry.path());
    found = found || wanted;
  }
  BOOST_REQUIRE_MESSAGE(found, "there is no " << test << ".cpp");
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_file_and_case_is_accounted_for) {
  const std::string document = text_of(QGRAIN_SOURCE_DIR "/docs/conformance.md");
  const auto rows = rows_of(document);
  std::size_t files = 0;
  row sum;
  for (const auto& entry : fs::directory_iterator(QGRAIN_SOURCE_DIR "/tests/data/vectors")) {
    if (entry.path().extension() != ".safetensors") continue;
    ++files;
    const std::string name = entry.path().stem().string();
    BOOST_REQUIRE_MESSAGE(rows.contains(name), name << " is not in docs/conformance.md");
    const row& listed = rows.at(name);
    BOOST_TEST(qgrain_test::vector_file(name).cases().size() == listed.cases, name);
    BOOST_TEST(listed.marks[0] + listed.marks[1] + listed.marks[2] + listed.marks[3] == listed.cases, name);
    BOOST_TEST(source_of(listed.test).find('"' + name + '"') != std::string::npos,
               listed.test << " does not name " << name);
    sum.cases += listed.cases;
    for (std::size_t i = 0; i < sum.marks.size(); ++i) sum.marks[i] += listed.marks[i];
  }
  BOOST_TEST(files == 63U);
  BOOST_TEST(rows.size() == files);
  BOOST_TEST(sum.marks[1] == 8U);  // decode
  BOOST_TEST(sum.marks[2] == 4U);  // defect
  std::ostringstream total;
  total << "In all: " << sum.cases << " cases, " << sum.marks[0] << " equal, " << sum.marks[1] << " decode, "
        << sum.marks[2] << " defect, " << sum.marks[3] << " inputs.";
  BOOST_TEST_MESSAGE(total.str());
  BOOST_TEST(document.find(total.str()) != std::string::npos, "the document does not say: " << total.str());
}
