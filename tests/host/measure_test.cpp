// Codes and error figures in one pass: codes of `quantize`, figures of a plain loop in long double over formulas that
// are written out here.
#include <support/inputs.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/measure.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>
#include <qgrain/quantizer/recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

using namespace qgrain;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr group_tail padded = group_tail::zero_padding;

/// s = absmax / max is kept: element x is at x / s, the value of code q is q * s. `Reach` in halves of a step.
template <int Least2, int Most2>
struct integer_formula {
  static constexpr float least = Least2 / 2.0F;
  static constexpr float most = Most2 / 2.0F;
  static float scaled(float x, float scale) { return x / scale; }
  static float value(std::int8_t code, float scale) { return static_cast<float>(code) * scale; }
};
struct mxfp4_formula {
  static constexpr float least = -7.0F;
  static constexpr float most = 7.0F;
  static float scaled(float x, std::uint8_t scale) { return std::ldexp(x, 127 - scale); }
  static float value(std::uint8_t code, std::uint8_t scale) {
    constexpr std::array magnitudes{0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};
    const float magnitude = std::ldexp(magnitudes.at(code & 7U), scale - 127);
    return (code & 8U) != 0 ? -magnitude : magnitude;
  }
};

struct slow_sums {
  long double squared_error = 0, x_squared = 0, y_squared = 0, product = 0, largest = 0;
  index_t elements = 0, clipped = 0;
  void add(float x, float y, bool was_clipped) {
    const long double wide_x = x, wide_y = y;
    squared_error += (wide_x - wide_y) * (wide_x - wide_y);
    x_squared += wide_x * wide_x;
    y_squared += wide_y * wide_y;
    product += wide_x * wide_y;
    largest = std::max(largest, std::fabs(wide_x - wide_y));
    elements += 1;
    clipped += was_clipped ? 1 : 0;
  }
};

bool near(double found, long double wanted, long double size) {
  return std::fabs(static_cast<long double>(found) - wanted) <= 1e-12L * size;
}

void require_figures(const error_sums& found, const slow_sums& wanted) {
  BOOST_TEST_REQUIRE(found.elements == wanted.elements);
  BOOST_TEST_REQUIRE(found.clipped == wanted.clipped);
  BOOST_TEST_REQUIRE(near(found.squared_error, wanted.squared_error, wanted.squared_error));
  BOOST_TEST_REQUIRE(near(found.x_squared, wanted.x_squared, wanted.x_squared));
  BOOST_TEST_REQUIRE(near(found.y_squared, wanted.y_squared, wanted.y_squared));
  BOOST_TEST_REQUIRE(near(found.product, wanted.product, wanted.x_squared + wanted.y_squared));
  BOOST_TEST_REQUIRE(near(found.largest_error, wanted.largest, wanted.largest));
  const long double count = static_cast<long double>(wanted.elements);
  BOOST_TEST_REQUIRE(near(found.mse(), wanted.squared_error / count, wanted.squared_error / count));
}

bool same_sums(const std::vector<error_sums>& a, const std::vector<error_sums>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const error_sums& l, const error_sums& r) {
           return l.elements == r.elements && l.clipped == r.clipped && l.squared_error == r.squared_error &&
                  l.x_squared == r.x_squared && l.y_squared == r.y_squared && l.product == r.product &&
                  l.largest_error == r.largest_error;
         });
}

#ifdef QGRAIN_SANITIZED  // which is slow
constexpr int thread_counts[] = {2};
#else
constexpr int thread_counts[] = {1, 2, 3};
#endif

