// What entry points of every backend ask of their arguments, as exceptions that name both numbers.
#ifndef QGRAIN_CORE_DETAIL_REQUIREMENTS_HPP
#define QGRAIN_CORE_DETAIL_REQUIREMENTS_HPP

#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/status.hpp>

#include <string>

namespace qgrain::detail {

inline void require_shape(status verdict, const std::string& what, shape2d shape) {
  if (verdict) return;
  throw error(verdict.code(), what + " cannot take a " + std::to_string(shape.rows) + " x " +
                                  std::to_string(shape.cols) + " matrix: the rule asks for " +
                                  std::to_string(verdict.wanted()) + ", found " + std::to_string(verdict.found()));
}

inline void require_same(const char* what, index_t wanted, index_t found) {
  if (wanted == found) return;
  throw error(errc::invalid_shape,
              std::string(what) + ": expected " + std::to_string(wanted) + ", found " + std::to_string(found));
}

inline void require_size(const char* what, index_t wanted, index_t found) {
  if (found >= wanted) return;
  throw error(errc::buffer_too_small,
              std::string(what) + ": needs " + std::to_string(wanted) + ", has " + std::to_string(found));
}

/// Of a matrix whose shape has been checked: there is memory, rows do not overlap, and the last one can be addressed.
template <class T>
void require_matrix(const char* what, matrix_view<T> matrix) {
  if (matrix.data == nullptr) throw error(errc::invalid_argument, std::string(what) + " has no memory");
  require_size(what, matrix.shape.cols, matrix.leading_dimension);
  const index_t most = max_matrix_elements / matrix.shape.rows;
  if (matrix.leading_dimension > most) {
    throw error(errc::invalid_shape, std::string(what) + ": " + std::to_string(matrix.shape.rows) +
                                         " rows can be at most " + std::to_string(most) + " elements apart, found " +
                                         std::to_string(matrix.leading_dimension));
  }
}

}  // namespace qgrain::detail

#endif
