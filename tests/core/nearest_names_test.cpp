#include <qgrain/core/nearest_names.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace qgrain;

BOOST_AUTO_TEST_CASE(distances) {
  BOOST_TEST(edit_distance("", "") == 0U);
  BOOST_TEST(edit_distance("abc", "") == 3U);
  BOOST_TEST(edit_distance("kitten", "sitting") == 3U);
  BOOST_TEST(edit_distance("int8", "itn8") == 1U);
  BOOST_TEST(edit_distance("ab", "bca") == 3U);
  BOOST_TEST(edit_distance("flaw", "lawn") == edit_distance("lawn", "flaw"));
}

BOOST_AUTO_TEST_CASE(suggestions) {
  const std::vector<std::string> names{"wint8_afp16", "wint4_afp16", "wfp8_afp8", "default"};
  BOOST_TEST(nearest_names("wint4_afp61", names) == (std::vector<std::string>{"wint4_afp16", "wint8_afp16"}),
             boost::test_tools::per_element());
  BOOST_TEST(nearest_names("wint4_afp61", names, 1).size() == 1U);
  BOOST_TEST(nearest_names("zzz", names).empty());
  BOOST_TEST(name_hint("defualt", names) == "; did you mean default?");
  BOOST_TEST(name_hint("zzz", std::vector<std::string>{"a", "b"}) == "; there are a, b");
  BOOST_TEST(join_names(std::vector<std::string>{}) == "none");
}
