// Reading JSON: exact numbers, comments, and what is said about faults.
#include <common/file.hpp>
#include <common/json.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>
#include <boost/test/unit_test.hpp>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <random>
#include <string>

namespace {

namespace json = boost::json;
using namespace qgrain::common;

template <class Action>
std::string sentence_of(qgrain::errc code, const Action& action) {
  try {
    action();
  } catch (const qgrain::error& e) {
    BOOST_TEST((e.code() == code), e.what());
    return e.what();
  }
  return "nothing was thrown";
}

std::string syntax_sentence(std::string_view text) {
  return sentence_of(qgrain::errc::bad_file, [&] { (void)parse_json(text, "file"); });
}

class temporary_file {
 public:
  explicit temporary_file(std::string_view text) {
    static std::random_device entropy;
    path_ = std::filesystem::temp_directory_path() / ("qgrain_json_" + std::to_string(entropy()) + ".json");
    write_text_file(path_, text);
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

// Right-hand sides are written in binary, so no other decimal conversion is trusted.
BOOST_AUTO_TEST_CASE(numbers_are_the_nearest_doubles) {
  const std::pair<const char*, double> cases[] = {
      {"0.1", 0x1.999999999999ap-4},
      {"0.000123456", 0x1.02e7ef70994ddp-13},
      {"9007199254740993.0", 0x1p53},                                // a tie goes to the even neighbour
      {"9007199254740993.00000000000000001", 0x1.0000000000001p53},  // just above it does not
      {"9007199254740995.0", 0x1.0000000000002p53},
      {"1e23", 0x1.52d02c7e14af6p+76},
      {"8.5e22", 0x1.1ffdbf6b2b2ebp+76},
      {"1.7976931348623157e308", 0x1.fffffffffffffp+1023},
      {"2.2250738585072014e-308", 0x1p-1022},
      {"2.2250738585072011e-308", 0x0.fffffffffffffp-1022},  // the largest subnormal
      {"4.9406564584124654e-324", 0x1p-1074},
      {"2.4703282292062328e-324", 0x1p-1074},  // just above half the least
      {"6.02214076e23", 0x1.fe185ca57c517p+78},
      {"-3.1415926535897932384626433832795", -0x1.921fb54442d18p+1},
      {"0.500000000000000166533453693773481063544750213623046875", 0x1.0000000000002p-1},  // a tie
      {"0.500000000000000166533453693773481063544750213623046874", 0x1.0000000000001p-1},
  };
  for (const auto& [text, value] : cases) {
    const json::value read = parse_json(text, "text");
    BOOST_TEST_REQUIRE(read.is_double(), text);
    BOOST_TEST(std::bit_cast<std::uint64_t>(read.get_double()) == std::bit_cast<std::uint64_t>(value), text);
  }
  BOOST_TEST(parse_json("[9007199254740993]", "text").at(0).as_int64() == 9007199254740993);
  BOOST_TEST(parse_json("18446744073709551615", "text").as_uint64() == 18446744073709551615U);
}

BOOST_AUTO_TEST_CASE(comments_trailing_commas_and_equal_keys) {
  BOOST_TEST(parse_json("// note\n{\"a\": 1, /* more */ \"b\": [2,],}\n", "f") == (json::value{{"a", 1}, {"b", {2}}}));
  BOOST_TEST(parse_json(R"({"a": 1, "b": 2, "a": 3})", "f").at("a") == 3);
}

BOOST_AUTO_TEST_CASE(syntax_faults_name_line_and_column) {
  BOOST_TEST(syntax_sentence("{\n \"a\": 1\n \"b\": 2\n}").starts_with("file: not valid JSON at line 3, column 2 ("));
  BOOST_TEST(syntax_sentence("{} x").starts_with("file: not valid JSON at line 1, column 4 ("));
  BOOST_TEST(syntax_sentence("{\"a\": ").starts_with("file: not valid JSON at line 1, column 7 ("));
  BOOST_TEST(syntax_sentence("").starts_with("file: not valid JSON at line 1, column 1 ("));
  BOOST_TEST(syntax_sentence("{\"a\": nan}").starts_with("file: not valid JSON at line 1, column 7 ("));
  BOOST_TEST(syntax_sentence("\"\xFF\"").starts_with("file: not valid JSON at line 1, "));
}

BOOST_AUTO_TEST_CASE(files) {
  const temporary_file list("[1]");
  BOOST_TEST(read_json_file(list.path()) == json::value{1});
  BOOST_TEST(sentence_of(qgrain::errc::bad_file, [&] { (void)read_json_object(list.path()); }) ==
             list.path().string() + ": the document must be an object, not [1]");
  const temporary_file object(R"({"a": 1})");
  BOOST_TEST(read_json_object(object.path()).at("a") == 1);
  BOOST_TEST(read_json_document(object.path()).name == object.path().string());
  for (const char* path : {"/no/such/file.json", "/"})
    (void)sentence_of(qgrain::errc::io_failure, [&] { (void)read_json_object(path); });
}

BOOST_AUTO_TEST_CASE(values_of_a_document) {
  const json_document document{"f", parse_json(R"({"text": "x", "yes": true, "nothing": null, "whole": 8.0, "n": 2.5,
                                                   "list": [1, 2], "inner": {"k": 3}})",
                                               "f")};
  const json_field root(document);
  BOOST_TEST(root.at("text").string() == "x");
  BOOST_TEST(root.flag("yes"));
  BOOST_TEST(!root.flag("nothing"));
  BOOST_TEST(root.flag("absent", true));
  BOOST_TEST(!root.find("nothing"));
  BOOST_TEST(root.at("nothing").is_null());
  BOOST_TEST(root.at("whole").positive_integer() == 8);
  BOOST_TEST(root.at("n").positive_number() == 2.5);
  BOOST_TEST(root.at("n").number() == 2.5);
  BOOST_TEST(!root.at("n").whole());
  BOOST_TEST(root.at("list").elements().at(1).count() == 2);
  BOOST_TEST(root.at("inner").members().at(0).first == "k");
  BOOST_TEST(root.at("inner").members().at(0).second.place() == "f: inner.k");
  BOOST_TEST(root.place() == "f");
  BOOST_TEST(root.path().empty());
}

BOOST_AUTO_TEST_CASE(faults_name_file_key_and_both_values) {
  const json_document document{
      "config.json",
      parse_json(R"({"rope_scaling": {"factor": "x"}, "heads": 2.5, "layers": 0, "big": 1e999, "on": 1, "name": null,
                     "list": [[1, -2], {"a.weight": "y"}], "": 0,
                     "long": "0123456789012345678901234567890123456789012345678901234567\u00e4\u00e4"})",
                 "config.json")};
  const json_field root(document);
  const auto fault = [](const auto& action) { return sentence_of(qgrain::errc::bad_file, action); };
  BOOST_TEST(fault([&] { (void)root.at("rope_scaling").at("factor").positive_number(); }) ==
             "config.json: rope_scaling.factor must be a positive number, not \"x\"");
  BOOST_TEST(fault([&] { (void)root.at("heads").positive_integer(); }) ==
             "config.json: heads must be a positive integer, not 2.5");
  BOOST_TEST(fault([&] { (void)root.at("layers").positive_integer(); }) ==
             "config.json: layers must be a positive integer, not 0");
  BOOST_TEST(fault([&] { (void)root.at("layers").positive_number(); }) ==
             "config.json: layers must be a positive number, not 0");
  BOOST_TEST(fault([&] { (void)root.at("big").number(); }).starts_with("config.json: big must be a number, not "));
  BOOST_TEST(fault([&] { (void)root.flag("on"); }) == "config.json: on must be true or false, not 1");
  BOOST_TEST(fault([&] { (void)root.at("name").string(); }) == "config.json: name must be a string, not null");
  BOOST_TEST(fault([&] { (void)root.at("list").elements()[0].elements()[1].count(); }) ==
             "config.json: list[0][1] must be an integer of at least 0, not -2");
  BOOST_TEST(fault([&] { (void)root.at("list").elements()[1].at("a.weight").number(); }) ==
             "config.json: list[1].\"a.weight\" must be a number, not \"y\"");
  BOOST_TEST(fault([&] { (void)root.at("").elements(); }) == "config.json: \"\" must be an array, not 0");
  BOOST_TEST(fault([&] { (void)root.at("heads").members(); }) == "config.json: heads must be an object, not 2.5");
  BOOST_TEST(fault([&] { (void)root.string(); }).starts_with("config.json: the document must be a string, not {"));
  BOOST_TEST(fault([&] { (void)root.at("widths"); }) == "config.json: widths is missing");
  BOOST_TEST(fault([&] { (void)root.at("rope_scaling").at("type"); }) == "config.json: rope_scaling.type is missing");
  BOOST_TEST(fault([&] { (void)root.at("long").number(); }) ==
             "config.json: long must be a number, not "
             "\"0123456789012345678901234567890123456789012345678901234567...");
  BOOST_TEST(root.at("heads").mismatch("even") == "heads must be even, not 2.5");
  BOOST_TEST(sentence_of(qgrain::errc::unsupported, [&] {
               root.at("rope_scaling").fail(qgrain::errc::unsupported, "is not supported");
             }) == "config.json: rope_scaling is not supported");
}
