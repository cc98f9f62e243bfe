// The safetensors format: what is written is read back, and every fault of a file is named before any tensor is
// touched.
#include <lm/checkpoint.hpp>
#include <lm/lm_support.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <fstream>

namespace {

using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using qgrain::errc;

void write_raw(const std::filesystem::path& path, std::uint64_t header_bytes, const std::string& header,
               std::size_t data_bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&header_bytes), 8);
  file << header << std::string(data_bytes, '\0');
}

}  // namespace

BOOST_AUTO_TEST_CASE(round_trip_in_pieces) {
  const temporary_folder folder;
  const std::filesystem::path path = folder.path() / "x.safetensors";
  {
    safetensors_writer writer(
        path, {{"a", dtype::f32, {2, 3}}, {"none", dtype::f32, {0, 4}}, {"i", dtype::i64, {2}}, {"s", dtype::f32, {}}},
        {{"key", "value \"quoted\""}});
    writer.write_elements<std::int64_t>(2, 0, std::array<std::int64_t, 2>{7, -9});
    writer.write_elements<float>(0, 3, std::array{4.0F, 5.0F, 6.0F});
    writer.write_elements<float>(0, 0, std::array{1.0F, 2.0F, 3.0F});
    writer.write_elements<float>(3, 0, std::array{8.0F});
    BOOST_TEST(!std::filesystem::exists(path));  // not before it is complete
    writer.finish();
  }
  const safetensors_file file(path);
  BOOST_TEST(file.tensors().size() == 4U);
  BOOST_TEST(floats_of(file, "a") == (std::vector<float>{1, 2, 3, 4, 5, 6}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(file, "i") == (token_ids{7, -9}), boost::test_tools::per_element());
  BOOST_TEST(file.at("s").shape.empty());
  BOOST_TEST(file.at("none").elements() == 0);
  BOOST_TEST(file.metadata().at("key") == "value \"quoted\"");
  std::vector<float> middle(2);
  file.read_f32(file.at("a"), 2, middle);
  BOOST_TEST(middle == (std::vector<float>{3, 4}), boost::test_tools::per_element());
  { safetensors_writer abandoned(folder.path() / "y.safetensors", {{"a", dtype::f32, {1}}}); }
  BOOST_TEST(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

// Every 16-bit pattern widened, against the definition by long division of sign, exponent and fraction.
BOOST_AUTO_TEST_CASE(half_formats_widen_exactly) {
  const temporary_folder folder;
  std::vector<std::uint16_t> patterns(65536);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  {
    safetensors_writer writer(folder.path() / "x", {{"bf16", dtype::bf16, {65536}}, {"f16", dtype::f16, {65536}}});
    writer.write_elements<std::uint16_t>(0, 0, patterns);
    writer.write_elements<std::uint16_t>(1, 0, patterns);
    writer.finish();
  }
  const safetensors_file file(folder.path() / "x");
  const auto check = [&](const std::string& name, int exponent_bits, int fraction_bits) {
    const std::vector<float> values = floats_of(file, name);
    const int bias = (1 << (exponent_bits - 1)) - 1;
    int wrong = 0;
    for (int p = 0; p < 65536; ++p) {
      const int exponent = (p >> fraction_bits) & ((1 << exponent_bits) - 1);
      const int fraction = p & ((1 << fraction_bits) - 1);
      const double sign = (p & 0x8000) != 0 ? -1 : 1;
      const float found = values[static_cast<std::size_t>(p)];
      if (exponent == (1 << exponent_bits) - 1) {
        wrong += fraction != 0 ? (std::isnan(found) ? 0 : 1) : (found == static_cast<float>(sign * INFINITY) ? 0 : 1);
        continue;
      }
      const double unit = std::ldexp(1.0, -fraction_bits);
      const double magnitude = exponent == 0 ? fraction * unit * std::ldexp(1.0, 1 - bias)
                                             : (1 + fraction * unit) * std::ldexp(1.0, exponent - bias);
      const bool same = static_cast<double>(found) == sign * magnitude && std::signbit(found) == (sign < 0);
      wrong += same ? 0 : 1;
    }
    BOOST_TEST(wrong == 0, name);
  };
  check("bf16", 8, 7);
  check("f16", 5, 10);
}

BOOST_AUTO_TEST_CASE(faults_of_a_file_are_named) {
  const temporary_folder folder;
  const std::filesystem::path path = folder.path() / "bad.safetensors";
  const auto open = [&] { const safetensors_file file(path); };
  const auto entry = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  const auto expect = [&](const std::string& header, std::size_t data, const std::vector<std::string>& words) {
    write_raw(path, header.size(), header, data);
    expect_error(errc::bad_file, words, open);
  };
  expect_error(errc::io_failure, {"bad.safetensors", "opening"}, open);  // missing
  std::ofstream(path) << "abc";
  expect_error(errc::bad_file, {"bad.safetensors", "3 bytes"}, open);
  write_raw(path, 500, "{}", 0);
  expect_error(errc::bad_file, {"500", "longer than the file of 10"}, open);
  write_raw(path, 100'000'001, "{}", 0);
  expect_error(errc::bad_file, {"100000001", "limit of 100000000"}, open);
  expect("{\"a\":", 0, {"not valid JSON", "line 1"});
  expect("[]", 0, {"bad.safetensors (header): the document must be an object, not []"});
  const std::string a = R"("a":)" + entry("F32", "[2]", "[0,8]");
  expect("{" + a + "}", 4, {"\"a\"", "truncated", "byte "});                // truncated
  expect("{" + a + "}", 12, {"the header describes", "but the file has"});  // grown
  expect("{" + a + R"(,"b":)" + entry("F32", "[1]", "[4,8]") + "}", 8, {"\"b\"", "overlapping", "4", "8"});
  expect("{" + a + R"(,"b":)" + entry("F32", "[1]", "[12,16]") + "}", 16, {"\"b\"", "gap"});
  expect("{" + a + R"(,"b":)" + entry("F32", "[1]", "[8,12]") + "}", 8, {"\"b\"", "truncated"});  // out of range
  expect(R"({"a":)" + entry("F31", "[2]", "[0,8]") + "}", 8, {"\"a\"", "unknown dtype \"F31\""});
  expect(R"({"a":)" + entry("F32", "[3]", "[0,8]") + "}", 8, {"\"a\"", "12 bytes", "[3]"});
  expect(R"({"a":)" + entry("F32", "[2]", "[8,0]") + "}", 8, {"\"a\"", "[8, 0]"});
  expect(R"({"a":)" + entry("F32", "[-2]", "[0,8]") + "}", 8, {"a.shape[0]", "-2"});
  expect(R"({"a":)" + entry("F32", "[2.5]", "[0,8]") + "}", 8, {"a.shape[0]", "2.5"});
  expect(R"({"a":)" + entry("F32", "[4611686018427387904,4]", "[0,8]") + "}", 8, {"\"a\"", "overflows"});
  expect(R"({"a":{"dtype":"F32","shape":[2]}})", 8, {"a.data_offsets is missing"});
  expect(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8, {"a.dtype is missing"});
  expect(R"({"__metadata__":{"k":1}})", 0, {"__metadata__.k must be a string, not 1"});
}

BOOST_AUTO_TEST_CASE(a_file_that_shrinks_while_it_is_open_is_an_error) {
  const temporary_folder folder;
  const std::filesystem::path path = folder.path() / "x.safetensors";
  {
    safetensors_writer writer(path, {{"a", dtype::f32, {1000}}});
    writer.finish();
  }
  const safetensors_file file(path);
  std::filesystem::resize_file(path, 200);
  expect_error(errc::bad_file, {"x.safetensors", "ends at byte 200"}, [&] { floats_of(file, "a"); });
}

BOOST_AUTO_TEST_CASE(shards_keep_what_the_index_promises) {
  const temporary_folder folder;
  const auto index = [&](const std::string& map) {
    std::ofstream(folder.path() / "model.safetensors.index.json") << R"({"metadata":{},"weight_map":)" << map << "}";
  };
  const auto shard = [&](const std::string& name, const std::string& tensor, float value) {
    safetensors_writer writer(folder.path() / name, {{tensor, dtype::f32, {1}}});
    writer.write_elements<float>(0, 0, std::array{value});
    writer.finish();
  };
  shard("one.safetensors", "a", 1);
  shard("two.safetensors", "b", 2);
  const auto open = [&] { const checkpoint c(folder.path()); };
  // A promise counts once its tensor is needed.
  const auto require = [&](const char* tensor) {
    const checkpoint c(folder.path());
    c.require(tensor, std::array<std::int64_t, 1>{1});
  };
  index(R"({"a":"one.safetensors","b":"two.safetensors"})");
  {
    const checkpoint c(folder.path());
    std::vector<float> value(1);
    c.read("b", 0, value);
    BOOST_TEST(value[0] == 2.0F);
  }
  index(R"({"a":"one.safetensors","b":"three.safetensors"})");
  require("a");
  expect_error(errc::bad_file, {"three.safetensors", "\"b\"", "does not exist"}, [&] { require("b"); });
  index(R"({"a":"two.safetensors","b":"two.safetensors"})");
  require("b");
  expect_error(errc::bad_file, {"two.safetensors", "\"a\" is missing"}, [&] { require("a"); });
  index(R"({"a":7})");
  expect_error(errc::bad_file, {"index.json: weight_map.a must be a string, not 7"}, open);
  index(R"({"a":"../one.safetensors"})");
  expect_error(errc::bad_file, {"weight_map.a", "../one.safetensors"}, open);
  std::ofstream(folder.path() / "model.safetensors.index.json") << "{}";
  expect_error(errc::bad_file, {"weight_map is missing"}, open);
}
