// The roundings against their definitions in double.
#include <support/inputs.hpp>

#include <qgrain/core/concepts.hpp>
#include <qgrain/format/rounding.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace qgrain;

static_assert(rounding_policy<nearest_even> && rounding_policy<nearest_away> && rounding_policy<ties_to_zero> &&
              rounding_policy<toward_zero>);
static_assert(!rounding_policy<int>);

BOOST_AUTO_TEST_CASE(magnitudes_round_as_defined) {
  qgrain_test::random_source random(3);
  for (int i = 0; i < 200000; ++i) {
    // Halves and their neighbours as often as anything else; up to 2^22.
    const double whole = std::floor(std::ldexp(random.uniform(), static_cast<int>(random.next() % 22)));
    auto x = static_cast<float>(i % 2 == 0 ? whole + 0.5 : whole + random.uniform());
    if (i % 3 == 0) x = std::nextafter(x, i % 4 < 2 ? 0.0F : 1e9F);
    const double exact = static_cast<double>(x);
    const double floor = std::floor(exact);
    const double rest = exact - floor;
    BOOST_TEST_REQUIRE(static_cast<double>(nearest_even{}(x)) == std::nearbyint(exact));
    BOOST_TEST_REQUIRE(static_cast<double>(nearest_away{}(x)) == (rest >= 0.5 ? floor + 1 : floor));
    BOOST_TEST_REQUIRE(static_cast<double>(ties_to_zero{}(x)) == (rest > 0.5 ? floor + 1 : floor));
    BOOST_TEST_REQUIRE(static_cast<double>(toward_zero{}(x)) == floor);
  }
}
