// Layouts against the order in which their definitions list the cells, for all sizes up to 300; what the check finds.
#include <qgrain/layout/interleaved.hpp>
#include <qgrain/layout/layout.hpp>
#include <qgrain/layout/scale_tiles.hpp>
#include <qgrain/quantizer/packing.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

using namespace qgrain;

namespace {

/// Cells in the order of their positions, as the definition lists them.
using listing = std::vector<matrix_cell> (*)(shape2d);

/// Tile by tile; in a tile `strip` lines, each with one row of every strip.
template <index_t Rows, index_t Strip>
std::vector<matrix_cell> tiles_in_order(shape2d shape) {
  std::vector<matrix_cell> cells;
  for (index_t top = 0; top < shape.rows; top += Rows) {
    for (index_t left = 0; left < shape.cols; left += 4) {
      for (index_t line = 0; line < Strip; ++line) {
        for (index_t row = line; row < Rows; row += Strip) {
          for (index_t col = 0; col < 4; ++col) cells.push_back({top + row, left + col});
        }
      }
    }
  }
  return cells;
}

template <int... Order>
std::vector<matrix_cell> runs_in_order(shape2d shape) {
  std::vector<matrix_cell> cells;
  for (index_t row = 0; row < shape.rows; ++row) {
    for (index_t left = 0; left < shape.cols; left += static_cast<index_t>(sizeof...(Order))) {
      (cells.push_back({row, left + Order}), ...);
    }
  }
  return cells;
}

std::vector<matrix_cell> rows_in_order(shape2d shape) { return runs_in_order<0>(shape); }

/// Every size from 1 to 300 in one direction, with some in the other, large ones among them.
std::vector<shape2d> shapes() {
  std::vector<shape2d> all;
  for (index_t n = 1; n <= 300; ++n) {
    for (const index_t m : {1, 4, 5, 9}) {
      all.push_back({n, m});
      all.push_back({m, n});
    }
  }
  all.push_back({257, 131});
  return all;
}

template <class Layout>
void check(listing in_order) {
  std::size_t compared = 0;
  for (const shape2d shape : shapes()) {
    const status verdict = check_layout<Layout>(shape);
    BOOST_TEST_REQUIRE(bool(verdict), Layout::name() << ' ' << shape.rows << " x " << shape.cols << ": "
                                                     << verdict.wanted() << ", " << verdict.found());
    const std::vector<matrix_cell> cells = in_order(shape);
    BOOST_TEST_REQUIRE(layout_size<Layout>(shape) == static_cast<index_t>(cells.size()));
    std::vector<int> matrix(static_cast<std::size_t>(shape.elements()));
    std::iota(matrix.begin(), matrix.end(), 1);
    std::vector<int> wanted;
    bool same = true;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const matrix_cell at = cells[i];
      same = same && Layout::index(shape, at) == static_cast<index_t>(i);
      same = same && Layout::cell(shape, static_cast<index_t>(i)) == at;
      const bool padding = at.row >= shape.rows || at.col >= shape.cols;
      wanted.push_back(padding ? -7 : matrix[static_cast<std::size_t>(at.row * shape.cols + at.col)]);
    }
    BOOST_TEST_REQUIRE(same, Layout::name() << ' ' << shape.rows << " x " << shape.cols);
    std::vector<int> arranged(cells.size());
    to_layout<Layout>({matrix.data(), shape}, std::span<int>(arranged), -7);
    BOOST_TEST_REQUIRE((arranged == wanted));
    std::vector<int> back(matrix.size());
    from_layout<Layout>(arranged, matrix_view<int>{back.data(), shape});
    BOOST_TEST_REQUIRE((back == matrix));
    ++compared;
  }
  BOOST_TEST_MESSAGE(Layout::name() << ": " << compared << " shapes");
}

/// Two cells share a position.
struct collides : row_major {
  static constexpr index_t index(shape2d shape, matrix_cell at) noexcept {
    return std::max<index_t>(row_major::index(shape, at), 1);
  }
};
/// The last cell lies behind the end.
struct reaches_out : row_major {
  static constexpr index_t index(shape2d shape, matrix_cell at) noexcept { return row_major::index(shape, at) + 1; }
};
/// The way back is another one.
struct returns_wrong : row_major {
  static constexpr matrix_cell cell(shape2d shape, index_t position) noexcept {
    return {position % shape.rows, position / shape.rows};
  }
};
/// Rows are lost.
struct too_small : row_major {
  static constexpr shape2d padded(shape2d shape) noexcept { return {shape.rows - 1, shape.cols}; }
};

static_assert(check_layout<scale_tiles_128x4>({3, 5}));  // also at compile time
static_assert(!check_layout<collides>({2, 2}));
static_assert(interleaved_pairs::name() == "interleaved_02461357");
static_assert(scale_tiles_8x4::name() == "scale_tiles_8x4");

std::uint32_t word_of(const std::vector<std::uint8_t>& codes, int bits) {
  std::vector<std::uint8_t> bytes(4);
  pack_codes<std::uint8_t>(codes, bits, bit_order::low_first, bytes);
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), 4);
  return word;
}

