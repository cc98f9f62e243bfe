// ggml's blocks against slow definitions of their bytes: encoding difficult rows, decoding random blocks.
#include <support/inputs.hpp>
#include <support/reference_ggml.hpp>
#include <support/second_source.hpp>

#include <qgrain/host/instruction_set.hpp>
#include <qgrain/host/run_widest.hpp>
#include <qgrain/interop/ggml.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

using namespace qgrain::interop;
using qgrain_test::reference_bytes;

namespace {

std::vector<std::vector<float>> finite_blocks(float most) {
  std::vector<std::vector<float>> blocks;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    for (const std::vector<float>& row : qgrain_test::difficult_rows(most, seed)) {
      for (std::size_t at = 0; at + 32 <= row.size(); at += 32) {
        std::vector<float> block(row.begin() + static_cast<std::ptrdiff_t>(at),
                                 row.begin() + static_cast<std::ptrdiff_t>(at) + 32);
        bool finite = true;
        for (const float x : block) finite = finite && std::isfinite(x);
        if (finite) blocks.push_back(block);
      }
    }
  }
  return blocks;
}

/// Rows of blocks, with gaps between them and without, through the loops of every set that this processor has.
template <class Block>
void compare_rows(const std::vector<std::vector<float>>& values, const std::vector<Block>& wanted) {
  for (const qgrain::instruction_set set : qgrain::supported_instruction_sets()) {
    for (const qgrain::index_t per_row : {1, 2, 7, 16, 37, 1000}) {
      const qgrain::index_t rows = static_cast<qgrain::index_t>(values.size()) / per_row;
      for (const qgrain::index_t gap : {0, 3}) {
        const qgrain::index_t pitch = per_row * 32 + gap;
        std::vector<float> x(static_cast<std::size_t>(rows * pitch), 1e30F);
        for (qgrain::index_t b = 0; b < rows * per_row; ++b) {
          const std::vector<float>& block = values[static_cast<std::size_t>(b)];
          std::copy(block.begin(), block.end(), x.begin() + b / per_row * pitch + b % per_row * 32);
        }
        std::vector<Block> blocks(static_cast<std::size_t>(rows * per_row));
        qgrain::run_with<detail::ggml_encode_rows<Block>>(
            set, qgrain::matrix_view<const float>{x.data(), {rows, per_row * 32}, pitch}, per_row, blocks.data());
        BOOST_TEST((std::memcmp(blocks.data(), wanted.data(), blocks.size() * sizeof(Block)) == 0),
                   Block::name() << ", " << name_of(set) << ": " << per_row << " blocks a row, gaps of " << gap);
      }
    }
  }
}

template <class Block>
void compare_encoding(float most, const std::function<reference_bytes(const std::vector<float>&)>& reference,
                      float largest = qgrain_test::reference_infinity, float smallest = 0) {
  std::size_t right = 0;
  std::size_t all = 0;
  std::vector<std::vector<float>> values;
  std::vector<Block> blocks;
  for (const std::vector<float>& x : finite_blocks(most)) {
    float absmax = 0;
    for (const float v : x) absmax = std::fmax(absmax, std::fabs(v));
    if (absmax > largest || (absmax > 0 && absmax < smallest)) continue;
    const Block block = Block::encode(x.data());
    const reference_bytes wanted = reference(x);
    BOOST_REQUIRE_EQUAL(wanted.size(), sizeof(Block));
    const bool same = std::memcmp(&block, wanted.data(), sizeof(Block)) == 0;
    BOOST_CHECK_MESSAGE(same, Block::name() << ": block with largest magnitude " << std::hexfloat << absmax);
    right += same ? 1U : 0U;
    ++all;
    values.push_back(x);
    std::memcpy(static_cast<void*>(&blocks.emplace_back()), wanted.data(), sizeof(Block));
  }
  BOOST_TEST_MESSAGE(Block::name() << ": " << right << " of " << all << " blocks encoded alike");
  BOOST_TEST(all > 5000U);
  BOOST_TEST(right == all);
  compare_rows(values, blocks);
}

/// Rows of blocks back, of every set.
template <class Block>
void compare_rows_back(const std::vector<Block>& blocks, const std::vector<float>& wanted) {
  for (const qgrain::instruction_set set : qgrain::supported_instruction_sets()) {
    for (const qgrain::index_t per_row : {1, 5, 100}) {
      constexpr qgrain::index_t elements = Block::elements;
      const qgrain::index_t rows = static_cast<qgrain::index_t>(blocks.size()) / per_row;
      const qgrain::index_t cols = per_row * elements;
      const qgrain::index_t pitch = cols + 3;
      std::vector<float> y(static_cast<std::size_t>(rows * pitch), 7.0F);
      qgrain::run_with<detail::ggml_decode_rows<Block>>(set, blocks.data(), per_row,
                                                        qgrain::matrix_view<float>{y.data(), {rows, cols}, pitch});
      qgrain::index_t wrong = 0;
      for (qgrain::index_t i = 0; i < rows * pitch; ++i) {
        const qgrain::index_t c = i % pitch;
        const float value = c < cols ? wanted[static_cast<std::size_t>(i / pitch * cols + c)] : 7.0F;
        wrong += qgrain_test::same_float(y[static_cast<std::size_t>(i)], value) ? 0 : 1;
      }
      BOOST_TEST(wrong == 0, Block::name() << " back, " << name_of(set) << ", " << per_row << " blocks a row");
    }
  }
}

