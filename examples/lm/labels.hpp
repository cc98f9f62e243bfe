// Labels drawn from a model's own prediction.
#ifndef QGRAIN_LM_LABELS_HPP
#define QGRAIN_LM_LABELS_HPP

#include <lm/buffer.hpp>

#include <qgrain/format/rounding.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace qgrain::lm {

/// Which draw: nothing comes from a stream. The noise of a vocabulary entry is a function of the seed, the draw's
/// number, the row and the entry, so it is the same for any number of threads and any slab of the vocabulary.
struct label_draw {
  std::uint64_t seed = 0;
  std::uint64_t number = 0;
};

/// One row's label, found over the vocabulary in any pieces: the entry with the largest logit plus Gumbel noise is
/// distributed as softmax(logits) (Gumbel-max). The noise of entry v is -log(-log u) with golden = 0x9E3779B97F4A7C15,
/// mix_bits() that of format/rounding.hpp, all modulo 2^64,
///   key = mix_bits(mix_bits(mix_bits(seed + golden) + (number + 1) * golden) + (row + 1) * golden),
///   u = ((mix_bits(key + (v + 1) * golden) >> 11) + 1/2) * 2^-53.
class drawn_label {
 public:
  drawn_label(const label_draw& draw, index_t row)
      : key_(mix_bits(mix_bits(mix_bits(draw.seed + golden) + (draw.number + 1) * golden) +
                      (static_cast<std::uint64_t>(row) + 1) * golden)) {}

  /// logits [n] of the entries from `first` on; a NaN is never drawn. Equal sums: the entry seen first.
  void add(const float* logits, index_t n, index_t first) {
    for (index_t i = 0; i < n; ++i) {
      const std::uint64_t word = mix_bits(key_ + (static_cast<std::uint64_t>(first + i) + 1) * golden) >> 11U;
      // -log u >= 1 - u, so the noise is at most -log(1 - u): most entries fall out without a logarithm.
      constexpr std::uint64_t ones = (std::uint64_t{1} << 53U) - 1;
      constexpr double above_log_two = 0.6931472;
      const double bound = static_cast<double>(54 - std::bit_width(ones - word)) * above_log_two;
      const auto logit = static_cast<double>(logits[i]);
      if (!(logit + bound > largest_)) continue;
      const double u = (static_cast<double>(word) + 0.5) * 0x1p-53;
      const double noisy = logit - std::log(-std::log(u));
      if (noisy > largest_) {
        largest_ = noisy;
        id_ = static_cast<std::int32_t>(first + i);
      }
    }
  }
  [[nodiscard]] std::int32_t id() const noexcept { return id_; }

 private:
  static constexpr std::uint64_t golden = 0x9E37'79B9'7F4A'7C15ULL;
  std::uint64_t key_;
  double largest_ = -std::numeric_limits<double>::infinity();
  std::int32_t id_ = 0;
};

}  // namespace qgrain::lm

#endif
