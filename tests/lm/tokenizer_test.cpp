// Encoding and decoding against Hugging Face tokenizers, against the definition of BPE, and on bad input.
#include <lm/tokenizer.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace json = boost::json;
using qgrain::errc;
using qgrain::lm::tokenizer;
using ids_type = std::vector<std::int32_t>;

const std::filesystem::path source_dir = QGRAIN_SOURCE_DIR;
const std::filesystem::path base_file = source_dir / "examples/models/tiny-qwen3/tokenizer.json";
const std::filesystem::path data_dir = source_dir / "tests/data/lm";

json::value read_json(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  BOOST_REQUIRE_MESSAGE(stream.is_open(), file);
  return json::parse(std::string{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()});
}

const tokenizer& base() {
  static const tokenizer loaded = tokenizer::load(base_file);
  return loaded;
}

const json::object& base_document() {
  static const json::value document = read_json(base_file);
  return document.get_object();
}

/// A file that is removed with the object.
class temporary_file {
 public:
  explicit temporary_file(std::string_view text) : path_(unused_path()) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  static std::filesystem::path unused_path() {
    static std::random_device entropy;
    return std::filesystem::temp_directory_path() / ("qgrain_tokenizer_" + std::to_string(entropy()) + ".json");
  }
  std::filesystem::path path_;
};

tokenizer load_document(const json::value& document) {
  const temporary_file file(json::serialize(document));
  return tokenizer::load(file.path());
}

std::string as_string(const json::value& value) { return std::string(value.as_string()); }
ids_type as_ids(const json::value& value) { return json::value_to<ids_type>(value); }

std::string show(const ids_type& ids) { return json::serialize(json::value_from(ids)); }

/// One case of a table; true if ids and decoded text are as stored.
bool agrees(const tokenizer& subject, const std::string& text, const ids_type& ids, const std::string& decoded) {
  const ids_type found = subject.encode(text);
  BOOST_TEST_CONTEXT("text " << json::serialize(json::value(text))) {
    BOOST_CHECK_MESSAGE(found == ids, "ids " + show(found) + ", expected " + show(ids));
    BOOST_CHECK_EQUAL(subject.decode(ids), decoded);
  }
  return found == ids && subject.decode(ids) == decoded;
}

void report(const std::string& table, int agreeing, int total, int expected_total) {
  BOOST_TEST_MESSAGE(table << ": " << agreeing << " of " << total);
  BOOST_CHECK_EQUAL(agreeing, total);
  BOOST_CHECK_EQUAL(total, expected_total);
}

std::string to_utf8(const icu::UnicodeString& text) {
  std::string utf8;
  text.toUTF8String(utf8);
  return utf8;
}

std::string nfc(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::UnicodeString normalized =
      icu::Normalizer2::getNFCInstance(status)->normalize(icu::UnicodeString::fromUTF8(text), status);
  BOOST_REQUIRE(U_SUCCESS(status));
  return to_utf8(normalized);
}

