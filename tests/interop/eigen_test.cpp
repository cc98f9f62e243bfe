// Eigen matrices as views and back: the same memory, strides kept.
#include <qgrain/interop/eigen.hpp>

#include <boost/test/unit_test.hpp>

#include <numeric>
#include <type_traits>
#include <vector>

using namespace qgrain;
using interop::as_eigen;
using interop::as_view;

namespace {

using row_major_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class E>
concept viewable = requires(E&& matrix) {
  as_view(std::forward<E>(matrix));
};
static_assert(viewable<row_major_matrix&> && viewable<const row_major_matrix&>);
static_assert(!viewable<row_major_matrix>);  // a temporary

}  // namespace

BOOST_AUTO_TEST_CASE(a_view_as_a_map) {
  std::vector<float> numbers(4 * 7);
  std::iota(numbers.begin(), numbers.end(), 0.0F);
  const matrix_view<float> view{numbers.data(), {4, 5}, 7};
  auto map = as_eigen(view);
  BOOST_TEST(map.rows() == 4);
  BOOST_TEST(map.cols() == 5);
  BOOST_TEST(map(2, 3) == view(2, 3));
  BOOST_TEST(map.row(1).sum() == 7.0F + 8 + 9 + 10 + 11);
  map(3, 4) = -1.0F;
  BOOST_TEST(numbers[3 * 7 + 4] == -1.0F);
  const auto fixed = as_eigen(matrix_view<const float>(view));
  BOOST_TEST(fixed.data() == numbers.data());
  static_assert(!std::is_assignable_v<decltype(fixed(0, 0)), float>);
}

BOOST_AUTO_TEST_CASE(matrices_blocks_and_maps_as_views) {
  row_major_matrix matrix(3, 6);
  for (Eigen::Index i = 0; i < 18; ++i) matrix(i / 6, i % 6) = static_cast<float>(i);
  const auto whole = as_view(matrix);
  static_assert(std::is_same_v<decltype(as_view(matrix)), matrix_view<float>>);
  BOOST_TEST((whole.shape == shape2d{3, 6}));
  BOOST_TEST(whole.leading_dimension == 6);
  BOOST_TEST(whole(2, 1) == 13.0F);
  auto block = matrix.block(1, 2, 2, 3);
  const auto part = as_view(block);
  BOOST_TEST((part.shape == shape2d{2, 3}));
  BOOST_TEST(part.leading_dimension == 6);
  part(1, 2) = 99.0F;
  BOOST_TEST(matrix(2, 4) == 99.0F);
  const row_major_matrix& constant = matrix;
  static_assert(std::is_same_v<decltype(as_view(constant)), matrix_view<const float>>);
  BOOST_TEST(as_view(constant).data == matrix.data());
  std::vector<int> numbers{1, 2, 3, 4, 5, 6};
  Eigen::Map<const Eigen::Matrix<int, 2, 3, Eigen::RowMajor>> read_only(numbers.data());
  static_assert(std::is_same_v<decltype(as_view(read_only)), matrix_view<const int>>);
  BOOST_TEST(as_view(read_only)(1, 0) == 4);
  auto there_and_back = as_eigen(part);
  BOOST_TEST(as_view(there_and_back).data == part.data);
  BOOST_TEST(as_view(there_and_back).leading_dimension == 6);
}
