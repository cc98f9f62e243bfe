// Views: addressing, bands, constness.
#include <qgrain/core/matrix_view.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <type_traits>

using namespace qgrain;

static_assert(std::is_trivially_copyable_v<matrix_view<float>>);
static_assert(std::is_convertible_v<matrix_view<float>, matrix_view<const float>>);
static_assert(!std::is_convertible_v<matrix_view<const float>, matrix_view<float>>);

BOOST_AUTO_TEST_CASE(rows_are_a_leading_dimension_apart) {
  std::array<int, 12> numbers{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const matrix_view<int> dense{numbers.data(), {3, 4}};
  BOOST_TEST(dense(2, 3) == 11);
  const matrix_view<int> narrow{numbers.data(), {3, 2}, 4};
  BOOST_TEST(narrow(2, 1) == 9);
  const matrix_view<const int> band = narrow.band(1, 2);
  BOOST_TEST(band(0, 0) == 4);
  BOOST_TEST((band.shape == shape2d{2, 2}));
  BOOST_TEST(band.leading_dimension == 4);
  BOOST_TEST(ceil_div(7, 3) == 3);
}
