// Rotary position embedding: how fast pairs of a head's dimensions turn, and the scalings of that.
#ifndef QGRAIN_LM_ROTATION_HPP
#define QGRAIN_LM_ROTATION_HPP

#include <lm/buffer.hpp>

#include <algorithm>
#include <variant>
#include <vector>

namespace qgrain::lm {

/// All frequencies divided by one factor.
struct linear_scaling {
  double factor;
};

/// A base that grows with the sequence once it is longer than the model was trained for (NTK).
struct dynamic_scaling {
  double factor;
  double positions;
};

/// Frequencies that turn rarely within the original context are divided by the factor, those that turn often are kept,
/// with a ramp over the dimensions between (arXiv 2309.00071).
struct yarn_scaling {
  double factor;
  double original_positions;
  double often;   ///< turns within the original context above which a frequency is kept (`beta_fast`)
  double rarely;  ///< and below which it is divided (`beta_slow`)
  bool truncate;  ///< the ends of the ramp are whole dimensions
  double magnitude;
};

/// A divisor for each frequency, of two lists: for sequences up to the original context, and for longer ones.
struct longrope_scaling {
  std::vector<float> short_divisors;
  std::vector<float> long_divisors;
  double original_positions;
  double magnitude;
};

/// Frequency scaling of Llama 3: wave lengths above the original context are stretched.
struct llama3_scaling {
  double factor;
  double low_frequency_factor;
  double high_frequency_factor;
  double original_positions;

  /// What a frequency that turns that often within the original context is multiplied by.
  [[nodiscard]] double factor_of(double turns) const noexcept {
    const double kept =
        std::clamp((turns - low_frequency_factor) / (high_frequency_factor - low_frequency_factor), 0.0, 1.0);
    return kept + (1 - kept) / factor;
  }
};

using rope_scaling =
    std::variant<std::monostate, linear_scaling, dynamic_scaling, yarn_scaling, longrope_scaling, llama3_scaling>;

/// One way to turn heads; the layers of a model may have several.
struct rotation {
  double base = 0;
  index_t size = 0;  ///< dimensions of a head that turn, from the first on; even
  rope_scaling scaling;
  /// [size / 2] What each frequency is divided by, as a GGUF file states Llama 3's scaling; empty: nothing.
  std::vector<float> divisors;

  /// Sequences whose lengths give the same number have the same frequencies.
  [[nodiscard]] index_t length_class(index_t length) const noexcept;
  /// [size / 2] Radians per position, for sequences of that class.
  [[nodiscard]] std::vector<float> frequencies(index_t length_class) const;
  /// What cosines and sines are multiplied by.
  [[nodiscard]] float magnitude() const noexcept;
};

}  // namespace qgrain::lm

#endif
