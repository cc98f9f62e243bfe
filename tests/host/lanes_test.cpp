// Loops over lanes of a vector against the definition, one element at a time: codes, packed and plain, and values of
// every kind of format and scale that has such loops, for data that breaks them. (Everything runs with the widest
// instructions of this processor; the machines tier runs it with the others.)
#include <support/inputs.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/format/codebook.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/host/quantize.hpp>
#include <qgrain/host/quantize_packed.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <vector>

using namespace qgrain;

namespace {

struct sample {
  const char* name;
  shape2d shape;
  std::vector<float> values;
};

float of_pattern(std::uint64_t bits) { return float_from_bits(static_cast<std::uint32_t>(bits)); }

std::vector<sample> samples() {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<sample> all;
  for (const shape2d shape : {shape2d{6, 512}, {3, 352}, {5, 64}, {9, 128}}) {
    qgrain_test::random_source random(static_cast<std::uint64_t>(shape.cols));
    const auto add = [&](const char* name, auto next) {
      std::vector<float> x(static_cast<std::size_t>(shape.elements()));
      for (float& value : x) value = next();
      all.push_back({name, shape, x});
    };
    add("bell", [&] { return random.bell(); });
    add("ties", [&] { return static_cast<float>(static_cast<int>(random.next() % 509) - 254) * 0.25F; });
    add("wide", [&] { return random.bell() * std::exp2(8.0F * random.bell()); });
    add("finite patterns", [&] {
      const float x = of_pattern(random.next());
      return std::isfinite(x) ? x : 0.0F;
    });
    add("tiny among large",
        [&] { return random.next() % 3 == 0 ? 4000.0F * random.bell() : of_pattern(random.next() & 0x80FF'FFFFU); });
    add("subnormal", [&] { return of_pattern(random.next() & 0x8000'FFFFU); });
    add("huge", [&] { return 1e37F * random.bell(); });
    add("zeros", [&] { return random.next() % 2 == 0 ? 0.0F : -0.0F; });
    add("no numbers", [&] {
      const auto kind = random.next() % 300;
      return kind == 0 ? nan : kind == 1 ? -nan : kind == 2 ? infinity : kind == 3 ? -infinity : random.bell();
    });
  }
  return all;
}

/// Equal but for the digits of a NaN.
bool same(float a, float b) { return (is_nan(a) && is_nan(b)) || bits_of(a) == bits_of(b); }

/// Rows with a gap before each.
template <class T>
std::vector<T> spaced(shape2d shape, const std::vector<T>& x, index_t gap) {
  std::vector<T> all;
  for (index_t r = 0; r < shape.rows; ++r) {
    all.insert(all.end(), static_cast<std::size_t>(gap), T{});
    const auto row = x.begin() + r * shape.cols;
    all.insert(all.end(), row, row + shape.cols);
  }
  return all;
}

/// Under the scales that quantize found, which are the business of others.
template <class Q, class T>
void compare_codes(const sample& s, const std::vector<T>& x, index_t gap = 0) {
  const auto count = x.size();
  const std::vector<T> rows = spaced(s.shape, x, gap);
  const matrix_view<const T> in{rows.data() + gap, s.shape, s.shape.cols + gap};
  const quantized_matrix<Q> found = quantize<Q>(on_host{}, in);
  const auto view = found.view();
  const float tensor = view.tensor_scale == nullptr ? 1.0F : *view.tensor_scale;
  std::vector<float> values(count);
  std::vector<bfloat16> halves(count);
  dequantize(on_host{}, view, matrix_view<float>{values.data(), s.shape});
  dequantize(on_host{}, view, matrix_view<bfloat16>{halves.data(), s.shape});
  std::vector<T> fakes(count);
  fake_quantize<Q, T>(on_host{}, in, matrix_view<T>{fakes.data(), s.shape});
  std::vector<typename Q::code_type> wanted(count);
  std::size_t wrong = 0;
  for (index_t r = 0; r < s.shape.rows; ++r) {
    for (index_t c = 0; c < s.shape.cols; ++c) {
      const auto i = static_cast<std::size_t>(r * s.shape.cols + c);
      const auto factors = Q::factors(view.scales[Q::scale_index(s.shape, r, c)], tensor);
      wanted[i] = Q::element_type::encode(to_float(x[i]), factors);
      const float value = Q::element_type::decode(wanted[i], factors);
      wrong += view.codes[i] != wanted[i] ? 1U : 0U;
      wrong += !same(values[i], value) || !same(to_float(halves[i]), to_float(from_float<bfloat16>(value))) ? 1U : 0U;
      const T fake = from_float<T>(Q::element_type::fake(to_float(x[i]), factors));
      wrong += !same(to_float(fakes[i]), to_float(fake)) ? 1U : 0U;
    }
  }
  BOOST_TEST(wrong == 0U, s.name << ", " << s.shape.rows << " x " << s.shape.cols << ": " << wrong << " differ");
  if constexpr (Q::format_type::bits == 4) {
    for (const bit_order order : {bit_order::low_first, bit_order::high_first}) {
      packed_matrix<Q> packed(s.shape);
      auto to = packed.view();
      to.order = order;
      quantize_packed<Q>(on_host{}, in, to);
      std::vector<std::uint8_t> bytes(count / 2);
      pack_codes<typename Q::code_type>(wanted, 4, order, bytes);
      BOOST_TEST(std::memcmp(bytes.data(), to.codes, bytes.size()) == 0, s.name << ", packed");
      std::vector<float> back(count);
      dequantize_packed(on_host{}, to, matrix_view<float>{back.data(), s.shape});
      bool all_same = true;
      for (std::size_t i = 0; i < count; ++i) all_same = all_same && same(back[i], values[i]);
      BOOST_TEST(all_same, s.name << ", values of packed codes");
    }
  }
}

template <class Q>
void compare() {
  for (const sample& s : samples()) {
    if (!Q::granularity_type::group_shape(s.shape).elements()) continue;
    compare_codes<Q>(s, s.values);
    std::vector<bfloat16> halves;
    for (const float x : s.values) halves.push_back(from_float<bfloat16>(x));
    compare_codes<Q>(s, halves);
  }
}

/// Under scales that are given: quotients at every tie and some floats on either side of it, beyond the format and
/// beyond every number, by scales that are powers of two and those that are not.
template <class Q, class T>
void compare_near_ties() {
  qgrain_test::random_source random(7);
  std::size_t wrong = 0;
  for (int i = 0; i < 200; ++i) {
    const float scale = i % 4 == 0 ? std::exp2(static_cast<float>(i - 100) / 4.0F)
                                   : of_pattern((random.next() & 0x07FF'FFFFU) + 0x3A00'0000U);
    std::vector<T> x(1024);
    for (std::size_t k = 0; k < x.size(); ++k) {
      const float tie = (static_cast<float>(static_cast<int>(random.next() % 300) - 150) + 0.5F) * scale;
      const auto steps = static_cast<std::uint32_t>(random.next() % 9) - 4U;
      float value = random.next() % 3 == 0 ? scale * std::round(140.0F * random.bell())
                                           : float_from_bits(bits_of(tie) + (std::is_same_v<T, float> ? steps : 0U));
      if (k % 512 > 448) value *= std::exp2(static_cast<float>(k % 97));
      if (k == 700) value = std::numeric_limits<float>::infinity();
      if (k == 900) value = std::numeric_limits<float>::quiet_NaN();
      x[k] = from_float<T>(value);
    }
    const std::vector<float> scales(static_cast<std::size_t>(Q::scale_count({1, 1024})), scale);
    std::vector<typename Q::code_type> codes(x.size());
    quantize_with_scales<Q>(on_host{}, matrix_view<const T>{x.data(), {1, 1024}}, {scales, nullptr}, codes);
    const auto factors = Q::factors(scale, 1.0F);
    for (std::size_t k = 0; k < x.size(); ++k) {
      wrong += codes[k] != Q::element_type::encode(to_float(x[k]), factors) ? 1U : 0U;
    }
  }
  BOOST_TEST(wrong == 0U);
}

/// An output larger than caches, which is written past them where it begins at a line, and `begin` elements behind one.
template <class T>
std::size_t wrong_values_of_large(shape2d shape, std::size_t begin) {
  using q = quantizer<int8, per_token>;
  const auto count = static_cast<std::size_t>(shape.elements());
  std::vector<std::int8_t> codes(count);
  for (std::size_t i = 0; i < count; ++i) codes[i] = static_cast<std::int8_t>(static_cast<int>(i * 89 % 255) - 127);
  std::vector<float> scales(static_cast<std::size_t>(shape.rows));
  for (std::size_t r = 0; r < scales.size(); ++r) scales[r] = 0.001F * static_cast<float>(r + 1);
  constexpr std::size_t line = 64 / sizeof(T);
  std::vector<T> memory(count + 2 * line);
  const std::size_t before = reinterpret_cast<std::uintptr_t>(memory.data()) % 64 / sizeof(T);
  T* const values = memory.data() + (line - before) % line + begin;
  dequantize(on_host{}, quantized_view<const q>{codes.data(), scales.data(), nullptr, shape},
             matrix_view<T>{values, shape});
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto wanted = from_float<T>(static_cast<float>(codes[i]) * scales[i / static_cast<std::size_t>(shape.cols)]);
    wrong += to_float(values[i]) != to_float(wanted) ? 1U : 0U;
  }
  return wrong;
}

/// Values faked into a matrix larger than caches, or in place.
template <class T>
std::size_t wrong_fakes_of_large(shape2d shape, bool is_in_place) {
  using q = quantizer<int8, per_token>;
  const auto count = static_cast<std::size_t>(shape.elements());
  constexpr std::size_t line = 64 / sizeof(T);
  std::vector<T> memory(count + line);
  const std::size_t before = reinterpret_cast<std::uintptr_t>(memory.data()) % 64 / sizeof(T);
  T* const values = memory.data() + (line - before) % line;
  std::vector<T> x(count);
  for (std::size_t i = 0; i < count; ++i) x[i] = from_float<T>(static_cast<float>(i * 89 % 1021) - 500.0F);
  if (is_in_place) std::copy(x.begin(), x.end(), values);
  fake_quantize<q, T>(on_host{}, matrix_view<const T>{is_in_place ? values : x.data(), shape},
                      matrix_view<T>{values, shape});
  std::size_t wrong = 0;
  const auto cols = static_cast<std::size_t>(shape.cols);
  for (std::size_t first = 0; first < count; first += cols) {
    float absmax = 0.0F;
    for (std::size_t i = first; i < first + cols; ++i) absmax = std::max(absmax, std::fabs(to_float(x[i])));
    const auto factors = q::factors(q::scale(absmax), 1.0F);
    for (std::size_t i = first; i < first + cols; ++i) {
      wrong +=
          !same(to_float(values[i]), to_float(from_float<T>(q::element_type::fake(to_float(x[i]), factors)))) ? 1U : 0U;
    }
  }
  return wrong;
}

/// Every code under scales whose products end in the middle of two numbers of 16 bits, or beside it.
template <class T>
std::size_t wrong_ties() {
  using q = quantizer<int8, per_token>;
  std::size_t wrong = 0;
  std::vector<std::int8_t> codes(256);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<std::int8_t>(static_cast<int>(i) - 128);
  for (int i = 0; i < 4096; ++i) {
    const float scale = std::ldexp(static_cast<float>(i), i % 3 == 0 ? -150 : i % 3 == 1 ? -9 : 108);
    std::vector<T> values(codes.size());
    dequantize(on_host{}, quantized_view<const q>{codes.data(), &scale, nullptr, {1, 256}},
               matrix_view<T>{values.data(), {1, 256}});
    for (std::size_t k = 0; k < codes.size(); ++k) {
      wrong += !same(to_float(values[k]), to_float(from_float<T>(static_cast<float>(codes[k]) * scale))) ? 1U : 0U;
    }
  }
  return wrong;
}

/// Shapes that no vector divides, columns in units of groups, rows that begin anywhere.
template <class Q>
void compare_shapes(index_t unit) {
  qgrain_test::random_source random(11);
  for (int i = 0; i < 40; ++i) {
    const shape2d shape{1 + static_cast<index_t>(random.next() % 4),
                        unit * (1 + static_cast<index_t>(random.next() % static_cast<std::uint64_t>(300 / unit)))};
    const auto gap = static_cast<index_t>(random.next() % 20);
    sample s{"any shape", shape, {}};
    std::vector<bfloat16> halves;
    for (index_t k = 0; k < shape.elements(); ++k) {
      s.values.push_back(random.bell());
      halves.push_back(from_float<bfloat16>(s.values.back()));
    }
    compare_codes<Q>(s, s.values, gap);
    compare_codes<Q>(s, halves, gap);
  }
}

/// Every bfloat16, as it is and as float32, under scales that are given.
template <class Q>
void compare_every_bfloat16(std::initializer_list<typename Q::stored_scale> scales, float tensor_scale) {
  constexpr shape2d shape{64, 1024};
  std::vector<bfloat16> halves;
  std::vector<float> values;
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    halves.push_back({static_cast<std::uint16_t>(bits)});
    values.push_back(to_float(halves.back()));
  }
  const float* const tensor = Q::scale_type::tensor_bits == 0 ? nullptr : &tensor_scale;
  for (const auto scale : scales) {
    const std::vector<typename Q::stored_scale> all(static_cast<std::size_t>(Q::scale_count(shape)), scale);
    const auto factors = Q::factors(scale, tensor_scale);
    std::vector<typename Q::code_type> codes(values.size());
    std::vector<typename Q::code_type> codes_of_halves(values.size());
    quantize_with_scales<Q>(on_host{}, matrix_view<const float>{values.data(), shape}, {all, tensor}, codes);
    quantize_with_scales<Q>(on_host{}, matrix_view<const bfloat16>{halves.data(), shape}, {all, tensor},
                            codes_of_halves);
    std::size_t wrong = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const auto wanted = Q::element_type::encode(values[k], factors);
      wrong += codes[k] != wanted || codes_of_halves[k] != wanted ? 1U : 0U;
    }
    BOOST_TEST(wrong == 0U, "scale " << float(scale) << ": " << wrong << " differ");
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(larger_than_caches) {
  BOOST_TEST(wrong_values_of_large<float>({2050, 4096}, 0) == 0U);
  BOOST_TEST(wrong_values_of_large<float>({2050, 4096}, 1) == 0U);
  BOOST_TEST(wrong_values_of_large<bfloat16>({4098, 4096}, 0) == 0U);
  BOOST_TEST(wrong_fakes_of_large<float>({2050, 4096}, false) == 0U);
  BOOST_TEST(wrong_fakes_of_large<float>({2050, 4096}, true) == 0U);
  BOOST_TEST(wrong_fakes_of_large<bfloat16>({4098, 4096}, false) == 0U);
}
BOOST_AUTO_TEST_CASE(ties_of_16_bits) {
  BOOST_TEST(wrong_ties<bfloat16>() == 0U);
  BOOST_TEST(wrong_ties<float16>() == 0U);
}
BOOST_AUTO_TEST_CASE(any_shape) {
  compare_shapes<quantizer<int8, per_token>>(1);
  compare_shapes<quantizer<int8, per_channel<1>>>(1);
  compare_shapes<quantizer<float8_e5m2, per_token>>(1);
  compare_shapes<quantizer<int4, per_group<32>>>(32);
  compare_shapes<quantizer<float8_e4m3fn, per_group<32>>>(32);
  compare_shapes<mxfp4_ocp>(32);
  compare_shapes<nvfp4_modelopt>(16);
}
BOOST_AUTO_TEST_CASE(every_bfloat16) {
  const std::initializer_list<float> scales{0.0F, 1.0F, 0.007F, 3.3F, 1e-30F, 1e30F};
  compare_every_bfloat16<quantizer<int8, per_token>>(scales, 1.0F);
  compare_every_bfloat16<quantizer<int4, per_group<32>>>(scales, 1.0F);
  compare_every_bfloat16<quantizer<float8_e4m3fn, per_token>>(scales, 1.0F);
  compare_every_bfloat16<mxfp4_ocp>({0, 100, 127, 150, 254}, 1.0F);
  compare_every_bfloat16<nvfp4_modelopt>({0x00, 0x01, 0x38, 0x7E}, 0.01F);
}
BOOST_AUTO_TEST_CASE(ties_and_what_lies_beyond) {
  compare_near_ties<quantizer<int8, per_token>, float>();
  compare_near_ties<quantizer<int8, per_token>, bfloat16>();
  compare_near_ties<quantizer<int4, per_group<32>>, float>();
  compare_near_ties<quantizer<int4, per_group<32>>, bfloat16>();
  compare_near_ties<quantizer<float8_e4m3fn, per_token>, float>();
  compare_near_ties<quantizer<float8_e4m3fn, per_token>, bfloat16>();
}
BOOST_AUTO_TEST_CASE(int8_per_token) { compare<quantizer<int8, per_token>>(); }
BOOST_AUTO_TEST_CASE(int8_per_column) { compare<quantizer<int8, per_channel<1>>>(); }
BOOST_AUTO_TEST_CASE(int4_in_groups) { compare<quantizer<int4, per_group<32>>>(); }
BOOST_AUTO_TEST_CASE(float8_in_groups) { compare<quantizer<float8_e4m3fn, per_group<32>>>(); }
BOOST_AUTO_TEST_CASE(float8_e5m2_per_token) { compare<quantizer<float8_e5m2, per_token>>(); }
BOOST_AUTO_TEST_CASE(powers_of_two) {
  compare<mxfp4_ocp>();
  compare<mxfp6_e3m2_ocp>();
  compare<mxint8_rceil>();
}
BOOST_AUTO_TEST_CASE(codebooks) {
  compare<quantizer<nf4, per_group<64>>>();
  compare<quantizer<iq4_nl, per_group<32>>>();
  compare<quantizer<nf4, per_channel<1>>>();
}
BOOST_AUTO_TEST_CASE(two_levels) {
  compare<nvfp4_modelopt>();
  compare<ct_nvfp4>();
}
BOOST_AUTO_TEST_CASE(zero_points) {
  compare<ct_int8_asymmetric>();
  compare<onnx_uint4_group32>();
  compare<torchao_int8_asymmetric>();
  compare<onnx_dynamic_uint8>();
}
BOOST_AUTO_TEST_CASE(zeros_that_are_added) { compare<ct_int8_per_token>(); }
