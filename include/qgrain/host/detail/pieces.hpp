// Pieces of a block that fit on the stack, and what reads and writes them: 16-bit elements are widened and packed codes
// are taken apart there, piece by piece, so that no operation asks for memory.
#ifndef QGRAIN_HOST_DETAIL_PIECES_HPP
#define QGRAIN_HOST_DETAIL_PIECES_HPP

#include <qgrain/core/bits.hpp>
#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/detail/blocks.hpp>
#include <qgrain/host/detail/lane_kernels.hpp>
#include <qgrain/host/detail/lane_ports.hpp>
#include <qgrain/host/detail/lane_rules.hpp>
#include <qgrain/host/detail/piece_kernels.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace qgrain::detail {

/// Elements of a piece. A multiple of 8, so that a piece of packed codes begins at a whole byte wherever its row does.
inline constexpr index_t piece_elements = 2048;

template <class T>
using piece_memory = std::array<T, static_cast<std::size_t>(piece_elements)>;

/// Some rows and columns of a matrix.
struct piece {
  index_t row = 0;
  index_t col = 0;
  shape2d shape;
};

/// Calls body(piece of the matrix) for all pieces of a block in a band that begins at `first_row`. Whole: the block is
/// one piece, as nothing has to fit on the stack.
template <bool Whole, class Body>
void for_each_piece(const block& b, index_t first_row, const Body& body) {
  const index_t top = first_row + b.row;
  if constexpr (Whole) {
    body(piece{top, b.col, b.shape});
  } else {
    const index_t width = smaller_of(b.shape.cols, piece_elements);
    const index_t height = piece_elements / width;
    for (index_t row = 0; row < b.shape.rows; row += height) {
      for (index_t col = 0; col < b.shape.cols; col += width) {
        body(piece{
            top + row, b.col + col, {smaller_of(height, b.shape.rows - row), smaller_of(width, b.shape.cols - col)}});
      }
    }
  }
}

/// Calls body(first column in the piece, columns, their first group in the block), at most twice: for the rest of a
/// group that began left of the piece, and for all that follows.
template <class Body>
void for_each_run(const block& b, const piece& p, index_t group_cols, const Body& body) {
  const index_t col = p.col - b.col;
  const index_t begun = col % group_cols;
  const index_t rest = begun == 0 ? 0 : smaller_of(p.shape.cols, group_cols - begun);
  if (rest > 0) body(index_t{0}, rest, col / group_cols);
  if (rest < p.shape.cols) body(rest, p.shape.cols - rest, (col + rest) / group_cols);
}

template <class T>
[[nodiscard]] matrix_view<T> columns_of(matrix_view<T> whole, index_t first, index_t count) noexcept {
  return {whole.data + first, {whole.shape.rows, count}, whole.leading_dimension};
}
template <class T>
[[nodiscard]] matrix_view<T> part(matrix_view<T> whole, const piece& p) noexcept {
  return {whole.row(p.row) + p.col, p.shape, whole.leading_dimension};
}

// Sources have `opened(piece)`, whose view() is what the loops read; targets have `opened(piece)`, whose view() is what
// they fill, and whose store() brings it to where it belongs. `in_place`: the view is the memory itself.

/// Elements of a matrix as floats.
template <class T>
struct float_source {
  using element_type = T;
  static constexpr bool in_place = std::is_same_v<T, float>;
  matrix_view<const T> matrix;
  read_ahead ahead = read_ahead::one_block;

  class widened {
   public:
    explicit widened(matrix_view<const T> from) noexcept : shape_(from.shape) {
      run_widest<widen_piece<T>>(from, matrix_view<float>{memory_.data(), shape_});
    }
    [[nodiscard]] matrix_view<const float> view() const noexcept { return {memory_.data(), shape_}; }

   private:
    shape2d shape_;
    piece_memory<float> memory_;
  };
  struct itself {
    matrix_view<const T> memory;
    [[nodiscard]] matrix_view<const T> view() const noexcept { return memory; }
  };

