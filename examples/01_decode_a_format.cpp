// Prints every code of a format, and what the catalogue says of all formats.
#include <qgrain/qgrain.hpp>

#include <cstdio>

int main() {
  using format = qgrain::float4_e2m1fn;
  float sum = 0.0F;
  for (unsigned code = 0; code < 1U << format::bits; ++code) {
    const float value = format::decode(static_cast<format::code_type>(code));
    std::printf("%s code %2u is %4g\n", format::name().data(), code, static_cast<double>(value));
    sum += value < 0.0F ? -value : value;
  }

  bool all_hold_one = true;
  for (const qgrain::format_description& f : qgrain::format_catalog()) {
    std::printf("%-20s %2d bits, up to %g\n", f.name.data(), f.bits, static_cast<double>(f.max_finite));
    all_hold_one = all_hold_one && f.max_finite >= 1.0F;
  }
  // Two signs of 0, 0.5, 1, 1.5, 2, 3, 4, 6.
  return sum == 36.0F && all_hold_one ? 0 : 1;
}
