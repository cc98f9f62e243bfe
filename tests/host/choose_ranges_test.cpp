// Ranges by choice against slow definitions: percentiles by sorting, errors by brute force, four over six restated.
#include <support/inputs.hpp>
#include <support/reference_codec.hpp>

#include <qgrain/format/codebook.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/choose_ranges.hpp>
#include <qgrain/host/parallel.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/signed_max.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

using namespace qgrain;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

template <class T>
bool same_bytes(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/// The elements of each group, row by row, found by the group's number alone.
template <class Q>
std::vector<std::vector<float>> groups_of(const std::vector<float>& x, shape2d shape) {
  std::vector<std::vector<float>> groups(static_cast<std::size_t>(Q::scale_count(shape)));
  for (index_t r = 0; r < shape.rows; ++r) {
    for (index_t c = 0; c < shape.cols; ++c) {
      groups[static_cast<std::size_t>(Q::scale_index(shape, r, c))].push_back(
          x[static_cast<std::size_t>(r * shape.cols + c)]);
    }
  }
  return groups;
}

/// numpy.percentile(values, percent) in double.
double percentile_by_sorting(std::vector<double> values, double percent) {
  std::sort(values.begin(), values.end());
  const double position = percent / 100.0 * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (position - static_cast<double>(below));
}

/// Ranges under several thread counts and strides, which must all be the same.
template <class Q, class Choice>
auto ranges_everyhow(const std::vector<float>& x, shape2d shape, const Choice& choice) {
  const auto first = choose_ranges<Q>(on_host{}, {x.data(), shape}, choice);
  for (const int threads : {2, 3}) {
    BOOST_TEST_REQUIRE(same_bytes(choose_ranges<Q>(thread_pool(threads), {x.data(), shape}, choice), first));
  }
  const index_t stride = shape.cols + 7;
  std::vector<float> wide(static_cast<std::size_t>(shape.rows * stride), 1e30F);
  for (index_t r = 0; r < shape.rows; ++r) std::copy_n(x.data() + r * shape.cols, shape.cols, wide.data() + r * stride);
  BOOST_TEST_REQUIRE(same_bytes(choose_ranges<Q>(thread_pool(2), {wide.data(), shape, stride}, choice), first));
  return first;
}

/// `levels`: at most so many values of each sign, so that many are equal; 0: as they come.
template <class Granularity>
void compare_percentiles(shape2d shape, float levels = 0.0F) {
  using q = quantizer<int8, Granularity>;
  using affine = quantizer<int8, Granularity, affine_by<divide_add_round, zero_point_rounded_last>>;
  std::vector<float> x = qgrain_test::bell_values(4, static_cast<std::size_t>(shape.elements()));
  if (levels > 0) {
    for (float& v : x) v = std::clamp(std::round(v * levels / 2.0F), -levels, levels);
  }
  const auto groups = groups_of<q>(x, shape);
  for (const double percent : {0.0, 12.5, 50.0, 99.0, 99.9, 100.0}) {
    const auto found = ranges_everyhow<q>(x, shape, percentile_range{percent});
    const auto sides = ranges_everyhow<affine>(x, shape, percentile_range{percent});
    for (std::size_t g = 0; g < groups.size(); ++g) {
      std::vector<double> magnitudes;
      std::vector<double> above;
      std::vector<double> below;
      for (const float v : groups[g]) {
        magnitudes.push_back(std::fabs(static_cast<double>(v)));
        above.push_back(static_cast<double>(v));
        below.push_back(-static_cast<double>(v));
      }
      const auto near = [](float value, double expected) {
        return std::fabs(static_cast<double>(value) - expected) <= 1e-6 * std::max(1.0, std::fabs(expected));
      };
      BOOST_TEST_REQUIRE(near(found[g], percentile_by_sorting(magnitudes, percent)));
      BOOST_TEST_REQUIRE(near(sides[g].above, std::max(0.0, percentile_by_sorting(above, percent))));
      BOOST_TEST_REQUIRE(near(sides[g].below, std::max(0.0, percentile_by_sorting(below, percent))));
    }
    if (percent == 100.0) BOOST_TEST(same_bytes(found, choose_ranges<q>(on_host{}, {x.data(), shape}, data_range{})));
  }
}

/// The choice by its words, one gathered group at a time.
template <class Q, std::size_t Count>
void compare_least_errors(shape2d shape, const mse_range<Count>& choice, std::size_t at_least_not_the_first) {
  using range_type = typename Q::range_type;
  const std::vector<float> x = qgrain_test::bell_values(9, static_cast<std::size_t>(shape.elements()));
  const std::vector<range_type> found = ranges_everyhow<Q>(x, shape, choice);
  float largest = 0.0F;
  for (const float v : x) largest = widened(largest, v);
  const float tensor = Q::tensor_scale(largest);
  const auto groups = groups_of<Q>(x, shape);
  std::size_t not_the_first = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    range_type of_data{};
    for (const float v : groups[g]) of_data = widened(of_data, v);
    range_type best{};
    double least = 0.0;
    double least_in_double = infinity;
    double of_best_in_double = 0.0;
    for (std::size_t i = 0; i < Count; ++i) {
      const range_type candidate = range_times(of_data, choice.factors[i]);
      const auto f = Q::factors(Q::scale(candidate, tensor), tensor);
      const matrix_view<const float> group{groups[g].data(), {1, static_cast<index_t>(groups[g].size())}};
      const double error = group_error<typename Q::element_type>(group, f);
      double in_double = 0.0;
      for (const float v : groups[g]) {
        const double difference = static_cast<double>(Q::fake(v, f)) - static_cast<double>(v);
        in_double += difference * difference;
      }
      least_in_double = std::min(least_in_double, in_double);
      if (i == 0 || error < least) {
        best = candidate;
        least = error;
        of_best_in_double = in_double;
        not_the_first += i == 0 ? 0 : 1;
      }
    }
    BOOST_TEST_REQUIRE(std::memcmp(&best, &found[g], sizeof(best)) == 0);
    BOOST_TEST_REQUIRE(of_best_in_double <= least_in_double * (1 + 1e-5));
  }
  BOOST_TEST(not_the_first >= at_least_not_the_first);  // or nothing was chosen
}

}  // namespace

