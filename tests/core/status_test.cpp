// Every error code has a sentence of its own.
#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using namespace qgrain;

BOOST_AUTO_TEST_CASE(every_code_has_its_own_sentence) {
  std::set<std::string> sentences;
  for (int code = 0; code < errc_count; ++code) {
    const std::string sentence = message(static_cast<errc>(code));
    BOOST_TEST(sentence != "unknown error code");
    sentences.insert(sentence);
  }
  BOOST_TEST(sentences.size() == static_cast<std::size_t>(errc_count));
  BOOST_TEST(std::string(message(static_cast<errc>(errc_count))) == "unknown error code");
  BOOST_TEST(static_cast<bool>(status{}));
  const status verdict(errc::invalid_shape, 32, 16);
  BOOST_TEST(!verdict);
  BOOST_TEST(verdict.wanted() == 32);
  BOOST_TEST(verdict.found() == 16);
}
