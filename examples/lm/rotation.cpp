#include <lm/rotation.hpp>

#include <cmath>
#include <cstddef>
#include <numbers>

namespace qgrain::lm {
namespace {

// The class of sequences for which longrope takes the long list; that of the others is 0.
constexpr index_t long_sequences = 1;

// The dimension, counted in pairs, that turns so often within so many positions.
double dimension_of(double turns, const rotation& r, double positions) {
  return static_cast<double>(r.size) * std::log(positions / (turns * 2 * std::numbers::pi)) / (2 * std::log(r.base));
}

void scale(const yarn_scaling& s, const rotation& r, std::vector<float>& frequencies) {
  double low = dimension_of(s.often, r, s.original_positions);
  double high = dimension_of(s.rarely, r, s.original_positions);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(r.size - 1));
  if (low == high) high += 0.001;  // no ramp, but a step
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double divided = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= static_cast<float>(1 - divided + divided / s.factor);
  }
}

}  // namespace

index_t rotation::length_class(index_t length) const noexcept {
  if (const auto* s = std::get_if<dynamic_scaling>(&scaling))
    return static_cast<double>(length) > s->positions ? length : 0;
  if (const auto* s = std::get_if<longrope_scaling>(&scaling))
    return static_cast<double>(length) > s->original_positions ? long_sequences : 0;
  return 0;
}

std::vector<float> rotation::frequencies(index_t length_class) const {
  double grown = base;
  if (const auto* s = std::get_if<dynamic_scaling>(&scaling); s != nullptr && length_class > 0) {
    const auto dimensions = static_cast<double>(size);
    grown *= std::pow(s->factor * static_cast<double>(length_class) / s->positions - (s->factor - 1),
                      dimensions / (dimensions - 2));
  }
  std::vector<float> values(static_cast<std::size_t>(size / 2));
  for (std::size_t i = 0; i < values.size(); ++i) {
    // f32 throughout, as the reference implementation computes its table.
    values[i] = 1.0F / std::pow(static_cast<float>(grown), static_cast<float>(2 * i) / static_cast<float>(size));
    if (const auto* s = std::get_if<linear_scaling>(&scaling)) values[i] /= static_cast<float>(s->factor);
    if (const auto* s = std::get_if<llama3_scaling>(&scaling)) {
      const double wave_length = 2 * std::numbers::pi / static_cast<double>(values[i]);
      values[i] *= static_cast<float>(s->factor_of(s->original_positions / wave_length));
    }
    if (const auto* s = std::get_if<longrope_scaling>(&scaling))
      values[i] /= (length_class == long_sequences ? s->long_divisors : s->short_divisors)[i];
    if (!divisors.empty()) values[i] /= divisors[i];
  }
  if (const auto* s = std::get_if<yarn_scaling>(&scaling)) scale(*s, *this, values);
  return values;
}

float rotation::magnitude() const noexcept {
  if (const auto* s = std::get_if<yarn_scaling>(&scaling)) return static_cast<float>(s->magnitude);
  if (const auto* s = std::get_if<longrope_scaling>(&scaling)) return static_cast<float>(s->magnitude);
  return 1;
}

}  // namespace qgrain::lm
