// Methods by how well they order the layers.
#include <engine/measure/method_agreement.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace qgrain::engine;

BOOST_AUTO_TEST_CASE(methods_are_listed_best_first) {
  const std::vector<method_scores> methods{
      {"reversed", {4, 3, 2, 1}}, {"constant", {1, 1, 1, 1}}, {"exact", {1, 2, 3, 4}}, {"close", {1, 3, 2, 4}}};
  const std::vector<method_agreement> found = compare_methods(methods, std::vector<double>{0.1, 0.2, 0.3, 0.4});
  BOOST_TEST_REQUIRE(found.size() == 4U);
  BOOST_TEST(found[0].method == "exact");
  BOOST_TEST(found[1].method == "close");
  BOOST_TEST(found[2].method == "reversed");
  BOOST_TEST(found[2].correlation == -1.0);
  BOOST_TEST(found[3].method == "constant");
}