BOOST_AUTO_TEST_CASE(percentiles_are_those_of_sorted_values) {
  compare_percentiles<per_group<32, group_tail::zero_padding>>({9, 77});
  compare_percentiles<per_channel<0>>({5, 1000});
  compare_percentiles<per_channel<1>>({301, 6});
  compare_percentiles<per_tile<16, 8>>({40, 21});
  compare_percentiles<per_tensor>({37, 301});
  compare_percentiles<per_channel<0>>({4, 1003}, 3.0F);
  compare_percentiles<per_channel<0>>({4, 1003}, 200.0F);
}

BOOST_AUTO_TEST_CASE(percentiles_between_neighbours) {
  BOOST_TEST(percentile_range::between(1.0F, 3.0F, 0.0F) == 1.0F);
  BOOST_TEST(percentile_range::between(1.0F, 3.0F, 0.25F) == 1.5F);
  BOOST_TEST(percentile_range::between(1.0F, infinity, 0.25F) == infinity);
  BOOST_TEST(percentile_range::between(-infinity, 1.0F, 0.25F) == 1.0F);
  BOOST_TEST(percentile_range::between(infinity, infinity, 0.25F) == infinity);
  // 99.9 % of 2001 values: position 1998, exact.
  BOOST_TEST(percentile_range{99.9}.place_among(2001).below == 1998);
  BOOST_TEST(percentile_range{99.9}.place_among(1).below == 0);
  BOOST_TEST(percentile_range{50.0}.place_among(4).fraction == 0.5F);
}

