// A format of one's own: five members, nothing to register. Here balanced ternary, two bits to a code.
#include <qgrain/qgrain.hpp>

#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

struct balanced_ternary {
  using code_type = std::uint8_t;
  static constexpr int bits = 2;
  static constexpr float max_finite = 1.0F;
  static constexpr std::string_view name() noexcept { return "balanced_ternary"; }
  QGRAIN_ELEMENTWISE static constexpr std::uint8_t encode(float x) noexcept {
    return static_cast<std::uint8_t>(x > 0.5F ? 1 : x < -0.5F ? 2 : 0);
  }
  QGRAIN_ELEMENTWISE static constexpr float decode(std::uint8_t code) noexcept {
    return code == 1 ? 1.0F : code == 2 ? -1.0F : 0.0F;
  }
};
static_assert(qgrain::element_format<balanced_ternary>);

// It composes like any other.
using ternary_g64 = qgrain::quantizer<balanced_ternary, qgrain::per_group<64>>;
static_assert(ternary_g64::bits_per_element == 2.5);

int main() {
  std::vector<float> x(128);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 5) - 2.0F;  // -2 -1 0 1 2
  std::vector<float> y(x.size());
  const qgrain::shape2d shape{2, 64};
  qgrain::fake_quantize<ternary_g64>(qgrain::on_host{}, {x.data(), shape}, qgrain::matrix_view<float>(y.data(), shape));

  bool as_defined = true;  // the scale is 2: only values beyond 1 in magnitude survive
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float wanted = x[i] == 2.0F || x[i] == -2.0F ? x[i] : 0.0F;
    as_defined = as_defined && y[i] == wanted;
  }
  std::printf("%s: -2 -1 0 1 2 became %g %g %g %g %g\n", qgrain::describe<ternary_g64>().name.c_str(),
              static_cast<double>(y[0]), static_cast<double>(y[1]), static_cast<double>(y[2]),
              static_cast<double>(y[3]), static_cast<double>(y[4]));
  return as_defined ? 0 : 1;
}
