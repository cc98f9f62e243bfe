#include <sweep/reference_json.hpp>
#include <sweep/settings/dataset_texts.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace qgrain::sweep;

namespace {

template <class Action>
std::string sentence(const Action& action) {
  try {
    action();
  } catch (const qgrain::error& e) {
    return e.what();
  }
  return {};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(lines) {
  const std::vector<dataset_text> wanted{{"one", 1}, {"two  words", 3}, {"three", 5}};
  BOOST_TEST((lines_of("one\n\n  two  words\t\r\n \nthree") == wanted));
  BOOST_TEST(lines_of("").empty());
  BOOST_TEST(lines_of("\n \n\t").empty());
}

BOOST_AUTO_TEST_CASE(json_lines) {
  const std::vector<dataset_text> wanted{{"one\ntwo", 1}, {" \u00E9 ", 4}};
  const std::string content =
      "{\"text\": \"one\\ntwo\", \"n\": 1}\n\n{\"text\": \" \"}\r\n {\"text\": \" \\u00e9 \"} \n";
  BOOST_TEST((json_lines_of(content, "f", "text") == wanted));
  const auto refusal = [](const std::string& line) {
    return sentence([&] { (void)json_lines_of("{\"body\": \"x\"}\n" + line, "f.jsonl", "body"); });
  };
  BOOST_TEST(has(refusal("{\"body\": "), "f.jsonl, line 2: not valid JSON at line 1, column "));
  BOOST_TEST(refusal("{\"text\": \"x\"}") == "f.jsonl, line 2: body is missing");
  BOOST_TEST(refusal("{\"body\": 3}") == "f.jsonl, line 2: body must be a string, not 3");
  BOOST_TEST(has(refusal("[1]"), "f.jsonl, line 2: the document must be an object"));
}

BOOST_AUTO_TEST_CASE(shipped_files_have_what_their_sizes_promise) {
  const auto texts = [](const char* size, std::int64_t count) {
    const auto path = qgrain::test::source_path(std::string("examples/data/captions_") + size + ".txt");
    return read_dataset_texts(path, dataset_format::lines, "", count);
  };
  BOOST_TEST(texts("small", 16).size() == 16U);
  BOOST_TEST(texts("medium", 128).size() == 128U);
  BOOST_TEST(texts("large", 512).size() == 512U);
  auto five = texts("large", 5);
  five.resize(3);
  BOOST_TEST((texts("large", 3) == five));
}

BOOST_AUTO_TEST_CASE(formats_by_name) {
  for (const dataset_format format :
       {dataset_format::lines, dataset_format::json_lines, dataset_format::packed_text, dataset_format::token_ids})
    BOOST_TEST((dataset_format_from(name_of(format)) == format));
  BOOST_TEST(sentence([] { (void)dataset_format_from("json"); }) ==
             "dataset.format: no format is called json; there are lines, json_lines, packed_text, token_ids");
}

BOOST_AUTO_TEST_CASE(bad_input) {
  const auto refusal = [](const std::filesystem::path& path, std::int64_t count) {
    return sentence([&] { (void)read_dataset_texts(path, dataset_format::lines, "", count); });
  };
  const auto small = qgrain::test::source_path("examples/data/captions_small.txt");
  BOOST_TEST(has(refusal(small, 17), "has 16 captions, but 17 are asked for"));
  BOOST_TEST(has(refusal(small, 0), "at least 1"));
  BOOST_TEST(refusal("no/such/file.txt", 1) == "no/such/file.txt: the file cannot be opened for reading");
  const auto path = std::filesystem::path(QGRAIN_BINARY_DIR) / "dataset_texts_test.txt";
  const auto refusal_of = [&](std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
    return refusal(path, 1);
  };
  BOOST_TEST(has(refusal_of("\n  \n"), "has no captions: every line is empty"));
  BOOST_TEST(has(refusal_of(""), "dataset_texts_test.txt: the file is empty"));
  BOOST_TEST(has(refusal_of(std::string_view("abc\0d", 5)), "byte 3 is 0: this is no text"));
  std::filesystem::remove(path);
}
