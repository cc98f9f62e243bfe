// Owned float storage, aligned for vector loads, and the matrix type of the language model.
#ifndef QGRAIN_LM_BUFFER_HPP
#define QGRAIN_LM_BUFFER_HPP

#include <qgrain/core/matrix_view.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>

namespace qgrain::lm {

using qgrain::index_t;

/// Rows of a matrix that a unit of work takes.
inline constexpr index_t task_rows = 128;

/// A row-major [rows, cols] view of floats with a row stride, as Eigen sees it. Never owns.
using matrix = Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, Eigen::Unaligned,
                          Eigen::OuterStride<>>;
using const_matrix = Eigen::Map<const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>,
                                Eigen::Unaligned, Eigen::OuterStride<>>;
using row_vector = Eigen::Map<Eigen::Array<float, 1, Eigen::Dynamic>>;
using const_row_vector = Eigen::Map<const Eigen::Array<float, 1, Eigen::Dynamic>>;

[[nodiscard]] inline matrix as_matrix(float* data, index_t rows, index_t cols) {
  return {data, rows, cols, Eigen::OuterStride<>(cols)};
}
[[nodiscard]] inline const_matrix as_matrix(const float* data, index_t rows, index_t cols) {
  return {data, rows, cols, Eigen::OuterStride<>(cols)};
}
/// Rows [begin, end) of `m`.
[[nodiscard]] inline matrix rows_of(matrix m, index_t begin, index_t end) {
  return {m.data() + begin * m.outerStride(), end - begin, m.cols(), Eigen::OuterStride<>(m.outerStride())};
}
[[nodiscard]] inline const_matrix rows_of(const_matrix m, index_t begin, index_t end) {
  return {m.data() + begin * m.outerStride(), end - begin, m.cols(), Eigen::OuterStride<>(m.outerStride())};
}
/// The same view without the right to write.
[[nodiscard]] inline const_matrix as_const(matrix m) {
  return {m.data(), m.rows(), m.cols(), Eigen::OuterStride<>(m.outerStride())};
}

/// Uninitialized floats on a cache-line boundary, released on destruction. Movable, not copyable.
class buffer {
 public:
  buffer() = default;
  explicit buffer(index_t floats)
      : data_(static_cast<float*>(::operator new(static_cast<std::size_t>(floats) * sizeof(float), alignment))),
        size_(floats) {}

  [[nodiscard]] float* data() noexcept { return data_.get(); }
  [[nodiscard]] const float* data() const noexcept { return data_.get(); }
  [[nodiscard]] index_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<float> all() noexcept { return {data_.get(), static_cast<std::size_t>(size_)}; }
  [[nodiscard]] matrix view(index_t rows, index_t cols) { return as_matrix(data(), rows, cols); }
  [[nodiscard]] const_matrix view(index_t rows, index_t cols) const { return as_matrix(data(), rows, cols); }

 private:
  static constexpr std::align_val_t alignment{64};
  struct release {
    void operator()(float* data) const noexcept { ::operator delete(data, alignment); }
  };
  std::unique_ptr<float, release> data_;
  index_t size_ = 0;
};

}  // namespace qgrain::lm

#endif
