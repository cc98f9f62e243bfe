// A quantizer type against its slow definition, over matrices with all kinds of rows, element by element and in bulk.
#ifndef QGRAIN_TESTS_SUPPORT_SECOND_SOURCE_HPP
#define QGRAIN_TESTS_SUPPORT_SECOND_SOURCE_HPP

#include <support/inputs.hpp>
#include <support/reference_recipe.hpp>

#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/range.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

namespace qgrain_test {

struct test_matrix {
  qgrain::shape2d shape;
  std::vector<float> x;
};

/// Rows of 131 elements, one kind of difficulty each, for a format whose largest value is `most`.
[[nodiscard]] inline std::vector<std::vector<float>> difficult_rows(float most, std::uint64_t seed) {
  constexpr std::size_t cols = 131;
  random_source random(seed);
  std::vector<std::vector<float>> rows;
  const auto add = [&](auto make) {
    std::vector<float> row(cols);
    for (std::size_t i = 0; i < cols; ++i) row[i] = make(i);
    rows.push_back(row);
  };
  const auto bells_times = [&](float factor) { add([&](std::size_t) { return random.bell() * factor; }); };
  const auto sign = [&] { return random.next() % 2 == 0 ? 1.0F : -1.0F; };
  add([](std::size_t) { return 0.0F; });
  add([](std::size_t) { return -0.0F; });
  add([&](std::size_t) { return sign() * 0.0F; });
  add([](std::size_t i) { return i == 77 ? -3.25F : 0.0F; });
  for (const float factor : {1.0F, 1e-40F, 1e-44F, 1e-30F, 1e-7F, 1e-5F, 1e4F, 1e30F, 5e37F}) bells_times(factor);
  add([&](std::size_t) {
    const float bell = random.bell();  // heavy tails
    return bell * bell * bell * 20.0F;
  });
  add([&](std::size_t) { return std::fabs(random.bell()); });
  add([&](std::size_t) { return -std::fabs(random.bell()) - 1.0F; });
  add([](std::size_t) { return -2.5F; });
  for (const int exponent : {-30, -7, 0, 3}) {  // halves and quarters of steps under a power of two
    add([&](std::size_t i) {
      const double steps = i % 16 == 0 ? static_cast<double>(most) : std::floor(random.uniform() * 64) / 4;
      return sign() * static_cast<float>(std::ldexp(steps, exponent));
    });
  }
  for (const int side : {-1, 0, 1}) {  // maxima at most * 2^k and one place beside it
    for (const int spread : {6, 60, 250}) {
      int exponent = 0;
      add([&](std::size_t i) {
        if (i % 16 == 0) exponent = static_cast<int>(random.next() % static_cast<std::uint64_t>(spread)) - spread / 2;
        const float end = std::ldexp(most, std::min(exponent, 110));
        const auto beside = std::bit_cast<float>(static_cast<std::uint32_t>(std::bit_cast<std::int32_t>(end) + side));
        if (i % 16 == 3) return sign() * beside;
        const float share = random.bell() / 8;
        return beside * share;
      });
    }
  }
  for (const int power : {-24, -10, 0, 126}) {  // just around powers of two
    add([&](std::size_t i) {
      const float x = std::ldexp(1.0F, power);
      return sign() * (i % 3 == 0 ? x : std::nextafter(x, i % 3 == 1 ? 0.0F : 3e38F));
    });
  }
  add([&](std::size_t) { return any_finite(random); });
  add([&](std::size_t i) { return i % 40 == 9 ? std::numeric_limits<float>::quiet_NaN() : random.bell(); });
  add([&](std::size_t i) { return i % 50 == 9 ? sign() * std::numeric_limits<float>::infinity() : random.bell(); });
  add([&](std::size_t i) { return i % 20 == 9 ? std::numeric_limits<float>::max() * sign() : random.bell(); });
  return rows;
}

/// Ordinary matrices of odd shapes, a matrix of all difficult rows, and each of these rows alone.
[[nodiscard]] inline std::vector<test_matrix> test_matrices(float most, const reference_type& t) {
  std::vector<test_matrix> all;
  std::uint64_t seed = 17;
  for (const qgrain::shape2d shape : {qgrain::shape2d{5, 131}, {1, 128}, {37, 200}, {131, 257}}) {
    all.push_back({shape, bell_values(++seed, static_cast<std::size_t>(shape.elements()))});
    all.push_back({shape, edge_values(++seed, static_cast<std::size_t>(shape.elements()))});
  }
  test_matrix together{{0, 131}, {}};
  for (std::uint64_t repeat = 0; repeat < 2; ++repeat) {
    for (const std::vector<float>& row : difficult_rows(most, 23 + repeat)) {
      all.push_back({{1, 131}, row});
      together.x.insert(together.x.end(), row.begin(), row.end());
      ++together.shape.rows;
    }
  }
  all.push_back(together);
  for (test_matrix& m : all) {
    for (float& x : m.x) x = t.rounded(static_cast<double>(x));
  }
  return all;
}

[[nodiscard]] inline double stored_number(float x) { return static_cast<double>(x); }
[[nodiscard]] inline double stored_number(std::uint8_t x) { return x; }
[[nodiscard]] inline double stored_number(qgrain::bfloat16 x) { return static_cast<double>(qgrain::to_float(x)); }
[[nodiscard]] inline double stored_number(qgrain::float16 x) { return static_cast<double>(qgrain::to_float(x)); }
template <class T, class Integer>
[[nodiscard]] double stored_number(const qgrain::affine_scale<T, Integer>& x) {
  return static_cast<double>(qgrain::to_float(x.scale));
}
template <class Stored>
[[nodiscard]] int stored_zero_point(const Stored& stored) {
  if constexpr (requires { stored.zero_point; }) return static_cast<int>(stored.zero_point);
  return 0;
}

/// What the library makes of a matrix, by the functions for elements. Codes of NaN are one and the same number where
/// the format has several or none.
template <class Q>
[[nodiscard]] reference_matrix library_quantize(const test_matrix& m) {
  using format = typename Q::format_type;
  const qgrain::shape2d shape = m.shape;
  std::vector<typename Q::range_type> ranges(static_cast<std::size_t>(Q::scale_count(shape)));
  const auto group_of = [&](std::size_t i) {
    const auto place = static_cast<qgrain::index_t>(i);
    return static_cast<std::size_t>(Q::scale_index(shape, place / shape.cols, place % shape.cols));
  };
  float tensor_absmax = 0;
  for (std::size_t i = 0; i < m.x.size(); ++i) {
    ranges[group_of(i)] = qgrain::widened(ranges[group_of(i)], m.x[i]);
    tensor_absmax = qgrain::widened(tensor_absmax, m.x[i]);
  }
  const float tensor_scale = Q::tensor_scale(tensor_absmax);
  reference_matrix out;
  std::vector<typename Q::stored_scale> scales;
  for (const auto& range : ranges) {
    scales.push_back(Q::scale(range, tensor_scale));
    // A scale of a few bits may have two codes of NaN.
    const bool nan = std::isnan(Q::factors(scales.back(), 1.0F).backward);
    out.scales.push_back(nan ? static_cast<double>(reference_nan) : stored_number(scales.back()));
    out.zero_points.push_back(stored_zero_point(scales.back()));
  }
  for (std::size_t i = 0; i < m.x.size(); ++i) {
    const auto factors = Q::factors(scales[group_of(i)], tensor_scale);
    const auto code = Q::encode(m.x[i], factors);
    const bool small_float = requires { format::specials; }
    || requires { format::mantissa_bits; };
    const bool no_number = std::isnan(Q::scale_type::scaled(m.x[i], factors)) && small_float;
    out.codes.push_back(std::isnan(format::decode(code)) || no_number ? reference_nan_code : static_cast<int>(code));
    out.values.push_back(Q::decode(code, factors));
    out.fakes.push_back(Q::fake(m.x[i], factors));
  }
  return out;
}

/// Equal patterns; any two NaN are equal.
[[nodiscard]] inline bool same_float(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}

/// Counts comparisons and complains of the first difference of each kind.
class second_source_books {
 public:
  void compare(const std::string& name, const test_matrix& m, const reference_matrix& got,
               const reference_matrix& wanted) {
    const auto numbers = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    each(name, "scale", m, got.scales, wanted.scales, numbers);
    each(name, "zero point", m, got.zero_points, wanted.zero_points, std::equal_to<>{});
    each(name, "code", m, got.codes, wanted.codes, std::equal_to<>{});
    each(name, "value", m, got.values, wanted.values, same_float);
    each(name, "fake value", m, got.fakes, wanted.fakes, same_float);
  }
  void report(const std::string& what) const {
    BOOST_TEST_MESSAGE(what << ": " << compared_ - wrong_ << " of " << compared_ << " numbers equal");
    BOOST_TEST(wrong_ == 0U);
    BOOST_TEST(compared_ > 0U);
  }

