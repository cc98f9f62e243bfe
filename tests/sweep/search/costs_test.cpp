#include <recipes/fake_recipes.hpp>
#include <sweep/search/costs.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/modelopt.hpp>
#include <qgrain/interop/ocp_mx.hpp>
#include <qgrain/interop/quantized_codes.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <string>
#include <vector>

using namespace qgrain;
using namespace qgrain::sweep;

namespace {

std::vector<float> some_values(shape2d shape) {
  std::vector<float> x(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(3 * i + 1));
  return x;
}

template <class Q>
quantized_matrix<Q> quantized(shape2d shape) {
  const std::vector<float> x = some_values(shape);
  return quantize<Q>(on_host{}, matrix_view<const float>{x.data(), shape});
}

// The bytes of codes that are packed row by row, scales and tensor scale as `quantize` returns them.
template <class Q>
std::size_t packed_size(shape2d shape) {
  const auto q = quantized<Q>(shape);
  std::size_t bytes = q.scales.size() * sizeof(q.scales[0]) + (Q::scale_type::tensor_bits > 0 ? sizeof(float) : 0);
  for (index_t r = 0; r < shape.rows; ++r) {
    std::vector<std::uint8_t> row(static_cast<std::size_t>(packed_bytes(shape.cols, Q::format_type::bits)));
    pack_codes(q.codes.data() + r * shape.cols, shape.cols, Q::format_type::bits, bit_order::low_first, row.data());
    bytes += row.size();
  }
  return bytes;
}

// The bytes of another tool's file.
template <class Store, class Q>
std::size_t stored_size(shape2d shape) {
  auto q = quantized<Q>(shape);
  const auto store = Store::from_codes(interop::codes_of(q.view()));
  return store.elements.size() + store.scales.size() + (Q::scale_type::tensor_bits > 0 ? sizeof(float) : 0);
}

void check_bytes(const char* name, shape2d shape, std::size_t bytes) {
  const fake_recipe recipe = recipes::find_fake_recipe(name);
  BOOST_TEST_CONTEXT(name << " at " << shape.rows << " x " << shape.cols) {
    BOOST_TEST(static_cast<std::size_t>(recipe.stored_bytes(shape)) == bytes);
    BOOST_TEST(
        recipe.bits_per_element(shape) * static_cast<double>(shape.elements()) == 8.0 * static_cast<double>(bytes),
        boost::test_tools::tolerance(1e-15));
    const layer_list layers{{"a"}, {static_cast<double>(shape.elements())}, {shape}};
    BOOST_TEST(layer_costs(layers, cost_model::stored, 0.25, name).at(0) == static_cast<double>(bytes) / 2);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(stored_bytes_are_those_of_packed_codes_and_scales) {
  for (const shape2d shape : {shape2d{5, 50}, {3, 133}, {150, 64}, {1, 33}}) {
    check_bytes("int4/group32", shape, packed_size<modelopt_integer<int4, per_group<32>>>(shape));
    check_bytes("int3/per_out_channel", shape, packed_size<modelopt_integer<int3, per_channel<0>>>(shape));
    check_bytes("int5/per_in_channel", shape, packed_size<modelopt_integer<int5, per_channel<1>>>(shape));
    check_bytes("int8/per_tensor", shape, packed_size<modelopt_integer<int8, per_tensor>>(shape));
    check_bytes("fp8/tile128x128", shape, packed_size<modelopt_fp8<per_tile<128, 128>>>(shape));
  }
}

BOOST_AUTO_TEST_CASE(stored_bytes_of_block_formats_are_those_of_their_stores) {
  for (const shape2d shape : {shape2d{4, 64}, {5, 50}, {3, 133}, {1, 7}}) {
    check_bytes("nvfp4_modelopt", shape, stored_size<interop::modelopt_nvfp4_weights, nvfp4_modelopt>(shape));
    check_bytes("mxfp4_modelopt", shape, stored_size<interop::modelopt_mxfp4_weights, mxfp4_modelopt>(shape));
    check_bytes("mxfp6_e2m3_ocp", shape, stored_size<interop::ocp_mxfp6_e2m3, mxfp6_e2m3_ocp>(shape));
    check_bytes("mxfp8_e5m2_ocp", shape, stored_size<interop::ocp_mxfp8_e5m2, mxfp8_e5m2_ocp>(shape));
  }
}

BOOST_AUTO_TEST_CASE(nominal_costs_and_what_is_not_quantized) {
  const layer_list layers{{"a", "b"}, {100, 60}, {{10, 10}, {6, 10}}};
  BOOST_TEST(layer_costs(layers, cost_model::nominal, 0.25, "int4/group128") == (std::vector<double>{25, 15}),
             boost::test_tools::per_element());
  BOOST_TEST(layer_costs(layers, cost_model::stored, 0.5, "fp16") == layers.sizes, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(bad_input) {
  BOOST_CHECK_THROW((void)layer_costs({{"a"}, {100}}, cost_model::stored, 0.5, "int8/per_tensor"), qgrain::error);
  BOOST_CHECK_EXCEPTION(
      (void)layer_costs({{"a"}, {100}, {{10, 10}}}, cost_model::stored, 0.5, "int8/per_tensr"), qgrain::error,
      [](const qgrain::error& e) { return std::string(e.what()).find("int8/per_tensor") != std::string::npos; });
  BOOST_CHECK_THROW((void)cost_model_from("true"), qgrain::error);
  for (const cost_model how : {cost_model::nominal, cost_model::stored})
    BOOST_TEST((cost_model_from(name_of(how)) == how));
}
