// Formats whose codes are indices into a table of values.
#ifndef QGRAIN_FORMAT_CODEBOOK_HPP
#define QGRAIN_FORMAT_CODEBOOK_HPP

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

namespace qgrain {

/// The values of a codebook: `size` of them, ascending, `value(i)` a constexpr function that kernels can call (an
/// array inside of it; device code cannot index a static member).
template <class T>
concept codebook_table = requires(int i) {
  { T::name() } -> std::convertible_to<std::string_view>;
  { T::size } -> std::convertible_to<int>;
  { T::value(i) } -> std::same_as<float>;
};

/// Which of two entries at the same distance is taken.
enum class codebook_ties : std::uint8_t {
  lower_index,  ///< what a search for the least distance from the first entry on finds (NF4 in ModelOpt)
  toward_zero,  ///< the entry of the smaller magnitude
};

namespace detail {

/// The largest float32 that goes to low rather than to high; exact, also where the middle is no float32.
[[nodiscard]] constexpr float last_before_middle(float low, float high, codebook_ties ties) noexcept {
  const double a = low;
  const double b = high;
  const double sum = a + b;
  const double share = sum - a;
  const double rest = (a - (sum - share)) + (b - share);  // what the sum lost: Knuth's two-sum
  const auto middle = static_cast<float>(sum / 2);
  const double excess = static_cast<double>(middle) - sum / 2;
  const bool tie_goes_up = ties == codebook_ties::toward_zero && sum < 0;
  const bool goes_up = excess != 0 ? excess > 0 : rest != 0 ? rest < 0 : tie_goes_up;
  if (!goes_up) return middle;
  if (middle == 0) return -float_from_bits(1);
  return float_from_bits(bits_of(middle) + (middle > 0 ? ~0U : 1U));
}

}  // namespace detail

/// The code is the index of the nearest entry, in exact arithmetic. Values beyond the ends and infinities go to the
/// nearer end; NaN encodes as 0, the lowest entry. Ties are fixed by the type, so there is no choice of rounding.
///
/// A scale maps a range's end to `max_finite`, the last entry; a table that reaches further below zero keeps the rest
/// for values outside the range. Codes above the last index, where the table does not fill its bits, decode as the last
/// entry.
template <codebook_table Table, codebook_ties Ties = codebook_ties::lower_index>
struct codebook {
  static_assert(Table::size >= 2 && Table::size <= 256,
                "qgrain::codebook: a table has 2 to 256 entries; change Table::size");
  static_assert(
      [] {
        bool ascending = true;
        for (int i = 1; i < Table::size; ++i) ascending = ascending && Table::value(i - 1) < Table::value(i);
        return ascending;
      }(),
      "qgrain::codebook: entries have to be ascending numbers, because a code is the count of midpoints below a value; "
      "sort the table");

  using code_type = std::uint8_t;
  static constexpr int size = Table::size;
  static constexpr int bits = [] {
    int width = 1;
    while (1 << width < size) ++width;
    return width;
  }();
  static constexpr float max_finite = Table::value(size - 1);
  static constexpr float lowest = Table::value(0);

  [[nodiscard]] static constexpr std::string_view name() noexcept { return Table::name(); }

  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr code_type encode(float x) noexcept {
    // A zero for NaN, whose differences nvcc refuses to evaluate in constants.
    const float number = selected(is_nan(x), 0.0F, x);
    const std::uint32_t below = entries_below(number, std::make_integer_sequence<int, size - 1>{});
    return static_cast<code_type>(selected(is_nan(x), 0U, below));
  }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float decode(code_type code) noexcept {
    if constexpr (size <= 16) {
      return float_from_bits(entry_of<0, 1 << bits>(smaller_of<std::uint32_t>(code, (1U << bits) - 1U)));
    } else {
      return Table::value(smaller_of<int>(code, size - 1));
    }
  }

  /// The largest float32 whose code is at most I, which is below the last one. A variable each, not an array: device
  /// code may use the value of a constant, not its address.
  template <int I>
  static constexpr float last_of = detail::last_before_middle(Table::value(I), Table::value(I + 1), Ties);

