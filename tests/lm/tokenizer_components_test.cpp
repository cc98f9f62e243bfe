// Tokenizers of other families than the embedded one against the tokenizers library: components one by one, and files
// of published models with 457 texts each.
#include <common/file.hpp>
#include <lm/lm_support.hpp>
#include <lm/tokenizer.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using namespace qgrain::lm;
using qgrain::common::read_json_file;
using qgrain::common::read_json_object;
using qgrain::lm::testing::temporary_folder;

fs::path data_dir() { return fs::path(QGRAIN_SOURCE_DIR) / "tests/data/lm"; }

// All but the one whose file is shipped with its texts.
constexpr const char* fetched[] = {"anthropic-2023", "deepseek-v4", "falcon",       "gemma-4",     "gpt-neox-20b-pii",
                                   "llama-3",        "mistral-v1",  "mistral-v3",   "olmo-dolma2", "phi-3",
                                   "qwen2",          "starcoder",   "tekken-240911"};

tokenizer loaded(const json::object& document) {
  const temporary_folder folder;
  std::ofstream(folder.path() / "tokenizer.json") << document;
  return tokenizer::load(folder.path() / "tokenizer.json");
}

// Whether ids and decoded text are as stored.
bool agrees(const tokenizer& subject, const std::string& text, const json::value& ids, const std::string& decoded) {
  const json::value found = json::value_from(subject.encode(text));
  const std::string found_text = subject.decode(json::value_to<token_ids>(ids));
  BOOST_TEST(found == ids, json::value(text) << " gives " << found << ", not " << ids);
  BOOST_TEST(found_text == decoded, ids << " gives " << json::value(found_text) << ", not " << json::value(decoded));
  return found == ids && found_text == decoded;
}

std::string decoded_text(const json::object& expected, const std::string& text, std::size_t i) {
  const json::value* other = expected.at("decoded").as_object().if_contains(std::to_string(i));
  return other != nullptr ? json::value_to<std::string>(*other)
                          : json::value_to<std::string>(expected.at("decoded_begins")) + text;
}

void check_family(const std::string& name, const tokenizer& subject) {
  const json::object expected = read_json_object(data_dir() / "tokenizers" / (name + ".json"));
  json::array texts = read_json_file(data_dir() / "tokenizers/texts.json").as_array();
  for (const json::value& text : expected.at("own_texts").as_array()) texts.push_back(text);
  const json::array& ids = expected.at("ids").as_array();
  BOOST_TEST_REQUIRE(texts.size() == ids.size());
  BOOST_TEST(texts.size() == 457U);
  int agreeing = 0;
  BOOST_TEST_CONTEXT(name) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto text = json::value_to<std::string>(texts[i]);
      agreeing += agrees(subject, text, ids[i], decoded_text(expected, text, i));
    }
  }
  BOOST_TEST_MESSAGE(name << ": " << agreeing << " of " << texts.size());
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = i; k < i + 3; ++k)
      group = group << 8U | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += i + k <= bytes.size() ? letters[group >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(components_of_other_families) {
  const json::object base = read_json_object(fs::path(QGRAIN_SOURCE_DIR) / "examples/models/tiny-qwen3/tokenizer.json");
  const json::object data = read_json_object(data_dir() / "tokenizer_components.json");
  int agreeing = 0;
  int total = 0;
  for (const json::value& variant : data.at("variants").as_array()) {
    json::object document = base;
    for (const auto& [key, value] : variant.at("replace").as_object()) document[key] = value;
    if (document["model"].is_string()) document["model"] = data.at("models").at(document["model"].as_string());
    const tokenizer subject = loaded(document);
    BOOST_TEST_CONTEXT("variant " << variant.at("name")) {
      for (const json::value& entry : variant.at("cases").as_array()) {
        const auto place = json::value_to<std::size_t>(entry.at(0));
        const auto text = json::value_to<std::string>(data.at("texts").as_array().at(place));
        agreeing += agrees(subject, text, entry.at(1), json::value_to<std::string>(entry.at(2)));
        ++total;
      }
    }
  }
  BOOST_TEST_MESSAGE("tokenizer_components.json: " << agreeing << " of " << total);
  BOOST_TEST(total == 1260);
}

// The table of characters lies beside the tokenizer, a quarter shorter than in base64.
BOOST_AUTO_TEST_CASE(a_unigram_model_with_a_table_of_characters) {
  json::object file = read_json_object(data_dir() / "tokenizers/botchan-unigram.tokenizer.json");
  json::value& table = file["normalizer"].at_pointer("/normalizers/0/precompiled_charsmap");
  table = base64(qgrain::common::read_text_file(data_dir() / "tokenizers" / json::value_to<std::string>(table)));
  check_family("botchan-unigram", loaded(file));
}

// scripts/try_tokenizers makes the files and names their folder.
BOOST_AUTO_TEST_CASE(tokenizers_made_of_packages) {
  const char* const folder = std::getenv("QGRAIN_TOKENIZERS");
  if (folder == nullptr) {
    BOOST_TEST_MESSAGE("left out: the files are not shipped; scripts/try_tokenizers makes them");
    return;
  }
  for (const char* name : fetched) check_family(name, tokenizer::load(fs::path(folder) / name / "tokenizer.json"));
}
