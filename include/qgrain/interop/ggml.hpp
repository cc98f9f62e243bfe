// ggml's block formats: rows of blocks as they lie in a GGUF file.
#ifndef QGRAIN_INTEROP_GGML_HPP
#define QGRAIN_INTEROP_GGML_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/config.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/core/short_name.hpp>
#include <qgrain/core/status.hpp>
#include <qgrain/host/detail/block_kernels.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/interop/code_matrix.hpp>
#include <qgrain/interop/detail/code_rules.hpp>
#include <qgrain/interop/detail/ggml_blocks.hpp>
#include <qgrain/interop/detail/ggml_codes.hpp>
#include <qgrain/interop/detail/ggml_lanes.hpp>
#include <qgrain/interop/detail/ggml_super_blocks.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain::interop {

/// A block that can be read: its bytes are the struct's bytes (little-endian), `value(i)` is element i.
template <class B>
concept ggml_block = std::is_trivially_copyable_v<B> && requires(const B block, int i) {
  { B::name() } -> std::convertible_to<std::string_view>;
  { B::elements } -> std::convertible_to<int>;
  { block.value(i) } -> std::same_as<float>;
};

/// A block that can be written too.
template <class B>
concept ggml_writable_block = ggml_block<B> && requires(const float* x) {
  { B::encode(x) } -> std::same_as<B>;
};

/// Bits of storage per element, scales and minima counted.
template <ggml_block B>
inline constexpr double ggml_bits_per_element = 8.0 * sizeof(B) / B::elements;

/// Blocks per row; errc::invalid_shape where the row is not made of whole blocks.
template <ggml_block B>
[[nodiscard]] index_t ggml_blocks_per_row(index_t cols) {
  if (cols >= 1 && cols % B::elements == 0) return cols / B::elements;
  qgrain::detail::raise(errc::invalid_shape, std::string(B::name()) + " has blocks of " + std::to_string(B::elements) +
                                                 " elements, so a row of " + std::to_string(cols) +
                                                 " cannot be cut into them");
}

namespace detail {

/// The loops of both directions, compiled for every instruction set.
template <class B>
struct ggml_encode_rows : ggml_encoding_loops<B> {
  QGRAIN_ALWAYS_INLINE static void run(matrix_view<const float> in, index_t per_row, B* blocks) {
    for (index_t r = 0; r < in.shape.rows; ++r) {
      for (index_t b = 0; b < per_row; ++b) blocks[r * per_row + b] = B::encode(in.row(r) + b * B::elements);
    }
  }
};
/// Some blocks side by side whose largest magnitudes are known: none waits for those of the one before.
template <class B>
struct ggml_encode_ranged {
  QGRAIN_ALWAYS_INLINE static void run(const float* x, const float* absmax, index_t count, B* blocks) {
    for (index_t b = 0; b < count; ++b) blocks[b] = B::encode_in_range(x + b * B::elements, absmax[b]);
  }
};
template <class B>
void ggml_encode(matrix_view<const float> in, index_t per_row, B* blocks) {
  if (encodes_in_lanes<B>()) return run_widest<ggml_encode_rows<B>>(in, per_row, blocks);
  if constexpr (requires(const float* x) { B::encode_in_range(x, 1.0F); }) {
    constexpr index_t most = 128;
    for (index_t r = 0; r < in.shape.rows; ++r) {
      for (index_t first = 0; first < per_row; first += most) {
        const index_t count = smaller_of(most, per_row - first);
        const float* const x = in.row(r) + first * B::elements;
        std::array<float, static_cast<std::size_t>(most)> absmax{};
        const matrix_view<const float> values{x, {1, count * B::elements}};
        run_widest<qgrain::detail::absmax_block<float>>(values, index_t{B::elements}, absmax.data());
        run_widest<ggml_encode_ranged<B>>(x, static_cast<const float*>(absmax.data()), count,
                                          blocks + r * per_row + first);
      }
    }
  } else {
    run_widest<ggml_encode_rows<B>>(in, per_row, blocks);
  }
}
template <class B>
struct ggml_decode_rows : ggml_decoding_loops<B> {
  QGRAIN_ALWAYS_INLINE static void run(const B* blocks, index_t per_row, matrix_view<float> out) {
    for (index_t r = 0; r < out.shape.rows; ++r) {
      for (index_t b = 0; b < per_row; ++b) {
        // No copy of the block, which would wait for the parts it is made of. For all that compilers know, values might
        // be bytes that are read for each of them, a scale or fifth bits: beside such ones they are made apart.
        const B& block = blocks[r * per_row + b];
        constexpr bool is_apart =
            !std::is_same_v<B, ggml_q8_0> && !std::is_same_v<B, ggml_q4_0> && !std::is_same_v<B, ggml_q4_1>;
        float* const y = out.row(r) + b * B::elements;
        std::array<float, static_cast<std::size_t>(is_apart ? B::elements : 1)> values;
        float* const to = is_apart ? values.data() : y;
        // In halves, as blocks of 32 keep their codes: each is one loop of vectors then.
        constexpr int half = B::elements % 32 == 0 ? 16 : B::elements;
        for (int first = 0; first < B::elements; first += half) {
          QGRAIN_INDEPENDENT_ITERATIONS
          for (int i = 0; i < half; ++i) to[first + i] = block.value(first + i);
        }
        if constexpr (is_apart) {
          QGRAIN_INDEPENDENT_ITERATIONS
          for (int i = 0; i < B::elements; ++i) y[i] = to[i];
        }
      }
    }
  }
};

}  // namespace detail