BOOST_AUTO_TEST_CASE(the_factor_with_the_least_error_wins) {
  constexpr auto shrinking = mse_range_between<21>(1.0F, 0.5F);
  constexpr group_tail padded = group_tail::zero_padding;
  compare_least_errors<quantizer<int4, per_group<32, padded>>>({13, 133}, shrinking, 20U);
  compare_least_errors<modelopt_integer<int4, per_channel<0>>>({7, 5000}, shrinking, 1U);
  compare_least_errors<modelopt_integer<int8, per_channel<1>>>({4500, 5}, shrinking, 1U);
  compare_least_errors<quantizer<int4, per_tile<128, 128>>>({150, 300}, shrinking, 1U);
  compare_least_errors<quantizer<int2, per_tensor>>({99, 101}, shrinking, 1U);
  compare_least_errors<mxfp4_ocp>({11, 96}, mse_range{1.0F, 2.0F, 0.5F}, 1U);
  compare_least_errors<nvfp4_modelopt>({11, 100}, mse_range{1.0F, 0.9F, 0.8F}, 5U);
  compare_least_errors<quantizer<int4, per_group<32>, signed_max<>>>({13, 128}, shrinking, 10U);
  using minmax = affine_by<divide_add_round, zero_point_rounded_last>;
  compare_least_errors<quantizer<int4, per_group<32>, minmax>>({13, 128}, shrinking, 10U);
  compare_least_errors<quantizer<uint4, per_channel<1>, minmax>>({200, 9}, shrinking, 1U);
}

// Groups that lanes add up, some of them with numbers and scales that they leave to the definition.
template <class Q>
void compare_with_definition(shape2d shape) {
  constexpr mse_range<3> choice{{1.0F, 0.8F, 0.6F}};
  std::vector<float> x = qgrain_test::bell_values(21, static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t part = i / 128 % 8;
    x[i] *= part == 1 ? 1e-30F : part == 2 ? 1e30F : part == 3 ? 0.0F : 1.0F;
    if (part == 4 && i % 100 == 0) x[i] = i % 200 == 0 ? not_a_number : -infinity;
    if (part == 5) x[i] = std::round(4.0F * x[i]) / 2.0F;
  }
  const auto found = choose_ranges<Q>(on_host{}, {x.data(), shape}, choice);
  const auto groups = groups_of<Q>(x, shape);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    float of_data = 0.0F;
    for (const float v : groups[g]) of_data = widened(of_data, v);
    const float best = least_error_range<typename Q::element_type>(
        matrix_view<const float>{groups[g].data(), {1, static_cast<index_t>(groups[g].size())}}, of_data, choice, 1.0F);
    BOOST_TEST((is_nan(best) ? is_nan(found[g]) : found[g] == best), Q::format_type::name() << ", group " << g);
  }
}

BOOST_AUTO_TEST_CASE(errors_in_lanes_are_those_of_the_definition) {
  compare_with_definition<quantizer<int4, per_group<128>>>({6, 1024});
  compare_with_definition<quantizer<int4, per_group<64>>>({3, 2048});
  compare_with_definition<quantizer<int8, per_channel<0>>>({48, 128});
  compare_with_definition<quantizer<float8_e4m3fn, per_group<128>>>({6, 1024});
  compare_with_definition<quantizer<nf4, per_group<64>>>({6, 1024});
  compare_with_definition<quantizer<int4, per_group<32>>>({5, 1120});
  compare_with_definition<quantizer<float8_e4m3fn, per_group<16>>>({5, 1040});
  compare_with_definition<mxfp4_ocp>({6, 1024});
}

