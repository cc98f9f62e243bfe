// Quantizers as two small tables of functions, one for the elements' format and one for the scale of a group, and the
// plain loop over a matrix. Includes no header of the library.
#ifndef QGRAIN_TESTS_SUPPORT_REFERENCE_RECIPE_HPP
#define QGRAIN_TESTS_SUPPORT_REFERENCE_RECIPE_HPP

#include <support/reference_arithmetic.hpp>
#include <support/reference_codec.hpp>

#include <cmath>
#include <cstddef>
#include <functional>
#include <vector>

namespace qgrain_test {

/// The code of NaN in formats that have none or several.
inline constexpr int reference_nan_code = -100000;

struct reference_format {
  double most = 0;
  double least = 0;
  std::function<int(float)> code;
  std::function<float(int)> value;
  /// The value that the element takes, NaN and the sign of zero kept.
  std::function<float(float)> grid;
};

[[nodiscard]] inline reference_format reference_integer(int least, int most) {
  reference_format f;
  f.most = most;
  f.least = least;
  f.grid = [=](float x) {
    if (std::isnan(x)) return x;
    const double limited =
        std::fmin(std::fmax(static_cast<double>(x), static_cast<double>(least)), static_cast<double>(most));
    return std::copysign(static_cast<float>(std::nearbyint(limited)), x);
  };
  f.code = [grid = f.grid](float x) { return std::isnan(x) ? 0 : static_cast<int>(grid(x)); };
  f.value = [](int code) { return static_cast<float>(code); };
  return f;
}

/// Saturating, unless `overflows`.
[[nodiscard]] inline reference_format reference_small_float(const reference_float& kind,
                                                            reference_ties ties = reference_ties::even,
                                                            bool overflows = false) {
  const auto values = kind.magnitudes();
  const auto and_next = kind.magnitudes_and_next();
  const auto sign = static_cast<int>(kind.sign_code());
  reference_format f;
  f.most = values.back();
  f.least = -values.back();
  f.code = [=](float x) {
    if (std::isnan(x)) return reference_nan_code;
    const auto index = reference_nearest(overflows ? and_next : values, std::fabs(static_cast<double>(x)), ties);
    if (index >= values.size()) return reference_nan_code;
    return static_cast<int>(index) + (std::signbit(x) ? sign : 0);
  };
  f.value = [=](int code) {
    if (code == reference_nan_code) {
      return kind.specials == reference_specials::none ? 0.0F : reference_nan;
    }
    const auto magnitude = static_cast<float>(values[static_cast<std::size_t>(code % sign)]);
    return code >= sign ? -magnitude : magnitude;
  };
  f.grid = [=, code = f.code, value = f.value](float x) { return std::isnan(x) ? x : value(code(x)); };
  return f;
}

inline const reference_float reference_e2m1{2, 1, 1, reference_specials::none};
inline const reference_float reference_e2m3{2, 3, 1, reference_specials::none};
inline const reference_float reference_e3m2{3, 2, 3, reference_specials::none};
inline const reference_float reference_e4m3{4, 3, 7, reference_specials::nan_at_ones};
inline const reference_float reference_e5m2{5, 2, 15, reference_specials::ieee};

/// A scale that is ready for use, and what of it is stored.
struct reference_scale {
  double stored = 0;  ///< the number, or the code of a small format
  int zero_point = 0;
  std::function<float(float)> forward;
  std::function<float(float)> back;
};

/// Elements of one group, and the largest magnitude of the tensor.
using reference_scale_rule = std::function<reference_scale(const std::vector<float>&, float)>;

struct reference_recipe {
  reference_format format;
  reference_scale_rule scale;
};

struct reference_matrix {
  std::vector<double> scales;
  std::vector<int> zero_points;
  std::vector<int> codes;
  std::vector<float> values;
  std::vector<float> fakes;
};

/// The largest magnitude; NaN if there is one.
[[nodiscard]] inline float reference_absmax(const std::vector<float>& x) {
  float most = 0;
  for (const float v : x) {
    if (std::isnan(v)) return reference_nan;
    most = std::fmax(most, std::fabs(v));
  }
  return most;
}

/// Rows x cols elements under groups of group_rows x group_cols, shorter at the right and lower edge.
[[nodiscard]] inline reference_matrix reference_quantize(const reference_recipe& recipe, const std::vector<float>& x,
                                                         std::size_t rows, std::size_t cols, std::size_t group_rows,
                                                         std::size_t group_cols) {
  reference_matrix out;
  out.codes.resize(x.size());
  out.values.resize(x.size());
  out.fakes.resize(x.size());
  const float tensor_absmax = reference_absmax(x);
  for (std::size_t top = 0; top < rows; top += group_rows) {
    for (std::size_t left = 0; left < cols; left += group_cols) {
      std::vector<std::size_t> places;
      std::vector<float> group;
      for (std::size_t r = top; r < std::min(top + group_rows, rows); ++r) {
        for (std::size_t c = left; c < std::min(left + group_cols, cols); ++c) places.push_back(r * cols + c);
      }
      for (const std::size_t i : places) group.push_back(x[i]);
      const reference_scale scale = recipe.scale(group, tensor_absmax);
      out.scales.push_back(scale.stored);
      out.zero_points.push_back(scale.zero_point);
      for (const std::size_t i : places) {
        const float scaled = scale.forward(x[i]);
        out.codes[i] = recipe.format.code(scaled);
        out.values[i] = scale.back(recipe.format.value(out.codes[i]));
        out.fakes[i] = scale.back(recipe.format.grid(scaled));
      }
    }
  }
  return out;
}

}  // namespace qgrain_test

#endif
