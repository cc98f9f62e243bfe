// Must not compile: a rounding for a format that has its own.
#include <qgrain/quantizer/quantizer.hpp>

#include <cstdint>
#include <string_view>

struct sign_only {
  using code_type = std::uint8_t;
  static constexpr int bits = 1;
  static constexpr float max_finite = 1.0F;
  static constexpr std::string_view name() noexcept { return "sign_only"; }
  static constexpr std::uint8_t encode(float x) noexcept { return x < 0.0F ? 1 : 0; }
  static constexpr float decode(std::uint8_t code) noexcept { return code == 0 ? 1.0F : -1.0F; }
};

qgrain::quantizer<sign_only, qgrain::per_group<32>> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<sign_only, qgrain::per_group<32>, qgrain::absmax_f32, qgrain::toward_zero> bad;
#endif
