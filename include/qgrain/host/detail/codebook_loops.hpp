// Codebooks of sixteen entries over lanes of AVX-512: entries and limits lie in a register each, and a code is found in
// four steps, in each of which lanes look up the limit that they compare with. Scales are applied by their definition.
#ifndef QGRAIN_HOST_DETAIL_CODEBOOK_LOOPS_HPP
#define QGRAIN_HOST_DETAIL_CODEBOOK_LOOPS_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/avx512_lanes.hpp>
#include <qgrain/host/run_widest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

namespace qgrain::detail {

template <class Format>
[[nodiscard]] constexpr bool is_codebook_of_16() noexcept {
  if constexpr (requires { Format::template last_of<14>; }) return Format::size == 16;
  return false;
}

#if QGRAIN_HOST_INSTRUCTION_SETS == 3

namespace avx512 {

/// Entries, and the largest float of each code but the last.
template <class Format>
struct codebook_tables {
  alignas(64) static constexpr std::array<float, 16> entries = [] {
    std::array<float, 16> all{};
    for (std::size_t i = 0; i < 16; ++i) all[i] = Format::decode(static_cast<typename Format::code_type>(i));
    return all;
  }();
  alignas(64) static constexpr std::array<float, 16> limits = []<int... I>(std::integer_sequence<int, I...>) {
    return std::array<float, 16>{Format::template last_of<I>..., std::numeric_limits<float>::infinity()};
  }
  (std::make_integer_sequence<int, 15>{});
};

/// Where x > bound, codes | bits; not for NaN.
QGRAIN_AVX512 words with_bits_where_larger(words codes, words bits, floats x, floats bound) {
  std::uint16_t above = 0;
  asm("vcmpps $30, %2, %1, %0" : "=k"(above) : "v"(x), "v"(bound));
  asm("vpord %2, %1, %0 %{%3%}" : "+v"(codes) : "v"(codes), "v"(bits), "Yk"(above));
  return codes;
}
/// Codes of sixteen numbers, 0 for NaN.
template <class Format>
QGRAIN_AVX512 words codebook_codes(floats x) {
  const floats limits = loaded<floats>(codebook_tables<Format>::limits.data());
  words codes = with_bits_where_larger(words{}, words{} + 8U, x, spread(codebook_tables<Format>::limits[7]));
  codes = with_bits_where_larger(codes, words{} + 4U, x, entries(codes + 3U, limits));
  codes = with_bits_where_larger(codes, words{} + 2U, x, entries(codes + 1U, limits));
  return with_bits_where_larger(codes, words{} + 1U, x, entries(codes, limits));
}
QGRAIN_AVX512 words at_most_15(words codes) {
  words y;
  asm("vpminud %2, %1, %0" : "=v"(y) : "v"(codes), "v"(words{} + 15U));
  return y;
}
QGRAIN_AVX512 quarter_of_bytes lowest_bytes(words x) {
  quarter_of_bytes y;
  asm("vpmovdb %1, %0" : "=v"(y) : "v"(x));
  return y;
}

/// A kernel of the element stage, element_block<Operation>, for groups of at least a vector.
template <class Kernel, class Operation>
struct codebook_loop {
  using format = typename Operation::element_type::format_type;
  using scale = typename Operation::element_type::scale_type;
  using factors_type = typename Operation::factors_type;
  using in_type = typename Operation::in_type;
  using out_type = typename Operation::out_type;

  template <class... More>
  QGRAIN_AVX512 static void run(matrix_view<const in_type> in, matrix_view<out_type> out, index_t group_cols,
                                const typename Operation::source_type* sources, float tensor_scale, More... more) {
    if (group_cols < lanes) return run_avx2<Kernel>(in, out, group_cols, sources, tensor_scale, more...);
    for (index_t first = 0, group = 0; first < in.shape.cols; first += group_cols, ++group) {
      const factors_type factors = Operation::factors(sources[group], tensor_scale);
      const index_t end = smaller_of(first + group_cols, in.shape.cols);
      for (index_t r = 0; r < in.shape.rows; ++r) {
        for (index_t c = first; c < end; c += piece) {
          run_piece(in.row(r) + c, out.row(r) + c, smaller_of(piece, end - c), factors);
        }
      }
    }
  }

 private:
  static constexpr index_t piece = 256;
  using numbers = std::array<float, static_cast<std::size_t>(piece)>;

  QGRAIN_AVX512 static void scale_to(const float* x, index_t count, factors_type factors, numbers& to) {
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t i = 0; i < count; ++i) to.data()[i] = scale::scaled(x[i], factors);
  }
  QGRAIN_AVX512 static void restore(const numbers& from, index_t count, factors_type factors, float* y) {
    QGRAIN_INDEPENDENT_ITERATIONS
    for (index_t i = 0; i < count; ++i) y[i] = scale::restored(from.data()[i], factors);
  }
  /// A few elements behind the last whole vector.
  QGRAIN_AVX512 static void run_rest(const in_type* x, out_type* y, index_t count, factors_type factors) {
    for (index_t i = 0; i < count; ++i) y[i] = Operation::apply(x[i], factors, 0, {});
  }

  QGRAIN_AVX512 static void run_piece(const in_type* x, out_type* y, index_t count, factors_type factors) {
    const floats table = loaded<floats>(codebook_tables<format>::entries.data());
    const index_t whole = count / lanes * lanes;
    numbers q;
    if constexpr (!std::is_same_v<in_type, float>) {
      for (index_t i = 0; i < whole; i += lanes) {
        const words wide = widened_words(loaded<quarter_of_bytes>(x + i));
        stored(entries(at_most_15(wide), table), q.data() + i);
      }
      restore(q, whole, factors, y);
    } else if constexpr (!std::is_same_v<out_type, float>) {
      scale_to(x, whole, factors, q);
      for (index_t i = 0; i < whole; i += lanes) {
        stored(lowest_bytes(codebook_codes<format>(loaded<floats>(q.data() + i))), y + i);
      }
    } else {
      scale_to(x, whole, factors, q);
      for (index_t i = 0; i < whole; i += lanes) {
        const floats number = loaded<floats>(q.data() + i);
        const floats nearest = entries(codebook_codes<format>(number), table);
        stored(number == number ? nearest : number, q.data() + i);  // NaN stays
      }
      restore(q, whole, factors, y);
    }
    run_rest(x + whole, y + whole, count - whole, factors);
  }
};

}  // namespace avx512

#endif

/// The loops that run_widest finds beside the definition.
template <class Kernel, class Operation, bool = is_codebook_of_16<typename Operation::element_type::format_type>()>
struct codebook_lane_loops {};
template <class Kernel, class Operation>
struct codebook_lane_loops<Kernel, Operation, true> {
#if QGRAIN_HOST_INSTRUCTION_SETS == 3
  using avx512_loop = avx512::codebook_loop<Kernel, Operation>;
#endif
};

}  // namespace qgrain::detail

#endif
