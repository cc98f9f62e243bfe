// The ranges of groups against loops over their elements.
#include <support/refusals.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/ranges.hpp>
#include <qgrain/scale/range.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace qgrain;

namespace {

template <class T>
void check(shape2d shape, index_t gap, shape2d group) {
  BOOST_TEST_CONTEXT(shape.rows << " x " << shape.cols << " in " << group.rows << " x " << group.cols) {
    std::mt19937 random(3);
    std::normal_distribution<float> normal(0.5F);
    const index_t stride = shape.cols + gap;
    std::vector<T> x(static_cast<std::size_t>(shape.rows * stride));
    for (T& v : x) v = from_float<T>(normal(random));
    const matrix_view<T> in(x.data(), shape, stride);
    for (const int threads : {1, 3}) {
      const auto largest = ranges_of(thread_pool(threads), in, group);
      const auto ends = ranges_of<signed_range>(thread_pool(threads), in, group);
      std::size_t at = 0;
      for (index_t r = 0; r < shape.rows; r += group.rows) {
        for (index_t c = 0; c < shape.cols; c += group.cols, ++at) {
          float least = 0.0F;
          float most = 0.0F;
          for (index_t i = r; i < std::min(r + group.rows, shape.rows); ++i) {
            for (index_t j = c; j < std::min(c + group.cols, shape.cols); ++j) {
              least = std::min(least, to_float(in(i, j)));
              most = std::max(most, to_float(in(i, j)));
            }
          }
          BOOST_TEST_REQUIRE(at < largest.size());
          BOOST_TEST(largest[at] == std::max(-least, most));
          BOOST_TEST(ends[at].below == -least);
          BOOST_TEST(ends[at].above == most);
        }
      }
      BOOST_TEST(at == largest.size());
      BOOST_TEST(at == ends.size());
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(groups_of_any_shape) {
  check<float>({7, 33}, 0, {1, 33});
  check<bfloat16>({7, 33}, 5, {7, 1});
  check<float16>({70, 100}, 3, {16, 32});
  check<bfloat16>({3, 5000}, 0, {2, 3000});
  check<bfloat16>({300, 700}, 0, {1000, 1000});  // larger than the matrix
  check<float>({5, 2100}, 1, {1, 13});
}

BOOST_AUTO_TEST_CASE(nan_is_in_the_range_of_its_group_alone) {
  std::vector<float> x(64, 1.0F);
  x[40] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> ranges = ranges_of(on_host{}, matrix_view(x.data(), {2, 32}), {1, 16});
  BOOST_TEST(ranges[0] == 1.0F);
  BOOST_TEST(ranges[1] == 1.0F);
  BOOST_TEST(std::isnan(ranges[2]));
  BOOST_TEST(ranges[3] == 1.0F);
}

BOOST_AUTO_TEST_CASE(what_has_no_elements_is_refused) {
  const std::vector<float> x(64, 1.0F);
  const auto refuses = [&](matrix_view<const float> in, shape2d group, errc code, const std::string& part) {
    qgrain_test::refuses(code, part, [&] { (void)ranges_of(on_host{}, in, group); });
  };
  refuses({x.data(), {2, 32}}, {0, 16}, errc::invalid_shape, "0 x 16 matrix: the rule asks for 1, found 0");
  refuses({x.data(), {0, 32}}, {1, 16}, errc::invalid_shape, "0 x 32");
  refuses({x.data(), {2, 32}, 31}, {1, 16}, errc::buffer_too_small, "needs 32, has 31");
  refuses({nullptr, {2, 32}}, {1, 16}, errc::invalid_argument, "no memory");
}
