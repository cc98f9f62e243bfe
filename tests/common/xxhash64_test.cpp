// XXH64 against the values of its authors, and in portions of every size.
#include <common/xxhash64.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

using qgrain::common::xxhash64;
using qgrain::common::xxhash64_text;

BOOST_AUTO_TEST_CASE(published_values) {
  // xxHash 0.8: the program xxhsum -H64, and the examples of its bindings
  BOOST_TEST(xxhash64_text("") == "ef46db3751d8e999");
  BOOST_TEST(xxhash64_text("a") == "d24ec4f1a98c6e5b");
  BOOST_TEST(xxhash64_text("abc") == "44bc2cf5ad770999");
  BOOST_TEST(xxhash64_text("Nobody inspects the spammish repetition") == "fbcea83c8a378bf1");
}

BOOST_AUTO_TEST_CASE(portions_make_no_difference) {
  std::string text;
  for (int i = 0; i < 199; ++i) text += static_cast<char>(i * 7);
  const std::string whole = xxhash64_text(text);
  for (std::size_t portion = 1; portion <= text.size(); ++portion) {
    xxhash64 hash;
    for (std::size_t at = 0; at < text.size(); at += portion)
      hash.add(std::as_bytes(std::span(std::string_view(text).substr(at, portion))));
    BOOST_TEST(hash.text() == whole, portion);
  }
}

BOOST_AUTO_TEST_CASE(texts_in_a_row_are_told_apart) {
  const auto of = [](std::string_view first, std::string_view second) {
    xxhash64 hash;
    hash.add_text(first);
    hash.add_text(second);
    return hash.value();
  };
  BOOST_TEST(of("ab", "c") != of("a", "bc"));
  BOOST_TEST(of("ab", "c") == of("ab", "c"));
}
