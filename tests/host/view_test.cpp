// Views to read and views to modify: every operation that only reads takes both, with the same bytes.
#include <qgrain/host/measure.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/packed_view.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

using namespace qgrain;

namespace {

constexpr shape2d shape{3, 64};
using grouped = quantizer<int4, per_group<32>>;
using two_level = nvfp4_modelopt;

template <class T>
std::vector<T> ramp() {
  std::vector<T> x;
  for (index_t i = 0; i < shape.elements(); ++i) x.push_back(from_float<T>(static_cast<float>(i % 37) - 17.5F));
  return x;
}

/// A function that any engine would write: it promises not to change the weights.
template <class Q>
std::vector<float> decoded(const quantized_matrix<Q>& weights) {
  std::vector<float> y(static_cast<std::size_t>(weights.shape.elements()));
  dequantize<Q>(on_host{}, weights.view(), matrix_view<float>{y.data(), weights.shape});
  return y;
}

template <class Q, class T>
void check_inputs() {
  std::vector<T> x = ramp<T>();
  const matrix_view<const T> to_read{x.data(), shape};
  matrix_view<T> to_modify{x.data(), shape};
  const auto wanted = quantize<Q>(on_host{}, to_read);
  const auto equal = [&](const quantized_matrix<Q>& found) {
    return found.codes == wanted.codes && found.scales == wanted.scales && found.tensor_scale == wanted.tensor_scale;
  };
  BOOST_TEST(equal(quantize<Q>(on_host{}, to_modify)));
  BOOST_TEST(equal(quantize<Q, const T>(on_host{}, {x.data(), shape})));
  BOOST_TEST(equal(quantize<Q>(on_host{}, matrix_view(x.data(), shape))));
  quantized_matrix<Q> out(shape);
  quantize<Q>(on_host{}, to_modify, out.view());
  BOOST_TEST(equal(out));
  out = quantized_matrix<Q>(shape);
  const error_sums all = quantize_and_measure<Q>(on_host{}, to_modify, out.view());
  BOOST_TEST(equal(out));
  BOOST_TEST(all.elements == shape.elements());
  out = quantized_matrix<Q>(shape);
  std::vector<error_sums> groups(out.scales.size());
  quantize_and_measure<Q>(on_host{}, to_modify, out.view(), groups);
  BOOST_TEST(equal(out));
}

template <class Q>
void check_outputs() {
  const std::vector<float> x = ramp<float>();
  auto weights = quantize<Q>(on_host{}, {x.data(), shape});
  const quantized_matrix<Q>& constant = weights;
  const std::vector<float> wanted = decoded(constant);
  static_assert(std::same_as<decltype(constant.view()), quantized_view<const Q>>);
  static_assert(std::is_convertible_v<quantized_view<Q>, quantized_view<const Q>>);
  static_assert(!std::is_convertible_v<quantized_view<const Q>, quantized_view<Q>>);
  static_assert(!std::is_assignable_v<decltype(*constant.view().codes), typename Q::code_type>);
  std::vector<float> y(wanted.size());
  const auto check = [&] {
    BOOST_TEST(y == wanted, boost::test_tools::per_element());
    y.assign(y.size(), 0.0F);
  };
  const matrix_view<float> out{y.data(), shape};
  dequantize<Q>(on_host{}, weights.view(), out);
  check();
  dequantize(on_host{}, constant.view(), out);  // the view names the quantizer
  check();
  dequantize(on_host{}, weights.view(), out);
  check();
  const auto of_spans =
      view_of<const Q>(shape, std::span(constant.codes), std::span(constant.scales), &constant.tensor_scale);
  dequantize<Q>(on_host{}, of_spans, out);
  check();
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c)
      BOOST_TEST(of_spans(r, c) == wanted[static_cast<std::size_t>(r * shape.cols + c)]);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(inputs_to_read_and_to_modify) {
  check_inputs<grouped, float>();
  check_inputs<grouped, bfloat16>();
  check_inputs<grouped, float16>();
  check_inputs<two_level, bfloat16>();
}

BOOST_AUTO_TEST_CASE(braces_are_views_of_floats) {
  std::vector<float> x = ramp<float>();
  quantized_matrix<grouped> out(shape);
  quantize<grouped>(on_host{}, {x.data(), shape}, out.view());
  BOOST_TEST((out.codes == quantize<grouped>(on_host{}, {x.data(), shape}).codes));
}

BOOST_AUTO_TEST_CASE(constant_codes_are_decoded) {
  check_outputs<grouped>();
  check_outputs<two_level>();
}

BOOST_AUTO_TEST_CASE(constant_packed_codes_are_read) {
  const std::vector<float> x = ramp<float>();
  const auto weights = quantize<grouped>(on_host{}, {x.data(), shape});
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(packed_bytes(shape.elements(), 4)));
  pack_codes<grouped::code_type>(weights.codes, 4, bit_order::low_first, bytes);
  const std::vector<std::uint8_t>& constant = bytes;
  const packed_view<const grouped> view{constant.data(), weights.scales.data(), nullptr, shape};
  const std::vector<float> wanted = decoded(weights);
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c)
      BOOST_TEST(view(r, c) == wanted[static_cast<std::size_t>(r * shape.cols + c)]);
  }
}
