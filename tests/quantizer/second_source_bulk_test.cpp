// Bulk quantization under each granularity, in each storage type, against slow definitions of groups and scales.
#include <support/reference_scales.hpp>
#include <support/second_source.hpp>

#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <vector>

using namespace qgrain;
using qgrain_test::reference_matrix;
using qgrain_test::test_matrix;

namespace {

template <class Q, class T>
reference_matrix in_bulk(const test_matrix& m) {
  std::vector<T> x;
  for (const float v : m.x) x.push_back(from_float<T>(v));
  std::vector<T> values(x.size());
  std::vector<T> fakes(x.size());
  const matrix_view<const T> in{x.data(), m.shape};
  auto got = quantize<Q>(thread_pool(2), in);
  dequantize<Q>(on_host{}, got.view(), matrix_view<T>{values.data(), m.shape});
  fake_quantize<Q>(on_host{}, in, matrix_view<T>{fakes.data(), m.shape});
  reference_matrix out;
  for (const auto& s : got.scales) {
    out.scales.push_back(qgrain_test::stored_number(s));
    out.zero_points.push_back(qgrain_test::stored_zero_point(s));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    out.codes.push_back(got.codes[i]);
    out.values.push_back(to_float(values[i]));
    out.fakes.push_back(to_float(fakes[i]));
  }
  return out;
}

struct group_size {
  std::size_t rows = 0;  ///< 0: all of them
  std::size_t cols = 0;
};

template <class Granularity, class T>
void compare(qgrain_test::second_source_books& books, const std::string& name, const qgrain_test::reference_type& t,
             group_size group) {
  using recipe = compressed_tensors_asymmetric<int8, Granularity, T>;
  const auto reference = qgrain_test::reference_compressed_asymmetric(qgrain_test::reference_integer(-128, 127), t);
  for (const test_matrix& m : qgrain_test::test_matrices(127.0F, t)) {
    const auto rows = static_cast<std::size_t>(m.shape.rows);
    const auto cols = static_cast<std::size_t>(m.shape.cols);
    const auto wanted = qgrain_test::reference_quantize(reference, m.x, rows, cols, group.rows == 0 ? rows : group.rows,
                                                        group.cols == 0 ? cols : group.cols);
    books.compare(name, m, in_bulk<recipe, T>(m), wanted);
  }
}

template <class T>
void compare_all(const std::string& type, const qgrain_test::reference_type& t) {
  qgrain_test::second_source_books books;
  compare<per_tensor, T>(books, "tensor", t, {0, 0});
  compare<per_channel<0>, T>(books, "row", t, {1, 0});
  compare<per_channel<1>, T>(books, "column", t, {0, 1});
  compare<per_token, T>(books, "token", t, {1, 0});
  compare<per_group<32>, T>(books, "group", t, {1, 32});
  compare<per_tile<16, 32>, T>(books, "tile", t, {16, 32});
  books.report("bulk, " + type);
}

}  // namespace

BOOST_AUTO_TEST_CASE(float32) { compare_all<float>("float32", qgrain_test::in_f32); }
BOOST_AUTO_TEST_CASE(bfloat16_elements) { compare_all<bfloat16>("bfloat16", qgrain_test::in_bf16); }
BOOST_AUTO_TEST_CASE(float16_elements) { compare_all<float16>("float16", qgrain_test::in_f16); }
