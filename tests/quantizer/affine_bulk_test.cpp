// Affine and 16-bit scales through the bulk operations: equal to the plain loop over the definition, whatever the
// granularity, element type and number of threads; given scales; bad input.
#include <support/conformance.hpp>
#include <support/inputs.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/symmetric.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

using namespace qgrain;

namespace {

using torchao = affine_by<invert_round_add, zero_point_rounded_first, at_least_own_epsilon>;
using compressed = symmetric_by<divide_add_round, at_least_f32_epsilon, bfloat16, to_half_range>;

std::vector<float> some_matrix(shape2d shape) {
  qgrain_test::random_source random(11);
  std::vector<float> x(static_cast<std::size_t>(shape.elements()));
  for (float& v : x) v = std::ldexp(static_cast<float>(random.next() % 2001) - 700.0F, -5);
  return x;
}

template <class Q>
void compare(shape2d shape) {
  const std::vector<float> x = some_matrix(shape);
  const auto plain = qgrain_test::encode_own<Q>(x, shape);
  for (const int threads : {1, 3}) {
    auto bulk = quantize<Q>(thread_pool(threads), matrix_view<const float>{x.data(), shape});
    BOOST_TEST((bulk.codes == plain.codes), Q::granularity_type::name());
    BOOST_TEST((bulk.scales == plain.scales), Q::granularity_type::name());
    std::vector<float> y(x.size());
    dequantize<Q>(thread_pool(threads), bulk.view(), matrix_view<float>{y.data(), shape});
    BOOST_TEST(qgrain_test::differences(y, plain.values) == 0U);
    fake_quantize<Q>(thread_pool(threads), {x.data(), shape}, matrix_view<float>{y.data(), shape});
    for (float& v : y) v = v == 0.0F ? 0.0F : v;  // fake quantization keeps the sign of zero, integers have none
    BOOST_TEST(qgrain_test::differences(y, plain.values) == 0U);
    bulk.codes.assign(bulk.codes.size(), 0);
    quantize_with_scales<Q>(thread_pool(threads), {x.data(), shape}, {bulk.scales}, bulk.codes);
    BOOST_TEST((bulk.codes == plain.codes), "given scales, " << Q::granularity_type::name());
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(bulk_operations_follow_the_definition) {
  const shape2d shape{613, 131};  // several chunks of rows
  compare<quantizer<int8, per_tensor, torchao>>(shape);
  compare<quantizer<int8, per_channel<0>, torchao>>(shape);
  compare<quantizer<int8, per_channel<1>, torchao>>(shape);
  compare<quantizer<int8, per_tile<16, 32>, torchao>>(shape);
  compare<quantizer<int8, per_group<32>, compressed>>(shape);
}

BOOST_AUTO_TEST_CASE(a_nan_makes_its_group_nan_and_leaves_the_others) {
  using recipe = quantizer<int8, per_group<32>, torchao>;
  for (const float sign : {1.0F, -1.0F}) {
    std::vector<float> x = some_matrix({2, 64});
    x[40] = std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
    const auto got = quantize<recipe>(on_host{}, matrix_view<const float>{x.data(), {2, 64}});
    BOOST_TEST(std::isnan(got.scales[1].scale));
    BOOST_TEST(got.scales[1].zero_point == 0);
    BOOST_TEST(!std::isnan(got.scales[0].scale));
    BOOST_TEST(!std::isnan(got.scales[2].scale));
  }
}

BOOST_AUTO_TEST_CASE(ranges_with_one_end_are_refused) {
  using recipe = quantizer<int8, per_tensor, torchao>;
  const std::vector<float> x(64, 1.0F);
  const float absmax = 2.0F;
  const auto is_argument = [](const error& e) { return e.code() == errc::invalid_argument; };
  BOOST_CHECK_EXCEPTION(
      (void)quantize<recipe>(on_host{}, matrix_view<const float>{x.data(), {2, 32}}, given_ranges{{&absmax, 1}, {}}),
      error, is_argument);
}