/// Quantizes rows to blocks. in: [rows, cols], any leading dimension; blocks: [rows, cols / B::elements], dense. One
/// pass; the bits are those of the gguf package (and depend on nothing else).
/// @throws error errc::invalid_shape where rows are no whole blocks; nothing has been written then
template <ggml_writable_block B>
void ggml_quantize(matrix_view<const float> in, B* blocks) {
  detail::ggml_encode(in, ggml_blocks_per_row<B>(in.shape.cols), blocks);
}

/// Blocks back to values. out: [rows, cols], any leading dimension.
/// @throws error errc::invalid_shape where rows are no whole blocks; nothing has been written then
template <ggml_block B>
void ggml_dequantize(const B* blocks, matrix_view<float> out) {
  run_widest<detail::ggml_decode_rows<B>>(blocks, ggml_blocks_per_row<B>(out.shape.cols), out);
}

/// A matrix of blocks whose codes can be taken over by other stores: q8_0, q4_0, q4_1, q5_0, q5_1, mxfp4, nvfp4,
/// iq4_nl. Blocks row by row, as in a GGUF file.
template <detail::ggml_coded_block B>
struct ggml_weights {
  using traits = detail::ggml_traits<B>;

  shape2d shape;
  std::vector<B> blocks;  ///< [rows, cols / B::elements]

  [[nodiscard]] static constexpr std::string_view name() noexcept { return full_name.view(); }

  /// @throws error errc::invalid_shape where rows are no whole blocks or blocks are missing; errc::unsupported for
  /// mxfp4 with byte 255, a number here and NaN everywhere else
  [[nodiscard]] code_matrix codes() const {
    detail::require_extent(name(), shape, traits::group_size);
    const index_t per_row = ggml_blocks_per_row<B>(shape.cols);
    detail::require_count(name(), "blocks", shape.rows * per_row, blocks.size());
    code_matrix to;
    to.origin = name();
    to.shape = shape;
    to.kind = traits::kind;
    to.bits = traits::bits;
    to.group_size = traits::group_size;
    to.scales.kind = traits::scales;
    to.minimums.kind = traits::scales;
    for (const B& block : blocks) {
      for (int i = 0; i < B::elements; ++i) to.codes.push_back(traits::code(block, i));
      for (int g = 0; g < B::elements / traits::group_size; ++g) {
        const std::uint32_t pattern = traits::scale(block, g);
        if (traits::scales == scale_kind::e8m0 && pattern == 255) {
          qgrain::detail::raise(
              errc::unsupported,
              std::string(name()) + ": scale byte 255 is 2^128 here and NaN in E8M0, so no other store has it");
        }
        to.scales.patterns.push_back(pattern);
        if constexpr (traits::minimum) to.minimums.patterns.push_back(block.m.bits);
      }
    }
    if constexpr (traits::minimum) {
      to.zero_points.assign(to.group_count(), 0);
    }
    return to;
  }

  /// Zero points become minimums in q4_1 and q5_1 where the products are float16 numbers.
  /// @throws error errc::unsupported where the values cannot be held, errc::invalid_shape where rows are no whole
  /// blocks
  [[nodiscard]] static ggml_weights from_codes(const code_matrix& given) {
    detail::require_whole(name(), given);
    detail::require_kind(name(), given, traits::kind, traits::bits);
    const index_t per_row = ggml_blocks_per_row<B>(given.shape.cols);
    const code_matrix from = detail::regrouped(name(), given, traits::group_size);
    const scale_array scales = detail::one_level_scales(name(), from, traits::scales);
    for (const std::uint32_t pattern : scales.patterns) {
      const bool number = traits::scales == scale_kind::e8m0   ? pattern < 255
                          : traits::scales == scale_kind::e4m3 ? pattern < 0x7F
                                                               : true;
      if (!number) {
        detail::refuse(name(), from, "it reads scale byte " + std::to_string(pattern) + " as another number");
      }
    }
    scale_array minimums;
    if constexpr (traits::minimum) {
      minimums = detail::minimums_as_float16(name(), from, scales);
    } else if constexpr (traits::kind == code_kind::integer) {
      detail::require_symmetric(name(), from);
    } else {
      detail::require_no_minimums(name(), from);
    }
    ggml_weights to;
    to.shape = from.shape;
    to.blocks.assign(static_cast<std::size_t>(from.shape.rows * per_row), B{});
    std::size_t code = 0;
    std::size_t group = 0;
    for (B& block : to.blocks) {
      for (int i = 0; i < B::elements; ++i) traits::put_code(block, i, from.codes[code++]);
      for (int g = 0; g < B::elements / traits::group_size; ++g, ++group) {
        traits::put_scale(block, g, scales.patterns[group]);
        if constexpr (traits::minimum) block.m.bits = static_cast<std::uint16_t>(minimums.patterns[group]);
      }
    }
    return to;
  }

 private:
  static constexpr qgrain::detail::short_name full_name = qgrain::detail::short_name{}.text("ggml ").text(B::name());
};

}  // namespace qgrain::interop

#endif
