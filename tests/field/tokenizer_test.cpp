// Rows 10, 11, 14, 23 and 26 of tests/data/field: tokenizer files against the tokenizers library.
#include <lm/lm_support.hpp>
#include <lm/tokenizer.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;

// Not a variable: the order in which it and source_dir would be initialized is not that of all compilers.
fs::path field_dir() { return source_dir / "tests/data/field"; }

void check_folder(const std::string& name) {
  const tokenizer t = tokenizer::load(field_dir() / name / "tokenizer.json");
  const json::array texts = qgrain::common::read_json_file(field_dir() / name / "texts.json").as_array();
  const json::array wanted = qgrain::common::read_json_file(field_dir() / name / "ids.json").as_array();
  BOOST_TEST_REQUIRE(texts.size() == wanted.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const json::value ids = json::value_from(t.encode(std::string_view(texts[i].as_string())));
    BOOST_TEST(ids == wanted[i], name << ": " << texts[i] << " gives " << ids << ", not " << wanted[i]);
  }
}

// The tiny model's tokenizer.json, changed, in a folder of its own.
class tokenizer_folder {
 public:
  template <class Change>
  explicit tokenizer_folder(const Change& change) {
    json::value file = qgrain::common::read_json_file(model_dir / "tokenizer.json");
    change(file.as_object());
    std::ofstream(folder_.path() / "tokenizer.json") << file;
  }
  void add_config(const json::value& config) const {
    std::ofstream(folder_.path() / "tokenizer_config.json") << config;
  }
  [[nodiscard]] tokenizer load() const { return tokenizer::load(folder_.path() / "tokenizer.json"); }

 private:
  temporary_folder folder_;
};

const auto as_it_is = [](json::object&) {};

}  // namespace

BOOST_AUTO_TEST_CASE(row_10_patterns) {
  for (const char* name : {"regex/word", "regex/boundary", "regex/vertical_tab", "regex/dotall"}) check_folder(name);
}

BOOST_AUTO_TEST_CASE(row_11_added_tokens_that_take_the_same_space) { check_folder("added_tokens_overlap"); }

BOOST_AUTO_TEST_CASE(row_14_classes_that_add_the_beginning) {
  const tokenizer_folder folder(as_it_is);
  const auto ids_with = [&](const json::value& config) {
    folder.add_config(config);
    return folder.load().encode("A man");
  };
  const token_ids plain{32, 457};
  const token_ids begun{1021, 32, 457};
  const token_ids framed{1021, 32, 457, 1023};
  const auto expect = [&](const json::value& config, const token_ids& wanted) {
    const token_ids found = ids_with(config);
    BOOST_TEST(found == wanted, boost::test_tools::per_element());
  };
  expect({{"tokenizer_class", "LlamaTokenizerFast"}, {"add_bos_token", true}, {"bos_token", "<|endoftext|>"}}, begun);
  expect({{"tokenizer_class", "LlamaTokenizer"}, {"bos_token", {{"content", "<|endoftext|>"}}}}, begun);
  expect({{"tokenizer_class", "LlamaTokenizerFast"}, {"add_bos_token", false}, {"bos_token", "<|endoftext|>"}}, plain);
  expect({{"tokenizer_class", "GemmaTokenizerFast"},
          {"add_eos_token", true},
          {"bos_token", "<|endoftext|>"},
          {"eos_token", "<|im_end|>"}},
         framed);
  expect({{"tokenizer_class", "PreTrainedTokenizerFast"}, {"bos_token", "<|endoftext|>"}}, plain);
  expect_error(errc::bad_file, {"tokenizer_config.json: bos_token", "token of the vocabulary", "<s>"}, [&] {
    (void)ids_with({{"tokenizer_class", "LlamaTokenizerFast"}, {"bos_token", "<s>"}});
  });
  expect_error(errc::bad_file, {"tokenizer_config.json: bos_token is missing"}, [&] {
    (void)ids_with({{"tokenizer_class", "LlamaTokenizerFast"}});
  });
}

BOOST_AUTO_TEST_CASE(row_23_a_file_without_a_decoder) {
  const tokenizer_folder folder([](json::object& t) { t["decoder"] = nullptr; });
  const token_ids wanted{32, 457};
  BOOST_TEST(folder.load().encode("A man") == wanted, boost::test_tools::per_element());
  BOOST_TEST(folder.load().decode(wanted) == "A \u0120man");  // tokens with spaces between, as the library gives
}

BOOST_AUTO_TEST_CASE(row_26_added_ids_with_a_gap_and_cut_texts) {
  const json::value entry{{"content", "AAA"}, {"id", 1040},          {"single_word", false}, {"lstrip", false},
                          {"rstrip", false},  {"normalized", false}, {"special", false}};
  const tokenizer_folder gap([&](json::object& t) {
    json::object second = entry.as_object();
    second["content"] = "BBB";
    second["id"] = 1030;
    t["added_tokens"].as_array().push_back(entry);
    t["added_tokens"].as_array().push_back(second);
  });
  // Ids of tokenizers 0.22.1.
  const token_ids wanted{1024, 220, 1025};
  BOOST_TEST(gap.load().encode("AAA BBB") == wanted, boost::test_tools::per_element());
  BOOST_TEST(gap.load().decode(wanted) == "AAA BBB");
  const tokenizer_folder cut([](json::object& t) { t["truncation"] = {{"max_length", 2}}; });
  expect_error(errc::unsupported, {"tokenizer.json: truncation"}, [&] { (void)cut.load(); });
  const tokenizer_folder padded([](json::object& t) { t["padding"] = {{"strategy", {{"Fixed", 8}}}, {"pad_id", 0}}; });
  expect_error(errc::unsupported, {"tokenizer.json: padding"}, [&] { (void)padded.load(); });
  const tokenizer_folder longest([](json::object& t) { t["padding"] = {{"strategy", "BatchLongest"}, {"pad_id", 0}}; });
  BOOST_CHECK_NO_THROW((void)longest.load());
}