BOOST_AUTO_TEST_CASE(groups_of_zeros_nan_and_infinity) {
  using q = quantizer<int4, per_group<4>>;
  using affine = quantizer<int4, per_group<4>, affine_by<divide_add_round, zero_point_rounded_last>>;
  const std::vector<float> x = {0.0F,         -0.0F, 0.0F, 0.0F, 1.0F, not_a_number, 2.0F, infinity,
                                not_a_number, 0.0F,  0.0F, 0.0F, 1.0F, -infinity,    2.0F, 3.0F};
  const shape2d shape{1, 16};
  for (const auto& ranges : {choose_ranges<q>(on_host{}, {x.data(), shape}, mse_range{0.5F, 1.0F}),
                             choose_ranges<q>(on_host{}, {x.data(), shape}, data_range{})}) {
    BOOST_TEST(ranges[0] == 0.0F);
    BOOST_TEST(std::isnan(ranges[1]));
    BOOST_TEST(std::isnan(ranges[2]));
    BOOST_TEST(ranges[3] == infinity);
  }
  const auto percentiles = choose_ranges<q>(on_host{}, {x.data(), shape}, percentile_range{50.0});
  BOOST_TEST(percentiles[0] == 0.0F);
  BOOST_TEST(std::isnan(percentiles[1]));
  BOOST_TEST(std::isnan(percentiles[2]));
  BOOST_TEST(percentiles[3] == 2.5F);  // of 1, 2, 3, inf
  const auto sides = choose_ranges<affine>(on_host{}, {x.data(), shape}, percentile_range{100.0});
  BOOST_TEST(sides[0].above == 0.0F);
  BOOST_TEST(is_nan(sides[1]));
  BOOST_TEST(sides[3].below == infinity);
  BOOST_TEST(sides[3].above == 3.0F);
  const auto clipped = choose_ranges<affine>(on_host{}, {x.data(), shape}, percentile_range{50.0});
  BOOST_TEST(clipped[3].below == 0.0F);
  BOOST_TEST(clipped[3].above == 1.5F);  // of -inf, 1, 2, 3
  // A factor that overflows the range is not preferred over one with a finite error.
  const std::vector<float> huge = {3e38F, -1e38F, 0.0F, 2e38F};
  BOOST_TEST(choose_ranges<q>(on_host{}, {huge.data(), {1, 4}}, mse_range{4.0F, 1.0F})[0] != 3e38F * 0.5F);
  const std::vector<float> steps = {7.0F, 3.0F, 1.0F, 0.0F};
  BOOST_TEST(choose_ranges<q>(on_host{}, {steps.data(), {1, 4}}, mse_range{3e38F, 1.0F})[0] == 7.0F);
}

namespace {

/// The paper's rule in the test's own arithmetic; returns the value of each element, block scales beside it.
struct restated_group {
  float block;
  double error;
  std::vector<float> values;
};
restated_group restate(const float* x, float tensor_absmax, float expansion) {
  static const std::vector<double> e2m1 = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  static const qgrain_test::reference_float e4m3_codec{4, 3, 7, qgrain_test::reference_specials::nan_at_ones};
  static const std::vector<double> e4m3 = e4m3_codec.magnitudes();
  float absmax = 0.0F;
  for (int i = 0; i < 16; ++i) absmax = std::max(absmax, std::fabs(x[i]));
  volatile float encode = 1536.0F / tensor_absmax;
  volatile float sixth = absmax / 6.0F;
  volatile float plain = sixth * encode;
  volatile float expanded = plain * expansion;
  restated_group group{qgrain_test::reference_round(e4m3, expanded, qgrain_test::reference_ties::even), 0.0, {}};
  volatile float decode = 1.0F / encode;
  volatile float unit = decode * group.block;
  volatile float inverse = 1.0F / unit;
  for (int i = 0; i < 16; ++i) {
    volatile float scaled = x[i] * inverse;
    const float q =
        group.block == 0.0F ? 0.0F : qgrain_test::reference_round(e2m1, scaled, qgrain_test::reference_ties::even);
    volatile float product = q * group.block;
    volatile float wide = product * tensor_absmax;
    volatile float value = wide / 1536.0F;
    group.values.push_back(static_cast<float>(value));
    const double difference = static_cast<double>(value) - static_cast<double>(x[i]);
    group.error += difference * difference;
  }
  return group;
}

}  // namespace