template <class Layout>
std::uint32_t arranged_word(const std::vector<std::uint8_t>& codes, int bits) {
  std::vector<std::uint8_t> arranged(codes.size());
  to_layout<Layout>({codes.data(), {1, static_cast<index_t>(codes.size())}}, std::span<std::uint8_t>(arranged));
  return word_of(arranged, bits);
}

std::string sentence_of(const auto& call) {
  try {
    call();
  } catch (const error& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace

BOOST_AUTO_TEST_CASE(row_major_is_a_layout) { check<row_major>(&rows_in_order); }
BOOST_AUTO_TEST_CASE(tiles_128x4) { check<scale_tiles_128x4>(&tiles_in_order<128, 32>); }
BOOST_AUTO_TEST_CASE(tiles_8x4) { check<scale_tiles_8x4>(&tiles_in_order<8, 8>); }
BOOST_AUTO_TEST_CASE(other_tiles) { check<scale_tiles<64, 16>>(&tiles_in_order<64, 16>); }
BOOST_AUTO_TEST_CASE(pairs) { check<interleaved_pairs>(&runs_in_order<0, 2, 4, 6, 1, 3, 5, 7>); }
BOOST_AUTO_TEST_CASE(bytes) { check<interleaved_bytes>(&runs_in_order<0, 4, 1, 5, 2, 6, 3, 7>); }
BOOST_AUTO_TEST_CASE(byte_pairs) { check<interleaved_byte_pairs>(&runs_in_order<0, 2, 1, 3>); }

BOOST_AUTO_TEST_CASE(the_check_finds_what_is_no_bijection) {
  BOOST_TEST(!check_layout<collides>({3, 3}));
  BOOST_TEST((check_layout<reaches_out>({3, 3}).code() == errc::invalid_argument));
  BOOST_TEST(!check_layout<returns_wrong>({3, 2}));
  BOOST_TEST((check_layout<too_small>({3, 3}).code() == errc::invalid_shape));
  BOOST_TEST(check_layout<too_small>({3, 3}).wanted() == 3);
  BOOST_TEST(check_layout<too_small>({3, 3}).found() == 2);
}

BOOST_AUTO_TEST_CASE(a_word_is_unpacked_with_one_mask) {
  const std::vector<std::uint8_t> nibbles{1, 2, 3, 4, 5, 6, 7, 8};
  const std::uint32_t pairs = arranged_word<interleaved_pairs>(nibbles, 4);
  for (unsigned k = 0; k < 4; ++k) {
    const std::uint32_t both = (pairs >> (4 * k)) & 0x000F000FU;
    BOOST_TEST((both & 0xFFFFU) == nibbles[2 * k]);
    BOOST_TEST((both >> 16U) == nibbles[2 * k + 1]);
  }
  const std::uint32_t bytes = arranged_word<interleaved_bytes>(nibbles, 4);
  BOOST_TEST((bytes & 0x0F0F0F0FU) == 0x04030201U);
  BOOST_TEST(((bytes >> 4U) & 0x0F0F0F0FU) == 0x08070605U);
  const std::uint32_t byte_pairs = arranged_word<interleaved_byte_pairs>({11, 12, 13, 14}, 8);
  BOOST_TEST((byte_pairs & 0x00FF00FFU) == (11U | 12U << 16U));
  BOOST_TEST(((byte_pairs >> 8U) & 0x00FF00FFU) == (13U | 14U << 16U));
}

BOOST_AUTO_TEST_CASE(views_with_a_leading_dimension) {
  std::vector<int> wide(3 * 10);
  std::iota(wide.begin(), wide.end(), 0);
  std::vector<int> arranged(32);
  to_layout<scale_tiles_8x4>({wide.data(), {3, 4}, 10}, std::span<int>(arranged), -1);
  BOOST_TEST(arranged[4] == 10);
  BOOST_TEST(arranged[12] == -1);
  std::vector<int> back(wide.size(), -2);
  from_layout<scale_tiles_8x4>(arranged, matrix_view<int>{back.data(), {3, 4}, 10});
  BOOST_TEST(back[23] == 23);
  BOOST_TEST(back[24] == -2);
}

BOOST_AUTO_TEST_CASE(buffers_of_another_size_are_refused_untouched) {
  const std::vector<int> matrix(130 * 5, 1);
  for (const std::size_t size : {2047U, 2049U}) {
    std::vector<int> arranged(size, -9);
    const std::string why = sentence_of([&] {
      to_layout<scale_tiles_128x4>({matrix.data(), {130, 5}}, std::span<int>(arranged));
    });
    BOOST_TEST(why.find("2048") != std::string::npos, why);
    BOOST_TEST(why.find(std::to_string(size)) != std::string::npos, why);
    BOOST_TEST(std::count(arranged.begin(), arranged.end(), -9) == static_cast<std::ptrdiff_t>(size));
    std::vector<int> back(130 * 5, -9);
    const std::string way_back = sentence_of([&] {
      from_layout<scale_tiles_128x4>(arranged, matrix_view<int>{back.data(), {130, 5}});
    });
    BOOST_TEST(way_back.find("2048") != std::string::npos, way_back);
    BOOST_TEST(std::count(back.begin(), back.end(), -9) == 130 * 5);
  }
  std::vector<int> none;
  BOOST_CHECK_THROW((to_layout<row_major>({matrix.data(), {-1, 5}}, std::span<int>(none))), error);
}