  [[nodiscard]] auto opened(const piece& p) const noexcept {
    return std::conditional_t<in_place, itself, widened>{part(matrix, p)};
  }
};

/// Floats that are rounded to the elements of a matrix.
template <class T>
struct float_target {
  static constexpr bool in_place = std::is_same_v<T, float>;
  matrix_view<T> matrix;
  bool is_streamed = false;

  class rounded {
   public:
    explicit rounded(matrix_view<T> to) noexcept : to_(to) {}
    [[nodiscard]] matrix_view<float> view() noexcept { return {memory_.data(), to_.shape}; }
    void store() const noexcept {
      run_widest<round_piece<T>>(matrix_view<const float>{memory_.data(), to_.shape}, to_);
    }

   private:
    matrix_view<T> to_;
    piece_memory<float> memory_;
  };
  struct itself {
    matrix_view<T> memory;
    [[nodiscard]] matrix_view<T> view() const noexcept { return memory; }
    void store() const noexcept {}
  };

  [[nodiscard]] auto opened(const piece& p) const noexcept {
    return std::conditional_t<in_place, itself, rounded>{part(matrix, p)};
  }
};

/// Codes of one each, dense; const ones are a source.
template <class Code>
struct plain_codes {
  static constexpr bool in_place = true;
  Code* data;
  index_t cols;
  [[nodiscard]] plain_codes folded(index_t rows) const noexcept { return {data, cols * rows}; }

  struct itself {
    matrix_view<Code> memory;
    [[nodiscard]] matrix_view<Code> view() const noexcept { return memory; }
    void store() const noexcept {}
  };
  [[nodiscard]] itself opened(const piece& p) const noexcept { return {{data + p.row * cols + p.col, p.shape, cols}}; }
};

/// Codes of `Bits` bits, fewer than 8, that follow one another without gaps; rows begin at whole bytes.
template <class Code, int Bits>
struct packed_source {
  static constexpr bool in_place = false;
  const std::uint8_t* data;
  index_t cols;
  bit_order order;
  [[nodiscard]] packed_source folded(index_t rows) const noexcept { return {data, cols * rows, order}; }

  class unpacked {
   public:
    unpacked(const packed_source& from, const piece& p) noexcept : shape_(p.shape) {
      run_widest<unpack_piece<Code, Bits>>(from.data + (p.row * from.cols + p.col) * Bits / 8, from.cols * Bits / 8,
                                           from.order, matrix_view<Code>{memory_.data(), shape_});
    }
    [[nodiscard]] matrix_view<const Code> view() const noexcept { return {memory_.data(), shape_}; }

   private:
    shape2d shape_;
    piece_memory<Code> memory_;
  };
  [[nodiscard]] unpacked opened(const piece& p) const noexcept { return {*this, p}; }
};

template <class Code, int Bits>
struct packed_target {
  static constexpr bool in_place = false;
  std::uint8_t* data;
  index_t cols;
  bit_order order;
  [[nodiscard]] packed_target folded(index_t rows) const noexcept { return {data, cols * rows, order}; }

  class packed {
   public:
    packed(const packed_target& to, const piece& p) noexcept : to_(to), p_(p) {}
    [[nodiscard]] matrix_view<Code> view() noexcept { return {memory_.data(), p_.shape}; }
    void store() const noexcept {
      run_widest<pack_piece<Code, Bits>>(matrix_view<const Code>{memory_.data(), p_.shape}, to_.order,
                                         to_.data + (p_.row * to_.cols + p_.col) * Bits / 8, to_.cols * Bits / 8);
    }

   private:
    packed_target to_;
    piece p_;
    piece_memory<Code> memory_;
  };
  [[nodiscard]] packed opened(const piece& p) const noexcept { return {*this, p}; }
};