/// Any assigned or unassigned code point but surrogates; half of them from the blocks that texts are made of.
std::string random_unicode(std::mt19937& random, int length) {
  std::uniform_int_distribution<UChar32> common(0, 0x3000);
  std::uniform_int_distribution<UChar32> any(0, 0x10FFFF);
  icu::UnicodeString text;
  while (text.countChar32() < length) {
    const UChar32 code_point = random() % 2 == 0 ? common(random) : any(random);
    if (u_charType(code_point) != U_SURROGATE) text.append(code_point);
  }
  return to_utf8(text);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(reference)

BOOST_AUTO_TEST_CASE(the_embedded_tokenizer_agrees_on_every_case) {
  const json::value document = read_json(data_dir / "tokenizer_cases.json");
  int agreeing = 0;
  int total = 0;
  for (const json::value& entry : document.at("cases").as_array()) {
    ++total;
    agreeing += agrees(base(), as_string(entry.at("text")), as_ids(entry.at("ids")), as_string(entry.at("decoded")));
  }
  report("tokenizer_cases.json", agreeing, total, 391);
}

namespace {

/// The embedded tokenizer.json with the replacements of a variant. Its merges are stored as what changed: "strings" for
/// the older spelling, or how many of the first are kept.
json::value variant_document(const json::value& variant) {
  json::object document = base_document();
  for (const auto& [key, value] : variant.at("replace").as_object()) document[key] = value;
  json::object& model = document["model"].as_object();
  for (const auto& [key, value] : variant.at("replace_in_model").as_object()) {
    if (key != "merges") {
      model[key] = value;
    } else if (value.is_string()) {
      for (json::value& merge : model["merges"].as_array()) {
        merge = as_string(merge.at(0)) + " " + as_string(merge.at(1));
      }
    } else {
      model["merges"].as_array().resize(json::value_to<std::size_t>(value));
    }
  }
  return document;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_component_agrees_on_variants_of_the_file) {
  const json::value document = read_json(data_dir / "tokenizer_variants.json");
  int agreeing = 0;
  int total = 0;
  for (const json::value& variant : document.at("variants").as_array()) {
    BOOST_TEST_CONTEXT("variant " << variant.at("name")) {
      const tokenizer subject = load_document(variant_document(variant));
      for (const json::value& entry : variant.at("cases").as_array()) {
        ++total;
        agreeing += agrees(subject, as_string(entry.at(0)), as_ids(entry.at(1)), as_string(entry.at(2)));
      }
    }
  }
  report("tokenizer_variants.json", agreeing, total, 1326);
}

BOOST_AUTO_TEST_CASE(arbitrary_ids_decode_to_the_same_repaired_text) {
  const json::value document = read_json(data_dir / "tokenizer_variants.json");
  int agreeing = 0;
  int total = 0;
  for (const json::value& entry : document.at("decodes").as_array()) {
    ++total;
    const std::string decoded = base().decode(as_ids(entry.at(0)));
    BOOST_CHECK_EQUAL(decoded, as_string(entry.at(1)));
    agreeing += decoded == as_string(entry.at(1));
  }
  report("decodes", agreeing, total, 200);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(definition)

namespace {

/// BPE as defined: while some neighbours form a trained pair, merge the earliest trained, at its leftmost place.
std::vector<std::string> merge_by_definition(std::vector<std::string> symbols) {
  static const std::map<std::pair<std::string, std::string>, int> ranks = [] {
    std::map<std::pair<std::string, std::string>, int> result;
    for (const json::value& merge : base_document().at("model").at("merges").as_array()) {
      result.emplace(std::pair(as_string(merge.at(0)), as_string(merge.at(1))), static_cast<int>(result.size()));
    }
    return result;
  }();
  while (true) {
    int best_rank = std::numeric_limits<int>::max();
    std::size_t best = 0;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto found = ranks.find({symbols[i], symbols[i + 1]});
      if (found != ranks.end() && found->second < best_rank) {
        best_rank = found->second;
        best = i;
      }
    }
    if (best_rank == std::numeric_limits<int>::max()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

std::string random_text(std::mt19937& random, std::string_view characters, std::size_t size) {
  std::uniform_int_distribution<std::size_t> pick(0, characters.size() - 1);
  std::string text;
  while (text.size() < size) text += characters[pick(random)];
  return text;
}

}  // namespace

BOOST_AUTO_TEST_CASE(merging_follows_the_definition) {
  std::mt19937 random(1);
  int agreeing = 0;
  constexpr int total = 400;
  for (int round = 0; round < total; ++round) {
    const std::string word = random_text(random, "aeinorstthe", 1 + random() % 60);
    std::vector<std::string> symbols;
    for (const char letter : word) symbols.emplace_back(1, letter);
    ids_type expected;
    for (const std::string& symbol : merge_by_definition(symbols)) expected.push_back(base().id_of(symbol).value());
    const bool equal = base().encode(word) == expected;
    BOOST_CHECK_MESSAGE(equal, word);
    agreeing += equal;
  }
  report("words", agreeing, total, 400);
}

BOOST_AUTO_TEST_CASE(a_megabyte_without_a_space_is_no_trap) {
  std::mt19937 random(2);
  for (const std::string_view characters : {"etaoinshrdlu", "a", " ", "\n", "7", "<", "!?"}) {
    const std::string word = random_text(random, characters, 1 << 20);
    const auto start = std::chrono::steady_clock::now();
    const ids_type ids = base().encode(word);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    BOOST_TEST_MESSAGE("1 MiB of '" << characters << "': " << ids.size() << " ids in " << elapsed.count() << " s");
    BOOST_CHECK_LT(elapsed.count(), 30.0);  // seconds; work that grows with the square takes hours
    BOOST_CHECK(base().decode(ids) == word);
  }
}

BOOST_AUTO_TEST_CASE(decoding_undoes_encoding_up_to_nfc) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = random_unicode(random, 1 + static_cast<int>(random() % 30));
    BOOST_CHECK_EQUAL(base().decode(base().encode(text)), nfc(text));
  }
}

BOOST_AUTO_TEST_CASE(cutting_ids_never_gives_ill_formed_text) {
  std::mt19937 random(4);
  for (int round = 0; round < 500; ++round) {
    const ids_type ids = base().encode(random_unicode(random, 12));
    const std::size_t first = random() % ids.size();
    const std::string text = base().decode(std::span(ids).subspan(first));
    BOOST_CHECK_NO_THROW((void)base().encode(text));  // which refuses ill-formed text
  }
}

BOOST_AUTO_TEST_CASE(each_maximal_ill_formed_part_becomes_one_replacement_character) {
  // Unicode 15, section 3.9, tables 3-8 to 3-11.
  const std::pair<std::vector<int>, icu::UnicodeString> cases[] = {
      {{0x61, 0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2, 0x62, 0x80, 0x63, 0x80, 0xBF, 0x64},
       u"a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd"},
      {{0xC0, 0xAF, 0xE0, 0x80, 0xBF, 0xF0, 0x81, 0x82, 0x41}, u"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
      {{0xED, 0xA0, 0x80, 0xED, 0xBF, 0xBF, 0xED, 0xAF, 0x41}, u"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA"},
      {{0xF4, 0x91, 0x92, 0x93, 0xFF, 0x41, 0x80, 0xBF, 0x42}, u"\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB"},
      {{0xE1, 0x80, 0xE2, 0xF0, 0x91, 0x92, 0xF1, 0xBF, 0x41}, u"\uFFFD\uFFFD\uFFFD\uFFFDA"},
  };
  std::vector<std::string> symbol_of(256);  // the byte alphabet, from its definition
  char16_t next = 0x100;
  for (char16_t byte = 0; byte < 256; ++byte) {
    const bool kept = (byte >= u'!' && byte <= u'~') || (byte >= u'\u00A1' && byte <= u'\u00FF' && byte != u'\u00AD');
    symbol_of[byte] = to_utf8(icu::UnicodeString(kept ? byte : next++));
  }
  for (const auto& [bytes, text] : cases) {
    ids_type ids;
    for (const int byte : bytes) ids.push_back(base().id_of(symbol_of[static_cast<std::size_t>(byte)]).value());
    BOOST_CHECK_EQUAL(base().decode(ids), to_utf8(text));
  }
}

BOOST_AUTO_TEST_CASE(threads_share_one_tokenizer) {
  const std::string text = "A small red bird sits on the fence, don't you see? \xC3\xA9\n";
  const ids_type expected = base().encode(text);
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (int& count : equal) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) count += base().encode(text) == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : equal) BOOST_CHECK_EQUAL(count, 200);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(added_tokens)

namespace {

constexpr std::int32_t added_id = 1024;

/// The embedded tokenizer with one more added token, which has one flag set.
tokenizer with_token(std::string_view content, std::string_view flag) {
  json::object document = base_document();
  document["added_tokens"].as_array().push_back(json::object{{"id", added_id}, {"content", content}, {flag, true}});
  return load_document(document);
}

/// What is left of the text when the added token is taken out of the ids; "|" marks its places.
std::string around(const tokenizer& subject, const std::string& text) {
  std::string result;
  ids_type run;
  for (const std::int32_t id : subject.encode(text)) {
    if (id != added_id) {
      run.push_back(id);
      continue;
    }
    result += subject.decode(run) + "|";
    run.clear();
  }
  return result + subject.decode(run);
}

}  // namespace

BOOST_AUTO_TEST_CASE(strip_flags_take_white_space_of_their_side) {
  const std::string text = "x \t<t>\xC2\xA0\n y<t>z";
  BOOST_CHECK_EQUAL(around(with_token("<t>", "special"), text), "x \t|\xC2\xA0\n y|z");
  BOOST_CHECK_EQUAL(around(with_token("<t>", "lstrip"), text), "x|\xC2\xA0\n y|z");
  BOOST_CHECK_EQUAL(around(with_token("<t>", "rstrip"), text), "x \t|y|z");
}

BOOST_AUTO_TEST_CASE(single_word_needs_a_boundary_on_both_sides) {
  const tokenizer subject = with_token("cat", "single_word");
  BOOST_CHECK_EQUAL(around(subject,
                           "cat concat cats cat_ (cat) \xC3\xA9"
                           "cat cat"),
                    "| concat cats cat_ (|) \xC3\xA9"
                    "cat |");
  BOOST_CHECK_EQUAL(around(with_token("cat", "special"), "concat cats"), "con| |s");
}

BOOST_AUTO_TEST_CASE(normalized_tokens_are_found_in_the_normalized_text_only) {
  const std::string composed = "\xE1\xBB\x87";         // U+1EC7
  const std::string decomposed = "e\xCC\xA3\xCC\x82";  // U+0065 U+0323 U+0302
  BOOST_CHECK_EQUAL(around(with_token(composed, "normalized"), composed + "-" + decomposed), "|-|");
  BOOST_CHECK_EQUAL(around(with_token(decomposed, "normalized"), composed + "-" + decomposed), "|-|");
  BOOST_CHECK_EQUAL(around(with_token(composed, "special"), composed + "-" + decomposed), "|-" + composed);
}

BOOST_AUTO_TEST_CASE(the_longest_of_the_leftmost_wins) {
  json::object document = base_document();
  json::array& tokens = document["added_tokens"].as_array();
  for (const char* content : {"qcd", "xq", "xqc", "cdefg"}) {
    tokens.push_back(json::object{{"id", 1021 + tokens.size()}, {"content", content}});
  }
  const tokenizer subject = load_document(document);
  const ids_type rest = base().encode("defg");
  ids_type expected = {1026};  // xqc, although qcd and cdefg could start inside of it
  expected.insert(expected.end(), rest.begin(), rest.end());
  BOOST_TEST(subject.encode("xqcdefg") == expected, boost::test_tools::per_element());
  BOOST_TEST(subject.encode("qcdxqxqcxq") == (ids_type{1024, 1025, 1026, 1025}), boost::test_tools::per_element());
  BOOST_TEST(subject.encode("cdefgqcd") == (ids_type{1027, 1024}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_texts_with_tokens_keep_them_in_order) {
  std::mt19937 random(5);
  const std::vector<std::string> contents = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  for (int round = 0; round < 500; ++round) {
    std::string text;
    ids_type expected_tokens;
    for (int part = 0; part < 6; ++part) {
      const std::size_t token = random() % contents.size();
      text += nfc(random_unicode(random, static_cast<int>(random() % 5))) + contents[token];
      expected_tokens.push_back(1021 + static_cast<std::int32_t>(token));
    }
    const ids_type ids = base().encode(text);
    ids_type tokens;
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(tokens), [](std::int32_t id) { return id >= 1021; });
    BOOST_CHECK(tokens == expected_tokens);
    BOOST_CHECK_EQUAL(base().decode(ids), text);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(bad_input)

namespace {

/// Checks that `action` throws the code and that the sentence contains all of the words.
template <class Action>
void check_failure(Action&& action, errc code, const std::vector<std::string>& words) {
  try {
    action();
    BOOST_ERROR("no error was thrown");
  } catch (const qgrain::error& failure) {
    const std::string sentence = failure.what();
    BOOST_TEST_MESSAGE(sentence);
    BOOST_CHECK_MESSAGE(failure.code() == code, "code of: " + sentence);
    for (const std::string& word : words) {
      BOOST_CHECK_MESSAGE(sentence.find(word) != std::string::npos, "\"" + word + "\" is not in: " + sentence);
    }
  }
}

void check_file_refused(std::string_view text, errc code, std::vector<std::string> words) {
  const temporary_file file(text);
  words.push_back(file.path().string());
  check_failure([&] { (void)tokenizer::load(file.path()); }, code, words);
}

/// The embedded file with the value at a JSON pointer replaced, or taken out when `value` is nothing.
std::string edited(std::string_view pointer, std::optional<json::value> value) {
  json::value document = base_document();
  const std::size_t last = pointer.rfind('/');
  json::object& parent = document.at_pointer(pointer.substr(0, last)).as_object();
  const std::string_view key = pointer.substr(last + 1);
  if (value) {
    parent[key] = *value;
  } else {
    parent.erase(key);
  }
  return json::serialize(document);
}

json::value parsed(const char* text) { return json::parse(text); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there) {
  check_failure([] { (void)tokenizer::load("no/such/tokenizer.json"); }, errc::io_failure, {"no/such/tokenizer.json"});
  check_failure([] { (void)tokenizer::load(source_dir); }, errc::io_failure, {source_dir.string()});
}

BOOST_AUTO_TEST_CASE(text_that_is_not_json) {
  check_file_refused("{\n  \"model\": nil\n}", errc::bad_file, {"line 2", "column 12"});
  check_file_refused("", errc::bad_file, {"line 1, column 1"});
  check_file_refused("{\"model\": {", errc::bad_file, {"line 1, column 12"});
  check_file_refused("[]", errc::bad_file, {"the document must be an object"});
  check_file_refused("\"\xFF\"", errc::bad_file, {"line 1"});
}

BOOST_AUTO_TEST_CASE(missing_keys) {
  for (const char* pointer :
       {"/model", "/model/type", "/model/vocab", "/model/merges", "/decoder/type", "/pre_tokenizer/type",
        "/pre_tokenizer/pretokenizers", "/normalizer/type", "/post_processor/type"}) {
    std::string path(std::string_view(pointer).substr(1));
    std::replace(path.begin(), path.end(), '/', '.');
    check_file_refused(edited(pointer, std::nullopt), errc::bad_file, {": " + path + " is missing"});
  }
}

BOOST_AUTO_TEST_CASE(values_of_the_wrong_type) {
  check_file_refused(edited("/model/vocab", json::array{}), errc::bad_file, {"model.vocab must be an object"});
  check_file_refused(edited("/model/merges", 3), errc::bad_file, {"model.merges must be an array"});
  check_file_refused(edited("/model/ignore_merges", "yes"), errc::bad_file, {"model.ignore_merges must be true or"});
  check_file_refused(edited("/model/type", 1), errc::bad_file, {"model.type must be a string"});
  check_file_refused(edited("/model/dropout", "no"), errc::bad_file, {"model.dropout must be a number"});
}

BOOST_AUTO_TEST_CASE(vocabularies_that_contradict_themselves) {
  check_file_refused(edited("/model/vocab", json::object{}), errc::bad_file, {"model.vocab holds no token"});
  check_file_refused(edited("/model/vocab/a", 5), errc::bad_file, {"model.vocab.", "is 5", "already"});
  check_file_refused(edited("/model/vocab/a", -1), errc::bad_file, {"model.vocab.a must be a token id"});
  check_file_refused(edited("/model/vocab/a", 2147483647), errc::bad_file, {"model.vocab.a must be a token id"});
  check_file_refused(edited("/model/vocab/a", 1.5), errc::bad_file, {"model.vocab.a must be a token id"});
}

BOOST_AUTO_TEST_CASE(merges_that_do_not_fit_the_vocabulary) {
  const auto merges = [](const char* text) { return edited("/model/merges", parsed(text)); };
  check_file_refused(merges(R"([["i", "n"], ["qq", "n"]])"), errc::bad_file, {"model.merges[1]", "\"qq\""});
  check_file_refused(merges(R"([["i", "qq"]])"), errc::bad_file, {"model.merges[0]", "\"qq\""});
  check_file_refused(merges(R"([["q", "q"]])"), errc::bad_file, {"model.merges[0]", "\"qq\""});
  check_file_refused(merges(R"([["i"]])"), errc::bad_file, {"model.merges[0]", "two tokens"});
  check_file_refused(merges(R"(["in"])"), errc::bad_file, {"model.merges[0]", "two tokens"});
  check_file_refused(merges(R"(["i n g"])"), errc::bad_file, {"model.merges[0]", "two tokens"});
  check_file_refused(merges(R"([["i", 3]])"), errc::bad_file, {"model.merges[0][1]", "string"});
}

BOOST_AUTO_TEST_CASE(unknown_components_list_what_is_supported) {
  const json::value other = parsed(R"({"type": "WordPiece"})");
  const std::string named = "is \"WordPiece\"; supported";
  check_file_refused(edited("/normalizer", other), errc::unsupported,
                     {"normalizer.type", named, "Sequence, NFC, NFD", "Precompiled"});
  check_file_refused(edited("/pre_tokenizer", other), errc::unsupported,
                     {named, "Sequence, ByteLevel, Split", "Metaspace"});
  check_file_refused(edited("/post_processor", other), errc::unsupported,
                     {named, "ByteLevel, TemplateProcessing", "RobertaProcessing"});
  check_file_refused(edited("/decoder", other), errc::unsupported,
                     {"decoder.type", named, "ByteLevel", "ByteFallback"});
  check_file_refused(edited("/model", other), errc::unsupported, {"model.type", named, "BPE, Unigram"});
  check_file_refused(edited("/version", "2.0"), errc::unsupported, {"version", "2.0", "1.0"});
  check_file_refused(edited("/pre_tokenizer/pretokenizers", json::array{other}), errc::unsupported,
                     {"pre_tokenizer.pretokenizers[0].type", named});
}

BOOST_AUTO_TEST_CASE(unsupported_model_options) {
  const std::pair<const char*, json::value> options[] = {
      {"dropout", 0.1}, {"continuing_subword_prefix", "##"}, {"end_of_word_suffix", "</w>"}};
  for (const auto& [key, value] : options) {
    check_file_refused(edited(std::string("/model/") + key, value), errc::unsupported,
                       {std::string("model.") + key + " is not supported", "ignore_merges"});
  }
  const std::pair<const char*, json::value> without_effect[] = {
      {"dropout", 0.0}, {"continuing_subword_prefix", ""}, {"end_of_word_suffix", ""}, {"byte_fallback", false}};
  for (const auto& [key, value] : without_effect) {
    const temporary_file file(edited(std::string("/model/") + key, value));
    BOOST_CHECK(tokenizer::load(file.path()).encode("a bird") == base().encode("a bird"));
  }
}

BOOST_AUTO_TEST_CASE(split_components_that_cannot_work) {
  const auto split = [](const char* text) { return edited("/pre_tokenizer", parsed(text)); };
  check_file_refused(split(R"({"type": "Split", "pattern": {"Regex": "(a"}, "behavior": "Isolated"})"), errc::bad_file,
                     {"pre_tokenizer.pattern.Regex is not a valid regular expression", "(a"});
  check_file_refused(split(R"({"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Alone"})"), errc::unsupported,
                     {"pre_tokenizer.behavior", "Alone", "Removed, Isolated, MergedWithPrevious"});
  check_file_refused(split(R"({"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated"})"), errc::bad_file,
                     {"pre_tokenizer.pattern.String is empty"});
  check_file_refused(split(R"({"type": "Split", "pattern": {}, "behavior": "Isolated"})"), errc::bad_file,
                     {"pre_tokenizer.pattern.Regex is missing"});
}

BOOST_AUTO_TEST_CASE(added_tokens_that_contradict_the_file) {
  const auto tokens = [](const char* text) { return edited("/added_tokens", parsed(text)); };
  check_file_refused(tokens(R"([{"id": 5, "content": "<x>"}])"), errc::bad_file, {"added_tokens", "<x>", "id 5"});
  check_file_refused(tokens(R"([{"id": 1021, "content": "in"}])"), errc::bad_file, {"added_tokens", "\"in\"", "1021"});
  check_file_refused(tokens(R"([{"id": 1021, "content": "<x>"}, {"id": 1021, "content": "<y>"}])"), errc::bad_file,
                     {"added_tokens[1].id", "1021"});
  check_file_refused(tokens(R"([{"id": 1021, "content": "<x>"}, {"id": 1022, "content": "<x>"}])"), errc::bad_file,
                     {"added_tokens[1].content", "<x>"});
  check_file_refused(tokens(R"([{"id": 1021, "content": ""}])"), errc::bad_file, {"added_tokens[0].content is empty"});
  check_file_refused(tokens(R"([{"content": "<x>"}])"), errc::bad_file, {"added_tokens[0].id is missing"});
}

BOOST_AUTO_TEST_CASE(templates_that_cannot_be_filled) {
  const auto with_template = [](const std::string& single, const std::string& special) {
    const std::string text =
        R"({"type": "TemplateProcessing", "single": [)" + single + R"(], "special_tokens": {)" + special + "}}";
    return edited("/post_processor", parsed(text.c_str()));
  };
  const std::string start = R"({"SpecialToken": {"id": "<s>", "type_id": 0}})";
  check_file_refused(with_template(start, ""), errc::bad_file, {"special_tokens.\"<s>\" is missing"});
  check_file_refused(with_template(start, R"("<s>": {"ids": [1024]})"), errc::bad_file, {"post_processor", "1024"});
  check_file_refused(with_template(R"({"Sequence": {"id": "B"}})", ""), errc::unsupported,
                     {"post_processor.single[0].Sequence.id", "\"A\""});
}

BOOST_AUTO_TEST_CASE(ids_outside_the_vocabulary) {
  BOOST_CHECK_EQUAL(base().vocabulary_size(), 1024);
  for (const std::int32_t id : {-1, 1024, std::numeric_limits<std::int32_t>::max()}) {
    check_failure([&] { (void)base().decode(ids_type{1, id}); }, errc::out_of_range, {std::to_string(id), "size 1024"});
  }
}

BOOST_AUTO_TEST_CASE(text_that_is_not_utf8) {
  const std::pair<std::string, int> cases[] = {{"\xFF", 0},          {"ab\x80", 2},      {"\xC3\xA9\xC3", 2},
                                               {"a\xED\xA0\x80", 1}, {"abc\xC0\xAF", 3}, {"\xF4\x90\x80\x80", 0}};
  for (const auto& [text, offset] : cases) {
    check_failure([&, input = text] { (void)base().encode(input); }, errc::invalid_argument,
                  {"UTF-8 at byte " + std::to_string(offset)});
  }
}

BOOST_AUTO_TEST_CASE(characters_without_a_token) {
  const temporary_file file(edited("/pre_tokenizer", json::value()));
  // No byte level: only the alphabet's own characters exist. The tokenizers library drops all others.
  const tokenizer subject = tokenizer::load(file.path());
  BOOST_CHECK_EQUAL(subject.decode(subject.encode("a b\nc")), "abc");
}

BOOST_AUTO_TEST_CASE(lookups) {
  BOOST_CHECK(base().id_of("<|im_end|>") == 1023);
  BOOST_CHECK(base().id_of("!") == 0);
  BOOST_CHECK(!base().id_of("no such token"));
  BOOST_CHECK(base().encode("").empty());
  BOOST_CHECK_EQUAL(base().decode({}), "");
}

BOOST_AUTO_TEST_SUITE_END()
