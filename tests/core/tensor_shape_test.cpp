// Tensors as matrices: every rank, every axis, sizes that do not fit.
#include <qgrain/core/tensor_shape.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

using namespace qgrain;

namespace {

constexpr std::array<index_t, 4> image{8, 3, 5, 7};

static_assert(as_matrix(image) == shape2d{120, 7});
static_assert(as_matrices(image, 0) == matrix_stack{1, {8, 105}});
static_assert(as_matrices(image, 1) == matrix_stack{8, {3, 35}});
static_assert(as_matrices(image, 3) == matrix_stack{120, {7, 1}});
static_assert(as_matrix({}) == shape2d{1, 1});

void refuses(errc code, std::string_view part, const std::vector<index_t>& dims, std::size_t axis) {
  const auto right = [&](const error& failure) {
    return failure.code() == code && std::string_view(failure.what()).find(part) != std::string_view::npos;
  };
  if (code != errc::out_of_range) BOOST_CHECK_EXCEPTION((void)as_matrix(dims), error, right);
  BOOST_CHECK_EXCEPTION((void)as_matrices(dims, axis), error, right);
}

}  // namespace

BOOST_AUTO_TEST_CASE(elements_stay_where_they_are) {
  // The element with indices (i, j, k, l) by the rule of each view.
  index_t flat = 0;
  const shape2d flat_shape = as_matrix(image);
  for (index_t i = 0; i < 8; ++i) {
    for (index_t j = 0; j < 3; ++j) {
      for (index_t k = 0; k < 5; ++k) {
        for (index_t l = 0; l < 7; ++l, ++flat) {
          BOOST_TEST_REQUIRE(((i * 3 + j) * 5 + k) * flat_shape.cols + l == flat);
          const matrix_stack along = as_matrices(image, 2);
          BOOST_TEST_REQUIRE((i * 3 + j) * along.shape.elements() + k * along.shape.cols + l == flat);
        }
      }
    }
  }
  BOOST_TEST(flat == flat_shape.elements());
}

BOOST_AUTO_TEST_CASE(ranks_zero_to_two) {
  BOOST_TEST((as_matrix(std::array<index_t, 1>{9}) == shape2d{1, 9}));
  BOOST_TEST((as_matrix(std::array<index_t, 2>{4, 9}) == shape2d{4, 9}));
  BOOST_TEST((as_matrices(std::array<index_t, 1>{9}, 0) == matrix_stack{1, {9, 1}}));
  BOOST_TEST((as_matrices(std::array<index_t, 2>{4, 9}, 0) == matrix_stack{1, {4, 9}}));
}

BOOST_AUTO_TEST_CASE(sizes_of_nothing_stay_for_check_to_refuse) {
  BOOST_TEST((as_matrix(std::array<index_t, 3>{4, 0, 9}) == shape2d{0, 9}));
  BOOST_TEST((as_matrix(std::array<index_t, 2>{4, 0}) == shape2d{4, 0}));
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused_with_its_numbers) {
  constexpr index_t big = index_t{1} << 40;
  constexpr index_t most = (index_t{1} << 57) - 1;
  BOOST_TEST((as_matrix(std::array<index_t, 3>{1, 1, most}) == shape2d{1, most}));
  refuses(errc::invalid_shape, "1099511627776 x 1099511627776", {big, big, 3}, 0);
  refuses(errc::invalid_shape, "144115188075855871", {2, most}, 1);
  refuses(errc::invalid_shape, "9223372036854775807", {3, std::numeric_limits<index_t>::max()}, 0);
  refuses(errc::invalid_shape, "-2", {4, -2}, 1);
  refuses(errc::out_of_range, "axis 2 of a tensor that has 2 dimensions", {4, 2}, 2);
  refuses(errc::out_of_range, "axis 0 of a tensor that has 0 dimensions", {}, 0);
}