BOOST_AUTO_TEST_CASE(four_over_six_is_its_restatement_and_never_worse_than_six) {
  const shape2d shape{128, 256};
  std::vector<float> x = qgrain_test::bell_values(17, 128 * 256);
  std::fill_n(x.begin() + 160, 16, 0.0F);
  x[999] = 60.0F;  // an outlier: small blocks elsewhere
  for (std::size_t i = 2000; i < 2100; ++i) x[i] *= 1e-4F;
  float absmax = 0.0F;
  for (const float v : x) absmax = std::max(absmax, std::fabs(v));
  const auto codes = quantize_choosing<nvfp4_four_over_six>(thread_pool(2), {x.data(), shape});
  std::vector<float> y(x.size());
  dequantize<nvfp4_four_over_six::storage_type>(on_host{}, quantized_matrix(codes).view(),
                                                matrix_view<float>{y.data(), shape});
  std::vector<float> faked(x.size());
  fake_quantize_choosing<nvfp4_four_over_six>(thread_pool(3), {x.data(), shape}, {faked.data(), shape});
  int fours = 0;
  int close = 0;
  double chosen_error = 0.0;
  double plain_error = 0.0;
  for (std::size_t g = 0; g < x.size() / 16; ++g) {
    const restated_group six = restate(x.data() + g * 16, absmax, 1.0F);
    const restated_group four = restate(x.data() + g * 16, absmax, 1.5F);
    // Where float32 sums could order the two otherwise than exact ones, either is right.
    const bool undecided = std::fabs(four.error - six.error) <= 1e-5 * six.error && four.error != six.error;
    const float block = float8_e4m3fn::decode(codes.scales[g]);
    const restated_group& expected =
        undecided ? (block == six.block ? six : four) : (four.error < six.error ? four : six);
    fours += &expected == &four ? 1 : 0;
    close += undecided ? 1 : 0;
    BOOST_TEST_REQUIRE(block == expected.block);
    for (std::size_t i = 0; i < 16; ++i) {
      BOOST_TEST_REQUIRE(y[g * 16 + i] == expected.values[i]);
      BOOST_TEST_REQUIRE(faked[g * 16 + i] == expected.values[i]);
    }
    BOOST_TEST_REQUIRE(expected.error <= six.error * (1 + 1e-5));
    chosen_error += expected.error;
    plain_error += six.error;
  }
  BOOST_TEST_MESSAGE(fours << " of 2048 groups at 4, " << close << " too close to call; error " << chosen_error
                           << " instead of " << plain_error);
  BOOST_TEST(fours > 200);
  BOOST_TEST(fours < 1848);
  BOOST_TEST(close < 5);
  BOOST_TEST(chosen_error < 0.95 * plain_error);
  const auto plain = quantize_choosing<nvfp4_four_over_six::storage_type>(on_host{}, {x.data(), shape}, data_range{});
  const auto without = quantize<nvfp4_four_over_six::storage_type>(on_host{}, {x.data(), shape});
  BOOST_TEST(same_bytes(plain.scales, without.scales));
  BOOST_TEST(same_bytes(plain.codes, without.codes));
}

