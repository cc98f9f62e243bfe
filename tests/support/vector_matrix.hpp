// A golden tensor as a matrix under a granularity: how tensors of any rank become rows and columns.
#ifndef QGRAIN_TESTS_SUPPORT_VECTOR_MATRIX_HPP
#define QGRAIN_TESTS_SUPPORT_VECTOR_MATRIX_HPP

#include <support/vector_file.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>

#include <cstring>
#include <vector>

namespace qgrain_test {

/// Rows are the leading dimensions and columns the last one, except for axis 0, where everything behind it is one row.
[[nodiscard]] inline qgrain::shape2d matrix_shape(const tensor& t, bool axis_0) {
  const std::int64_t cols = axis_0 ? t.count() / t.shape.front() : t.shape.back();
  return {t.count() / cols, cols};
}

/// The elements as the library's type.
template <class T>
[[nodiscard]] std::vector<T> elements_of(const tensor& t) {
  std::vector<T> values(static_cast<std::size_t>(t.count()));
  std::memcpy(values.data(), t.bytes.data(), values.size() * sizeof(T));
  return values;
}

template <class T>
[[nodiscard]] std::vector<float> widened(const std::vector<T>& values) {
  std::vector<float> wide;
  for (const T x : values) wide.push_back(qgrain::to_float(x));
  return wide;
}

/// Rounds to bfloat16 and back where the tool's output was bfloat16.
[[nodiscard]] inline std::vector<float> rounded_to(const std::string& dtype, std::vector<float> values) {
  if (dtype == "BF16") {
    for (float& x : values) x = qgrain::to_float(qgrain::from_float<qgrain::bfloat16>(x));
  }
  return values;
}

}  // namespace qgrain_test

#endif