template <class Block>
void compare_decoding(const std::function<std::vector<float>(const reference_bytes&)>& reference) {
  qgrain_test::random_source random(3);
  std::size_t right = 0;
  std::size_t all = 0;
  std::vector<Block> blocks;
  std::vector<float> values;
  for (int repeat = 0; repeat < 2000; ++repeat) {
    reference_bytes bytes(sizeof(Block));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.next() >> 50U);
    Block block;
    std::memcpy(&block, bytes.data(), sizeof(Block));
    const std::vector<float> wanted = reference(bytes);
    BOOST_REQUIRE_EQUAL(wanted.size(), static_cast<std::size_t>(Block::elements));
    blocks.push_back(block);
    values.insert(values.end(), wanted.begin(), wanted.end());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      right += qgrain_test::same_float(block.value(static_cast<int>(i)), wanted[i]) ? 1U : 0U;
      ++all;
    }
  }
  BOOST_TEST_MESSAGE(Block::name() << ": " << right << " of " << all << " elements decoded alike");
  BOOST_TEST(right == all);
  compare_rows_back(blocks, values);
}

}  // namespace

BOOST_AUTO_TEST_CASE(encoding) {
  using namespace qgrain_test;
  compare_encoding<ggml_q8_0>(127.0F, reference_q8_0);
  compare_encoding<ggml_q4_0>(8.0F, [](const auto& x) { return reference_around(x, 8); });
  compare_encoding<ggml_q5_0>(16.0F, [](const auto& x) { return reference_around(x, 16); });
  // Twice the largest magnitude has to be a float32: a width that overflows has no codes.
  compare_encoding<ggml_q4_1>(
      15.0F, [](const auto& x) { return reference_above(x, 15); }, 1.7e38F);
  compare_encoding<ggml_q5_1>(
      31.0F, [](const auto& x) { return reference_above(x, 31); }, 1.7e38F);
  // Below 2^-125 the tool's exponent byte wraps around.
  compare_encoding<ggml_mxfp4>(6.0F, reference_ggml_mxfp4, reference_infinity, std::ldexp(1.0F, -125));
}

// No tool says what these become; loops over lanes say what the definition says, next to each other kind of block.
template <class Block>
void compare_without_reference() {
  qgrain_test::random_source random(11);
  const auto one_of = [&](auto... choices) {
    const float all[] = {choices...};
    return all[random.next() % sizeof...(choices)];
  };
  std::vector<std::vector<float>> values;
  std::vector<Block> blocks;
  for (int i = 0; i < 5000; ++i) {
    const auto kind = random.next() % 10;
    const float scale = kind == 0 ? std::exp2(static_cast<float>(random.next() % 250) - 125.0F) : 1.0F;
    std::vector<float>& x = values.emplace_back(32);
    for (float& v : x) {
      v = kind == 1   ? one_of(0.0F, -0.0F)
          : kind == 2 ? std::fabs(random.bell())
          : kind == 3 ? -std::fabs(random.bell())
          : kind == 4 ? 0.25F * static_cast<float>(static_cast<int>(random.next() % 65) - 32)
                      : scale * random.bell();
    }
    constexpr float infinity = qgrain_test::reference_infinity;
    const float nan = std::nanf("");
    if (kind == 5) x[random.next() % 32] = one_of(infinity, -infinity, nan, -nan);
    if (kind == 6) x[random.next() % 32] = one_of(8.0F, -8.0F);
    if (kind == 6) x[random.next() % 32] = one_of(8.0F, -8.0F);
    blocks.push_back(Block::encode(x.data()));
  }
  compare_rows(values, blocks);
}

BOOST_AUTO_TEST_CASE(rows_of_blocks_without_reference) {
  compare_without_reference<ggml_q8_0>();
  compare_without_reference<ggml_q4_0>();
  compare_without_reference<ggml_q4_1>();
  compare_without_reference<ggml_q5_0>();
  compare_without_reference<ggml_q5_1>();
  compare_without_reference<ggml_mxfp4>();
}

BOOST_AUTO_TEST_CASE(bfloat16_elements) {
  qgrain_test::random_source random(9);
  std::size_t right = 0;
  constexpr std::size_t count = 200000;
  for (std::size_t i = 0; i < count; ++i) {
    const float x = qgrain_test::any_finite(random);
    const ggml_bf16 block = ggml_bf16::encode(&x);
    right += std::memcmp(&block, qgrain_test::reference_ggml_bf16(x).data(), 2) == 0 ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE("bf16: " << right << " of " << count << " elements encoded alike");
  BOOST_TEST(right == count);
}

BOOST_AUTO_TEST_CASE(decoding) {
  using namespace qgrain_test;
  compare_decoding<ggml_q8_0>(reference_of_q8_0);
  compare_decoding<ggml_q4_0>([](const auto& b) { return reference_of_small(b, false, false); });
  compare_decoding<ggml_q4_1>([](const auto& b) { return reference_of_small(b, true, false); });
  compare_decoding<ggml_q5_0>([](const auto& b) { return reference_of_small(b, false, true); });
  compare_decoding<ggml_q5_1>([](const auto& b) { return reference_of_small(b, true, true); });
  compare_decoding<ggml_mxfp4>(reference_of_mxfp4);
  compare_decoding<ggml_nvfp4>(reference_of_nvfp4);
  compare_decoding<ggml_iq4_nl>(reference_of_iq4_nl);
  compare_decoding<ggml_iq4_xs>(reference_of_iq4_xs);
  compare_decoding<ggml_q2_k>(reference_of_q2_k);
  compare_decoding<ggml_q3_k>(reference_of_q3_k);
  compare_decoding<ggml_q4_k>([](const auto& b) { return reference_of_q45_k(b, false); });
  compare_decoding<ggml_q5_k>([](const auto& b) { return reference_of_q45_k(b, true); });
  compare_decoding<ggml_q6_k>(reference_of_q6_k);
}
