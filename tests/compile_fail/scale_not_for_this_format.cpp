// Must not compile: a scale policy that does not take the format.
#include <qgrain/quantizer/quantizer.hpp>

#include <string_view>

struct only_for_e4m3 : qgrain::absmax_f32 {
  template <class Format>
  requires(Format::max_finite == 448.0F) static constexpr float stored(float absmax, float) noexcept { return absmax; }
};

qgrain::quantizer<qgrain::float8_e4m3fn, qgrain::per_group<32>, only_for_e4m3> good;
#ifdef QGRAIN_MISTAKE
qgrain::quantizer<qgrain::float8_e5m2, qgrain::per_group<32>, only_for_e4m3> bad;
#endif
