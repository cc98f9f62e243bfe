// A stack whose matrices have a given tensor scale each: what its calls write, compared with one call per matrix.
#ifndef QGRAIN_TESTS_SUPPORT_GIVEN_TENSOR_SCALES_HPP
#define QGRAIN_TESTS_SUPPORT_GIVEN_TENSOR_SCALES_HPP

#include <support/inputs.hpp>

#include <qgrain/core/stack_view.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/quantizer/quantized_stack.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace qgrain_test {

struct given_tensor_scales {
  using quantizer = qgrain::nvfp4_modelopt;

  qgrain::matrix_stack extent{3, {4, 32}};
  std::vector<float> given{0.0123F, 0.00045F, 0.7F};
  std::vector<float> x = bell_values(4, 3 * 4 * 32);
  std::vector<std::uint8_t> codes = std::vector<std::uint8_t>(x.size());
  std::vector<std::uint8_t> scales = std::vector<std::uint8_t>(24);
  std::vector<float> tensor_scales = std::vector<float>(3);
  std::vector<std::uint8_t> packed = std::vector<std::uint8_t>(x.size() / 2);
  std::vector<std::uint8_t> packed_scales = std::vector<std::uint8_t>(24);
  std::vector<float> packed_tensor_scales = std::vector<float>(3);
  std::vector<float> fake = std::vector<float>(x.size());

  [[nodiscard]] qgrain::stack_view<const float> in() const { return {x.data(), extent}; }
  [[nodiscard]] qgrain::quantized_stack_view<quantizer> out() {
    return {codes.data(), scales.data(), tensor_scales.data(), extent};
  }
  [[nodiscard]] qgrain::packed_stack_view<quantizer> packed_out() {
    return {packed.data(), packed_scales.data(), packed_tensor_scales.data(), extent};
  }
  [[nodiscard]] qgrain::stack_view<float> fake_out() { return {fake.data(), extent}; }

  void check_each_matrix() const {
    using namespace qgrain;
    BOOST_TEST(tensor_scales == given);
    BOOST_TEST(packed_tensor_scales == given);
    for (std::size_t i = 0; i < given.size(); ++i) {
      const given_ranges of_matrix{.tensor_scale = given[i]};
      const auto matrix = in()[static_cast<index_t>(i)];
      const auto alone = quantize<quantizer>(on_host{}, matrix, of_matrix);
      BOOST_TEST(std::equal(alone.codes.begin(), alone.codes.end(), codes.data() + 128 * i));
      BOOST_TEST(std::equal(alone.scales.begin(), alone.scales.end(), scales.data() + 8 * i));
      const auto dense = quantize_packed<quantizer>(on_host{}, matrix, of_matrix);
      BOOST_TEST(std::equal(dense.codes.begin(), dense.codes.end(), packed.data() + 64 * i));
      BOOST_TEST(std::equal(dense.scales.begin(), dense.scales.end(), packed_scales.data() + 8 * i));
      std::vector<float> back(128);
      fake_quantize<quantizer>(on_host{}, matrix, matrix_view(back.data(), extent.shape), of_matrix);
      BOOST_TEST(std::equal(back.begin(), back.end(), fake.data() + 128 * i));
    }
  }
};

}  // namespace qgrain_test

#endif