BOOST_AUTO_TEST_CASE(four_over_six_as_the_pytorch_reference_computes_it) {
  // Codes and block scales by the PyTorch formulas (2.10, CPU): the first group at 4, the second at 6.
  const std::vector<float> x = {-2.25F,  1.0F,    0.625F,   -1.875F, 1.5F,   0.03125F, -0.75F,   1.125F,
                                2.0F,    -1.75F,  0.375F,   0.0F,    -0.5F,  1.25F,    0.875F,   -1.625F,
                                3.0F,    -0.125F, 0.25F,    0.5F,    -0.75F, 1.0F,     1.5F,     -2.0F,
                                0.0625F, 0.1875F, -0.3125F, 0.4375F, 3.0F,   -1.25F,   0.15625F, -0.59375F};
  const std::vector<float> q = {-4.0F, 2.0F,  1.0F, -3.0F, 3.0F,  0.0F, -1.5F, 2.0F,  4.0F, -3.0F, 0.5F,
                                0.0F,  -1.0F, 2.0F, 1.5F,  -3.0F, 6.0F, -0.0F, 0.5F,  1.0F, -1.5F, 2.0F,
                                3.0F,  -4.0F, 0.0F, 0.5F,  -0.5F, 1.0F, 6.0F,  -2.0F, 0.5F, -1.0F};
  const auto codes = quantize_choosing<nvfp4_four_over_six>(on_host{}, {x.data(), {1, 32}});
  BOOST_TEST(codes.tensor_scale == 3.0F);
  BOOST_TEST(float8_e4m3fn::decode(codes.scales[0]) == 288.0F);
  BOOST_TEST(float8_e4m3fn::decode(codes.scales[1]) == 256.0F);
  for (std::size_t i = 0; i < 32; ++i) {
    BOOST_TEST(float4_e2m1fn::decode(codes.codes[i]) == q[i]);
    BOOST_TEST(std::signbit(float4_e2m1fn::decode(codes.codes[i])) == std::signbit(q[i]));
  }
}

BOOST_AUTO_TEST_CASE(four_over_six_of_zeros_nan_and_infinity) {
  std::vector<float> x(32, 0.0F);
  std::vector<float> y(32, 9.0F);
  const auto run = [&] {
    fake_quantize_choosing<nvfp4_four_over_six>(on_host{}, {x.data(), {1, 32}}, {y.data(), {1, 32}});
  };
  run();
  BOOST_TEST((y == std::vector<float>(32, 0.0F)));
  x[0] = 1.0F;
  run();
  BOOST_TEST(y[0] == 1.0F);
  for (std::size_t i = 1; i < 32; ++i) BOOST_TEST(y[i] == 0.0F);
  for (const float bad : {not_a_number, infinity}) {
    x[20] = bad;
    run();
    for (const float v : y) BOOST_TEST(std::isnan(v));
  }
}

BOOST_AUTO_TEST_CASE(chosen_ranges_are_what_quantize_takes) {
  using q = modelopt_integer<int4, per_group<32>>;
  const shape2d shape{21, 96};
  const std::vector<float> x = qgrain_test::bell_values(6, 21 * 96);
  const mse_range choice{1.0F, 0.9F, 0.8F};
  const auto ranges = choose_ranges<q>(on_host{}, {x.data(), shape}, choice);
  const auto by_hand = quantize<q>(on_host{}, {x.data(), shape}, {ranges, {}});
  const auto at_once = quantize_choosing<q>(thread_pool(3), {x.data(), shape}, choice);
  BOOST_TEST(same_bytes(by_hand.codes, at_once.codes));
  BOOST_TEST(same_bytes(by_hand.scales, at_once.scales));
  std::vector<float> expected(x.size());
  std::vector<float> faked = x;
  fake_quantize<q>(on_host{}, {x.data(), shape}, matrix_view<float>{expected.data(), shape}, {ranges, {}});
  fake_quantize_choosing<q>(on_host{}, {faked.data(), shape}, {faked.data(), shape}, choice);
  BOOST_TEST(same_bytes(expected, faked));
  // 16-bit elements, and a range for the tensor that is not the data's.
  std::vector<bfloat16> halves;
  std::vector<float> widened_halves;
  for (const float v : x) {
    halves.push_back(from_float<bfloat16>(v));
    widened_halves.push_back(to_float(halves.back()));
  }
  const auto of_halves = quantize_choosing<nvfp4_modelopt, bfloat16>(on_host{}, {halves.data(), shape}, four_over_six,
                                                                     {.tensor_absmax = 50.0F});
  const auto of_floats = quantize_choosing<nvfp4_modelopt>(on_host{}, {widened_halves.data(), shape}, four_over_six,
                                                           {.tensor_absmax = 50.0F});
  BOOST_TEST(of_halves.tensor_scale == nvfp4_modelopt::tensor_scale(50.0F));
  const auto of_scale = quantize_choosing<nvfp4_modelopt>(on_host{}, {widened_halves.data(), shape}, four_over_six,
                                                          {.tensor_scale = nvfp4_modelopt::tensor_scale(50.0F)});
  BOOST_TEST(same_bytes(of_scale.codes, of_floats.codes));
  BOOST_TEST(same_bytes(of_halves.codes, of_floats.codes));
  BOOST_TEST(same_bytes(of_halves.scales, of_floats.scales));
}