template <class Q, class Formula>
int compare(index_t some_clipped, const given_ranges& given = {}, typename Q::rounding_type rounding = {}) {
  int compared = 0;
  index_t clipped = 0;
  for (const shape2d shape : {shape2d{1, 1}, {3, 33}, {129, 300}, {2, 5000}, {1700, 130}, {1, 70'000}, {66'000, 2}}) {
    const std::vector<float> x = qgrain_test::bell_values(3, static_cast<std::size_t>(shape.elements()));
    const matrix_view<const float> in{x.data(), shape};
    const auto plain = quantize<Q>(on_host{}, in, given, rounding);

    slow_sums total;
    std::vector<slow_sums> groups(static_cast<std::size_t>(Q::scale_count(shape)));
    for (index_t i = 0; i < shape.elements(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      const auto group = static_cast<std::size_t>(Q::scale_index(shape, i / shape.cols, i % shape.cols));
      const float scaled = Formula::scaled(x[at], plain.scales[group]);
      const float value = Formula::value(plain.codes[at], plain.scales[group]);
      const bool beyond = scaled > Formula::most || scaled < Formula::least;
      total.add(x[at], value, beyond);
      groups[group].add(x[at], value, beyond);
    }
    clipped += total.clipped;

    std::vector<error_sums> first_total;
    std::vector<error_sums> first_groups;
    for (const int threads : thread_counts) {
      thread_pool pool(threads);
      const on_host where(pool);
      quantized_matrix<Q> out(shape);
      const error_sums sums = quantize_and_measure<Q>(where, in, out.view(), given, rounding);
      BOOST_TEST_REQUIRE((out.codes == plain.codes));
      BOOST_TEST_REQUIRE((out.scales == plain.scales));
      BOOST_TEST_REQUIRE(out.tensor_scale == plain.tensor_scale);
      require_figures(sums, total);

      quantized_matrix<Q> again(shape);
      std::vector<error_sums> group_sums(groups.size());
      group_sums.front().elements = 99;  // to be replaced
      quantize_and_measure<Q>(where, in, again.view(), group_sums, given, rounding);
      BOOST_TEST_REQUIRE((again.codes == plain.codes));
      BOOST_TEST_REQUIRE((again.scales == plain.scales));
      for (std::size_t g = 0; g < groups.size(); ++g) require_figures(group_sums[g], groups[g]);

      if (first_total.empty()) {
        first_total = {sums};
        first_groups = group_sums;
      }
      BOOST_TEST_REQUIRE(same_sums({sums}, first_total));
      BOOST_TEST_REQUIRE(same_sums(group_sums, first_groups));
      ++compared;
    }
  }
  BOOST_TEST(clipped >= some_clipped);
  BOOST_TEST((some_clipped > 0 || clipped == 0));
  return compared;
}

using int8_formula = integer_formula<-257, 255>;
using int4_formula = integer_formula<-17, 15>;

template <class Q>
error_sums measured(const std::vector<float>& x, const given_ranges& given = {}) {
  const shape2d shape{1, static_cast<index_t>(x.size())};
  quantized_matrix<Q> out(shape);
  return quantize_and_measure<Q>(on_host{}, matrix_view<const float>{x.data(), shape}, out.view(), given);
}

}  // namespace

BOOST_AUTO_TEST_CASE(codes_of_quantize_and_figures_of_the_plain_loop) {
  int compared = compare<quantizer<int8, per_tensor>, int8_formula>(0);
  compared += compare<quantizer<int4, per_channel<0>>, int4_formula>(0);
  compared += compare<quantizer<int4, per_channel<1>>, int4_formula>(0);
  compared += compare<quantizer<int4, per_tile<16, 32>>, int4_formula>(0);
  compared += compare<quantizer<int8, per_group<32, padded>>, int8_formula>(0);
  compared += compare<quantizer<int8, per_group<48, padded>>, int8_formula>(0);
  compared += compare<quantizer<int4, per_tensor, absmax_f32, stochastic>, int4_formula>(0, {}, stochastic{3});
  compared += compare<mxfp4_ocp, mxfp4_formula>(1000);
  const std::vector<float> range = {1.5F};
  compared += compare<quantizer<int8, per_tensor>, int8_formula>(1000, {range, {}});
  constexpr int cases = 63 * static_cast<int>(std::size(thread_counts));
  BOOST_TEST_MESSAGE(compared << " of " << cases << " cases");
  BOOST_TEST(compared == cases);
}

