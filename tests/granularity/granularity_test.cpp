// Which elements share a scale.
#include <qgrain/core/concepts.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>

#include <boost/test/unit_test.hpp>

using namespace qgrain;

static_assert(granularity_policy<per_tensor> && granularity_policy<per_channel<0>> &&
              granularity_policy<per_channel<1>> && granularity_policy<per_token> &&
              granularity_policy<per_group<48>> && granularity_policy<per_tile<128, 128>>);
static_assert(!granularity_policy<float>);

BOOST_AUTO_TEST_CASE(shapes_of_groups) {
  constexpr shape2d shape{6, 40};
  BOOST_TEST((per_tensor::group_shape(shape) == shape));
  BOOST_TEST((per_channel<0>::group_shape(shape) == shape2d{1, 40}));
  BOOST_TEST((per_channel<1>::group_shape(shape) == shape2d{6, 1}));
  BOOST_TEST((per_token::group_shape(shape) == shape2d{1, 40}));
  BOOST_TEST((per_group<16>::group_shape(shape) == shape2d{1, 16}));
  BOOST_TEST((per_tile<4, 8>::group_shape(shape) == shape2d{4, 8}));
}

BOOST_AUTO_TEST_CASE(names) {
  BOOST_TEST(per_tensor::name() == "per_tensor");
  BOOST_TEST(per_channel<0>::name() == "per_out_channel");
  BOOST_TEST(per_channel<1>::name() == "per_in_channel");
  BOOST_TEST(per_token::name() == "per_token");
  BOOST_TEST(per_group<128>::name() == "group128");
  BOOST_TEST((per_tile<16, 32>::name() == "tile16x32"));
}
