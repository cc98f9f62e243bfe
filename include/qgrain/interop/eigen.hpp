// Eigen matrices as views and views as Eigen maps; nothing is copied. Needs Eigen 3.4 on the include path.
#ifndef QGRAIN_INTEROP_EIGEN_HPP
#define QGRAIN_INTEROP_EIGEN_HPP

#include <qgrain/core/matrix_view.hpp>

#include <Eigen/Core>

#include <type_traits>

namespace qgrain::interop {

/// What `as_eigen` gives: row-major, any distance between rows.
template <class T>
using eigen_map = Eigen::Map<
    std::conditional_t<std::is_const_v<T>,
                       const Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                       Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>,
    Eigen::Unaligned, Eigen::OuterStride<>>;

/// A view as an Eigen expression, to read and, unless T is const, to write through. The memory must outlive it.
template <class T>
[[nodiscard]] eigen_map<T> as_eigen(matrix_view<T> view) {
  return {view.data, static_cast<Eigen::Index>(view.shape.rows), static_cast<Eigen::Index>(view.shape.cols),
          Eigen::OuterStride<>(static_cast<Eigen::Index>(view.leading_dimension))};
}

/// A row-major matrix, map, reference or block of one as a view. It must outlive the view, so temporaries are not taken
/// (name the map or block first). Column-major data and inner strides do not compile: a view has neither.
template <class Derived>
[[nodiscard]] auto as_view(Eigen::DenseBase<Derived>& matrix) {
  using scalar = typename Derived::Scalar;
  using element =
      std::conditional_t<static_cast<bool>(Eigen::internal::is_lvalue<Derived>::value), scalar, const scalar>;
  static_assert(
      static_cast<bool>(Derived::IsRowMajor),
      "qgrain::interop::as_view: a matrix_view is row-major; declare the matrix with Eigen::RowMajor, or view "
      "the transpose");
  static_assert(
      int(Eigen::internal::inner_stride_at_compile_time<Derived>::ret) == 1,
      "qgrain::interop::as_view: the columns of a matrix_view are neighbours; copy the expression to a matrix");
  Derived& own = matrix.derived();
  return matrix_view<element>(own.data(), {own.rows(), own.cols()}, own.outerStride());
}
/// The same of a matrix that is only read.
template <class Derived>
[[nodiscard]] auto as_view(const Eigen::DenseBase<Derived>& matrix) {
  static_assert(
      static_cast<bool>(Derived::IsRowMajor),
      "qgrain::interop::as_view: a matrix_view is row-major; declare the matrix with Eigen::RowMajor, or view "
      "the transpose");
  static_assert(
      int(Eigen::internal::inner_stride_at_compile_time<Derived>::ret) == 1,
      "qgrain::interop::as_view: the columns of a matrix_view are neighbours; copy the expression to a matrix");
  const Derived& own = matrix.derived();
  return matrix_view<const typename Derived::Scalar>(own.data(), {own.rows(), own.cols()}, own.outerStride());
}

/// A view of a temporary would outlive it.
template <class Derived>
void as_view(const Eigen::DenseBase<Derived>&& temporary) = delete;

}  // namespace qgrain::interop

#endif