BOOST_AUTO_TEST_CASE(clipped_is_more_than_half_a_step_beyond_the_ends) {
  const auto count = []<class Q>(std::type_identity<Q>, float range, const std::vector<float>& x) {
    const std::vector<float> ranges = {range};  // scale 1
    return measured<Q>(x, {ranges, {}}).clipped;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::type_identity<quantizer<int8, per_tensor>> to_int8;
  BOOST_TEST(count(to_int8, 127.0F, {127.0F, 127.4F, 127.5F, -128.0F, -128.4F, -128.5F, 0.0F, nan}) == 0);
  BOOST_TEST(count(to_int8, 127.0F, {127.6F, -128.6F, 1000.0F, infinity, -infinity, 5.0F}) == 5);
  const std::type_identity<quantizer<int8_narrow, per_tensor>> to_narrow;
  BOOST_TEST(count(to_narrow, 127.0F, {-127.4F, -127.6F}) == 1);
  const std::type_identity<quantizer<qgrain::uint4, per_tensor>> to_uint4;
  BOOST_TEST(count(to_uint4, 15.0F, {-0.4F, 15.4F, -0.6F, 15.6F}) == 2);
  const std::type_identity<quantizer<float8_e4m3fn, per_tensor>> to_e4m3;
  BOOST_TEST(count(to_e4m3, 448.0F, {464.0F, -464.0F, nan}) == 0);
  BOOST_TEST(count(to_e4m3, 448.0F, {465.0F, -465.0F, infinity}) == 3);
  const std::type_identity<quantizer<float8_e5m2, per_tensor>> to_e5m2;
  BOOST_TEST(count(to_e5m2, 57344.0F, {61440.0F, 61441.0F, -61441.0F}) == 2);
  const std::type_identity<modelopt_packed_nf4<per_tensor>> to_nf4;  // 1 and 0.72265625 are the last levels
  BOOST_TEST(count(to_nf4, 1.0F, {1.138F, 1.139F}) == 1);
  BOOST_TEST(count(to_nf4, 1.0F, {-1.151F, -1.153F}) == 1);  // -1 and -0.6953125
}

BOOST_AUTO_TEST_CASE(two_levels_and_exact_data) {
  std::vector<float> x(64);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 15) - 7.0F;
  const error_sums exact = measured<quantizer<int4, per_group<32>>>(x);
  BOOST_TEST(exact.mse() == 0.0);
  BOOST_TEST(exact.sqnr_db() == static_cast<double>(infinity));
  BOOST_TEST(exact.cosine() == 1.0);

  quantized_matrix<nvfp4_modelopt> out({1, 64});
  const error_sums sums =
      quantize_and_measure<nvfp4_modelopt>(on_host{}, matrix_view<const float>{x.data(), {1, 64}}, out.view());
  std::vector<float> y(64);
  dequantize<nvfp4_modelopt>(on_host{}, out.view(), matrix_view<float>{y.data(), {1, 64}});
  slow_sums wanted;
  for (std::size_t i = 0; i < x.size(); ++i) wanted.add(x[i], y[i], false);
  require_figures(sums, wanted);
}

BOOST_AUTO_TEST_CASE(nan_shows_in_its_group_only) {
  std::vector<float> x(64, 1.0F);
  x[40] = std::numeric_limits<float>::quiet_NaN();
  using q = quantizer<int8, per_group<32>>;
  quantized_matrix<q> out({1, 64});
  std::array<error_sums, 2> groups;
  quantize_and_measure<q>(on_host{}, matrix_view<const float>{x.data(), {1, 64}}, out.view(), groups);
  BOOST_TEST(groups[0].mse() == 0.0);
  BOOST_TEST(std::isnan(groups[1].mse()));
  BOOST_TEST(groups[1].elements == 32);
}

BOOST_AUTO_TEST_CASE(sixteen_bit_elements_are_measured_as_float32) {
  const std::vector<float> x = qgrain_test::bell_values(12, 300 * 40);
  std::vector<bfloat16> narrow;
  std::vector<float> wide;
  for (const float v : x) {
    narrow.push_back(from_float<bfloat16>(v));
    wide.push_back(to_float(narrow.back()));
  }
  using q = quantizer<int4, per_channel<1>>;
  quantized_matrix<q> out({300, 40});
  const error_sums a =
      quantize_and_measure<q>(on_host{}, matrix_view<const bfloat16>{narrow.data(), {300, 40}}, out.view());
  const error_sums b = quantize_and_measure<q>(on_host{}, matrix_view<const float>{wide.data(), {300, 40}}, out.view());
  BOOST_TEST(same_sums({a}, {b}));
}

BOOST_AUTO_TEST_CASE(memory_for_sums_is_checked_first_and_spare_memory_stays) {
  std::vector<float> x(64, 1.0F);
  using q = quantizer<int8, per_group<32>>;
  quantized_matrix<q> out({1, 64});
  std::vector<error_sums> groups(3);
  for (error_sums& sums : groups) sums.elements = 77;
  std::fill(out.codes.begin(), out.codes.end(), std::int8_t{5});
  const matrix_view<const float> in{x.data(), {1, 64}};
  BOOST_CHECK_EXCEPTION(quantize_and_measure<q>(on_host{}, in, out.view(), std::span(groups).first(1)), error,
                        [](const error& failure) {
                          return failure.code() == errc::buffer_too_small &&
                                 std::string_view(failure.what()).find("needs 2, has 1") != std::string_view::npos;
                        });
  BOOST_TEST(groups[0].elements == 77);
  BOOST_TEST(std::count(out.codes.begin(), out.codes.end(), std::int8_t{5}) == 64);
  quantize_and_measure<q>(on_host{}, in, out.view(), groups);
  BOOST_TEST(groups[0].elements == 32);
  BOOST_TEST(groups[1].elements == 32);
  BOOST_TEST(groups[2].elements == 77);
}