BOOST_AUTO_TEST_CASE(stochastic_rounding_is_chosen_for_by_the_nearest) {
  using nearest = quantizer<int4, per_group<32>>;
  using random = quantizer<int4, per_group<32>, absmax_f32, stochastic>;
  const shape2d shape{21, 96};
  const std::vector<float> x = qgrain_test::bell_values(6, 21 * 96);
  const mse_range choice{1.0F, 0.9F, 0.8F};
  const auto ranges = choose_ranges<nearest>(on_host{}, {x.data(), shape}, choice);
  BOOST_TEST(same_bytes(choose_ranges<random>(on_host{}, {x.data(), shape}, choice), ranges));
  const stochastic rounding{77};
  std::vector<float> expected(x.size());
  std::vector<float> faked(x.size());
  fake_quantize<random>(on_host{}, {x.data(), shape}, matrix_view<float>{expected.data(), shape}, {ranges, {}},
                        rounding);
  fake_quantize_choosing<random>(thread_pool(2), {x.data(), shape}, {faked.data(), shape}, choice, {}, rounding);
  BOOST_TEST(same_bytes(faked, expected));
  auto codes = quantize_choosing<random>(on_host{}, {x.data(), shape}, choice, {}, rounding);
  dequantize<random>(on_host{}, codes.view(), matrix_view<float>{faked.data(), shape});
  for (std::size_t i = 0; i < x.size(); ++i) BOOST_TEST_REQUIRE(faked[i] == expected[i]);
}

BOOST_AUTO_TEST_CASE(bad_choices_and_shapes_are_refused) {
  using q = quantizer<int8, per_group<32>>;
  const std::vector<float> x(64, 1.0F);
  const auto refuses = [&](errc code, std::string_view part, auto call) {
    BOOST_CHECK_EXCEPTION(call(), error, [&](const error& failure) {
      return failure.code() == code && std::string_view(failure.what()).find(part) != std::string_view::npos;
    });
  };
  const matrix_view<const float> in{x.data(), {2, 32}};
  refuses(errc::out_of_range, "[0, 100], found 100.5",
          [&] { (void)choose_ranges<q>(on_host{}, in, percentile_range{100.5}); });
  refuses(errc::out_of_range, "[0, 100]",
          [&] { (void)choose_ranges<q>(on_host{}, in, percentile_range{std::numeric_limits<double>::quiet_NaN()}); });
  refuses(errc::out_of_range, "found 0", [&] { (void)choose_ranges<q>(on_host{}, in, mse_range{1.0F, 0.0F}); });
  refuses(errc::out_of_range, "nan", [&] { (void)quantize_choosing<q>(on_host{}, in, mse_range{not_a_number}); });
  refuses(errc::invalid_shape, "asks for 32, found 16", [&] {
    (void)choose_ranges<q>(on_host{}, {x.data(), {4, 16}}, data_range{});
  });
  const std::vector<float> two{1.0F, 2.0F};
  refuses(errc::invalid_argument, "chosen here, found 2 that are given",
          [&] { (void)choose_ranges<q>(on_host{}, in, data_range{}, {.absmax = two}); });
  refuses(errc::out_of_range, "the scale given for the tensor is -0.5",
          [&] { (void)choose_ranges<nvfp4_modelopt>(on_host{}, in, four_over_six, {.tensor_scale = -0.5F}); });
}