  template <class Values, class Same>
  void each(const std::string& name, const char* what, const test_matrix& m, const Values& got, const Values& wanted,
            Same same) {
    BOOST_REQUIRE_EQUAL(got.size(), wanted.size());
    std::size_t differ = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (same(got[i], wanted[i])) continue;
      const float x = got.size() == m.x.size() ? m.x[i] : 0.0F;
      if (differ++ == 0) {
        BOOST_ERROR(name << ", " << m.shape.rows << " x " << m.shape.cols << ": " << what << ' ' << i << " of element "
                         << std::hexfloat << x << " is " << got[i] << ", not " << wanted[i] << std::defaultfloat);
      }
    }
    compared_ += got.size();
    wrong_ += differ;
  }

 private:
  std::size_t compared_ = 0;
  std::size_t wrong_ = 0;
};

/// Elements of type t, under the granularity of Q.
template <class Q>
void compare_with_definition(second_source_books& books, const std::string& name, const reference_recipe& recipe,
                             const reference_type& t = in_f32) {
  for (const test_matrix& m : test_matrices(static_cast<float>(recipe.format.most), t)) {
    const qgrain::shape2d group = Q::granularity_type::group_shape(m.shape);
    const auto size = [](qgrain::index_t n) { return static_cast<std::size_t>(n); };
    books.compare(
        name, m, library_quantize<Q>(m),
        reference_quantize(recipe, m.x, size(m.shape.rows), size(m.shape.cols), size(group.rows), size(group.cols)));
  }
}

}  // namespace qgrain_test

#endif