 private:
  /// One of `Count` entries, a power of two, chosen by the lower bits of the code, one after the other: a small table
  /// as masks of constants, as loads by index would not be vectorized.
  template <int First, int Count>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t entry_of(std::uint32_t code) noexcept {
    if constexpr (Count == 1) {
      constexpr float entry = Table::value(First < size ? First : size - 1);
      return bits_of(entry);
    } else {
      constexpr int half = Count / 2;
      const std::uint32_t mask = 0U - (code & static_cast<std::uint32_t>(half)) / half;
      return (entry_of<First + half, half>(code) & mask) | (entry_of<First, half>(code) & ~mask);
    }
  }

  /// Comparisons as the signs of differences, which are exact in sign: g++ turns a chain of comparisons into branches.
  /// Counted in the upper bits, as it would count lower ones in bytes and pack each sign for it.
  template <int... I>
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr std::uint32_t entries_below(
      float x, std::integer_sequence<int, I...>) noexcept {
    return ((sign_of(sub_rn(last_of<I>, x)) >> 7U) + ...) >> 24U;
  }
};

/// The 16 levels of 4-bit NormalFloat: quantiles of the normal distribution, 0 among them (QLoRA, arXiv 2305.14314), as
/// float32 numbers.
struct nf4_table {
  static constexpr int size = 16;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nf4"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float value(int i) noexcept {
    constexpr float values[size] = {-1.0F,
                                    -0.6961928009986877F,
                                    -0.5250730514526367F,
                                    -0.39491748809814453F,
                                    -0.28444138169288635F,
                                    -0.18477343022823334F,
                                    -0.09105003625154495F,
                                    0.0F,
                                    0.07958029955625534F,
                                    0.16093020141124725F,
                                    0.24611230194568634F,
                                    0.33791524171829224F,
                                    0.44070982933044434F,
                                    0.5626170039176941F,
                                    0.7229568362236023F,
                                    1.0F};
    return values[i];
  }
};

/// The same levels as nvidia-modelopt keeps them: four decimal digits, rounded to bfloat16.
struct nf4_modelopt_table {
  static constexpr int size = 16;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "nf4_modelopt"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float value(int i) noexcept {
    constexpr float values[size] = {
        -1.0F,          -0.6953125F,   -0.5234375F, -0.39453125F, -0.28515625F, -0.1845703125F, -0.09130859375F, 0.0F,
        0.07958984375F, 0.1611328125F, 0.24609375F, 0.337890625F, 0.44140625F,  0.5625F,        0.72265625F,     1.0F};
    return values[i];
  }
};

/// ggml's levels of IQ4_NL and IQ4_XS: denser around zero, without a zero, lopsided.
struct iq4_nl_table {
  static constexpr int size = 16;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "iq4_nl"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float value(int i) noexcept {
    constexpr float values[size] = {-127.0F, -104.0F, -83.0F, -65.0F, -49.0F, -35.0F, -22.0F, -10.0F,
                                    1.0F,    13.0F,   25.0F,  38.0F,  53.0F,  69.0F,  89.0F,  113.0F};
    return values[i];
  }
};

/// -1, 0, 1 as codes 0, 1, 2 (ggml's TQ formats, BitNet b1.58).
struct ternary_table {
  static constexpr int size = 3;
  [[nodiscard]] static constexpr std::string_view name() noexcept { return "ternary"; }
  [[nodiscard]] QGRAIN_ELEMENTWISE static constexpr float value(int i) noexcept { return static_cast<float>(i - 1); }
};

/// Over the tables of the same names.
using nf4 = codebook<nf4_table>;
/// ModelOpt's table, whose entries are rounded otherwise.
using nf4_modelopt = codebook<nf4_modelopt_table>;
/// llama.cpp's table of whole numbers from -127 to 113.
using iq4_nl = codebook<iq4_nl_table>;
/// Ties as in rounding to the nearest even integer: 0.5 and -0.5 become 0.
using ternary = codebook<ternary_table, codebook_ties::toward_zero>;

}  // namespace qgrain

#endif