// What loops over lanes read and write as it is, from a row and column on.
template <class T>
requires(!std::is_same_v<T, float16>)
    [[nodiscard]] value_source<T> lane_port(const float_source<T>& from, index_t row, index_t col) {
  return {from.matrix.row(row) + col, from.matrix.leading_dimension, from.ahead};
}
template <class T>
requires(!std::is_same_v<T, float16>)
    [[nodiscard]] value_target<T> lane_port(const float_target<T>& to, index_t row, index_t col) {
  return {to.matrix.row(row) + col, to.matrix.leading_dimension, to.is_streamed};
}
template <class Code>
[[nodiscard]] auto lane_port(const plain_codes<Code>& codes, index_t row, index_t col) {
  using port = std::conditional_t<std::is_const_v<Code>, code_source<std::remove_const_t<Code>>, code_target<Code>>;
  return port{codes.data + row * codes.cols + col, codes.cols};
}
template <class Code>
[[nodiscard]] nibble_source<Code> lane_port(const packed_source<Code, 4>& codes, index_t row, index_t col) {
  return {codes.data + (row * codes.cols + col) / 2, codes.cols / 2, codes.order};
}
template <class Code>
[[nodiscard]] nibble_target<Code> lane_port(const packed_target<Code, 4>& codes, index_t row, index_t col) {
  return {codes.data + (row * codes.cols + col) / 2, codes.cols / 2, codes.order};
}

/// The element stage of a block over lanes, without pieces; false where there are none or they do not fit.
template <class Operation, class Source, class Target>
[[nodiscard]] bool run_in_lanes([[maybe_unused]] const Source& in, [[maybe_unused]] const Target& out,
                                [[maybe_unused]] index_t first_row, [[maybe_unused]] const block& b,
                                [[maybe_unused]] index_t group_cols,
                                [[maybe_unused]] const typename Operation::source_type* sources,
                                [[maybe_unused]] float tensor_scale) {
  if constexpr (Operation::lanes != lane_work::none && requires {
                  lane_port(in, 0, 0);
                  lane_port(out, 0, 0);
                }) {
    return run_lane_block<Operation>(lane_port(in, first_row + b.row, b.col), lane_port(out, first_row + b.row, b.col),
                                     b.shape, group_cols, sources, tensor_scale);
  }
  return false;
}

/// Range stage of a block: widens the ranges of its groups by its elements.
template <class Range, class Source>
void widen_block(const Source& in, index_t first_row, const block& b, index_t group_cols, Range* ranges) {
  if constexpr (std::is_same_v<Range, float>) {
    run_widest<absmax_block<typename Source::element_type>>(part(in.matrix, piece{first_row + b.row, b.col, b.shape}),
                                                            group_cols, ranges);
  } else {
    for_each_piece<Source::in_place>(b, first_row, [&](const piece& p) {
      const auto x = in.opened(p);
      for_each_run(b, p, group_cols, [&](index_t col, index_t count, index_t group) {
        run_widest<range_block<Range>>(columns_of(x.view(), col, count), group_cols, ranges + group);
      });
    });
  }
}

/// Element stage of a block: stage(in, out, first group in the block, place in the matrix) for each run of a piece.
template <class Source, class Target, class Stage>
void convert_block(const Source& in, const Target& out, index_t matrix_cols, index_t first_row, const block& b,
                   index_t group_cols, const Stage& stage) {
  for_each_piece<Source::in_place && Target::in_place>(b, first_row, [&](const piece& p) {
    const auto x = in.opened(p);
    auto y = out.opened(p);
    for_each_run(b, p, group_cols, [&](index_t col, index_t count, index_t group) {
      block_place place{static_cast<std::uint64_t>(p.row * matrix_cols + p.col + col),
                        static_cast<std::uint64_t>(matrix_cols)};
      if constexpr (Target::in_place && requires { out.is_streamed; }) place.is_streamed = out.is_streamed;
      stage(columns_of(x.view(), col, count), columns_of(y.view(), col, count), group, place);
    });
    y.store();
  });
}

}  // namespace qgrain::detail

#endif
