// Stores against their definitions, restated with plain loops: GPTQ's and AWQ's packing, int32 words, rows of bits.
#include <qgrain/interop/awq.hpp>
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/ggml.hpp>
#include <qgrain/interop/gptq.hpp>
#include <qgrain/interop/modelopt.hpp>
#include <qgrain/interop/ocp_mx.hpp>

#include <cstring>
#include <interop/interop_support.hpp>
#include <vector>

using namespace qgrain;
using namespace qgrain::interop;
using qgrain_test::random_codes;

namespace {

using line = std::vector<std::uint32_t>;

/// AutoGPTQ's packing of a line of codes. Three bits go 32 codes to three words: ten, one cut 2 + 1, ten, one cut 1 +
/// 2, ten.
line gptq_words(const line& codes, int bits) {
  line words;
  std::size_t i = 0;
  if (bits != 3) {
    while (i < codes.size()) {
      std::uint32_t word = 0;
      for (int j = 0; j < 32 / bits; ++j) word |= codes[i++] << (bits * j);
      words.push_back(word);
    }
    return words;
  }
  while (i < codes.size()) {
    std::uint32_t first = 0, second = 0, third = 0;
    for (unsigned j = 0; j < 10; ++j) first |= codes[i++] << (3 * j);
    first |= codes[i] << 30;
    second |= (codes[i++] >> 2) & 1;
    for (unsigned j = 0; j < 10; ++j) second |= codes[i++] << (3 * j + 1);
    second |= codes[i] << 31;
    third |= (codes[i++] >> 1) & 3;
    for (unsigned j = 0; j < 10; ++j) third |= codes[i++] << (3 * j + 2);
    words.insert(words.end(), {first, second, third});
  }
  return words;
}

/// AutoAWQ's packing of a line of outputs.
line awq_words(const line& codes) {
  const std::size_t order_map[8] = {0, 2, 4, 6, 1, 3, 5, 7};
  line words;
  for (std::size_t col = 0; col < codes.size() / 8; ++col) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 8; ++i) word |= codes[col * 8 + order_map[i]] << (4 * i);
    words.push_back(word);
  }
  return words;
}

bool same_words(const line& wanted, const std::vector<std::int32_t>& found, std::size_t first, std::size_t stride) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (static_cast<std::uint32_t>(found.at(first + i * stride)) != wanted[i]) return false;
  }
  return true;
}

template <class Store>
void check_gptq(const code_matrix& codes, std::int32_t below) {
  const Store store = Store::from_codes(codes);
  const auto out = static_cast<std::size_t>(codes.shape.rows);
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    line inputs;
    for (index_t c = 0; c < codes.shape.cols; ++c) inputs.push_back(codes.code(r, c));
    BOOST_TEST_REQUIRE(same_words(gptq_words(inputs, codes.bits), store.qweight, static_cast<std::size_t>(r), out));
  }
  const std::size_t zero_words = out * static_cast<std::size_t>(codes.bits) / 32;
  for (index_t g = 0; g < codes.groups_per_row(); ++g) {
    line zeros;
    for (index_t r = 0; r < codes.shape.rows; ++r) {
      const std::size_t group = codes.group_of(r, g * codes.group_size);
      zeros.push_back(static_cast<std::uint32_t>(codes.zero_point(group) - below));
      BOOST_TEST_REQUIRE(store.scales.at(static_cast<std::size_t>(g) * out + static_cast<std::size_t>(r)).bits ==
                         codes.scales.patterns[group]);
    }
    BOOST_TEST_REQUIRE(
        same_words(gptq_words(zeros, codes.bits), store.qzeros, static_cast<std::size_t>(g) * zero_words, 1));
  }
  for (index_t c = 0; c < codes.shape.cols; ++c) {
    BOOST_TEST_REQUIRE(store.g_idx.at(static_cast<std::size_t>(c)) == c / codes.group_size);
  }
  const code_matrix back = store.codes();
  BOOST_TEST_REQUIRE((back.codes == codes.codes));
  BOOST_TEST_REQUIRE((back.scales == codes.scales));
  for (std::size_t g = 0; g < codes.group_count(); ++g) {
    BOOST_TEST_REQUIRE(back.zero_point(g) == codes.zero_point(g));
  }
}

/// Bits of rows of codes, lowest first, each row padded with zeros to whole bytes.
std::vector<std::uint8_t> rows_of_bits(const code_matrix& codes, index_t cols) {
  std::vector<std::uint8_t> bytes;
  for (index_t r = 0; r < codes.shape.rows; ++r) {
    std::size_t bit = 0;
    for (index_t c = 0; c < cols; ++c) {
      const unsigned code = c < codes.shape.cols ? codes.code(r, c) : 0U;
      for (int b = 0; b < codes.bits; ++b, ++bit) {
        if (bit % 8 == 0) bytes.push_back(0);
        bytes.back() = static_cast<std::uint8_t>(bytes.back() | ((code >> b) & 1U) << (bit % 8));
      }
    }
  }
  return bytes;
}

template <class Store>
void check_rows(code_kind kind, int bits, index_t group, scale_kind scales, bool padded, bool two_level = false) {
  for (index_t cols = 1; cols <= 300; ++cols) {
    code_matrix codes = random_codes(static_cast<std::uint64_t>(cols), {2, cols}, kind, bits, group, scales);
    codes.two_level = two_level;
    codes.tensor_scale = two_level ? 0.25F : 1.0F;
    const Store store = Store::from_codes(codes);
    const index_t width = padded ? ceil_div(cols, group) * group : cols;
    BOOST_TEST_REQUIRE((store.elements == rows_of_bits(codes, width)), Store::name() << ' ' << cols);
    BOOST_TEST_REQUIRE(store.scales.size() == codes.group_count());
    for (std::size_t g = 0; g < store.scales.size(); ++g) {
      BOOST_TEST_REQUIRE(store.scales[g] == codes.scales.patterns[g]);
    }
    const code_matrix back = store.codes();
    BOOST_TEST_REQUIRE((back.codes == codes.codes));
    BOOST_TEST_REQUIRE((qgrain_test::values_of(back) == qgrain_test::values_of(codes)));
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(words_of_gptq) {
  for (const int bits : {2, 3, 4, 8}) {
    for (index_t inputs = 32; inputs <= 288; inputs += 32) {
      for (const index_t outputs : {32, 96}) {
        for (const index_t group : {index_t{32}, index_t{128}, inputs}) {
          const code_matrix codes =
              random_codes(7, {outputs, inputs}, code_kind::integer, bits, group, scale_kind::float16, true);
          check_gptq<gptq_weights>(codes, 1);
          check_gptq<gptq_v2_weights>(codes, 0);
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(gptq_zero_points_from_one_to_sixteen) {
  code_matrix codes = random_codes(1, {8, 8}, code_kind::integer, 4, 8, scale_kind::float16, true);
  codes.zero_points.assign(8, 16);
  BOOST_TEST((gptq_weights::from_codes(codes).codes().zero_points == codes.zero_points));
  BOOST_TEST(gptq_weights::from_codes(codes).qzeros.at(0) == -1);
  codes.zero_points.assign(8, 0);
  BOOST_TEST((gptq_v2_weights::from_codes(codes).codes().zero_points == codes.zero_points));
  qgrain_test::check_sentence([&] { static_cast<void>(gptq_weights::from_codes(codes)); },
                              {"GPTQ cannot hold", "the test", "1 to 16", "one is 0"});
}

BOOST_AUTO_TEST_CASE(words_of_awq) {
  for (index_t outputs = 8; outputs <= 300; outputs += 8) {
    for (const index_t inputs : {1, 5, 128, 200}) {
      const code_matrix codes =
          random_codes(3, {outputs, inputs}, code_kind::integer, 4, 64, scale_kind::float16, true);
      const awq_weights store = awq_weights::from_codes(codes);
      const std::size_t words = static_cast<std::size_t>(outputs) / 8;
      for (index_t c = 0; c < inputs; ++c) {
        line row;
        for (index_t r = 0; r < outputs; ++r) row.push_back(codes.code(r, c));
        BOOST_TEST_REQUIRE(same_words(awq_words(row), store.qweight, static_cast<std::size_t>(c) * words, 1));
      }
      for (index_t g = 0; g < codes.groups_per_row(); ++g) {
        line zeros;
        for (index_t r = 0; r < outputs; ++r) {
          const std::size_t group = codes.group_of(r, g * 64);
          zeros.push_back(static_cast<std::uint32_t>(codes.zero_points[group]));
          BOOST_TEST_REQUIRE(store.scales.at(static_cast<std::size_t>(g * outputs + r)).bits ==
                             codes.scales.patterns[group]);
        }
        BOOST_TEST_REQUIRE(same_words(awq_words(zeros), store.qzeros, static_cast<std::size_t>(g) * words, 1));
      }
      const code_matrix back = store.codes();
      BOOST_TEST_REQUIRE((back.codes == codes.codes && back.zero_points == codes.zero_points));
    }
  }
}

BOOST_AUTO_TEST_CASE(words_of_compressed_tensors) {
  for (int bits = 2; bits <= 8; ++bits) {
    const index_t per_word = 32 / bits;
    for (index_t cols = 1; cols <= 300; ++cols) {
      const shape2d shape{3 + cols % 30, cols};
      const code_matrix codes = random_codes(5, shape, code_kind::integer, bits, 32, scale_kind::float32, true);
      const ct_packed_weights store = ct_packed_weights::from_codes(codes);
      std::vector<std::int32_t> words(static_cast<std::size_t>(shape.rows * compressed_tensors_words(cols, bits)));
      for (index_t r = 0; r < shape.rows; ++r) {
        for (index_t c = 0; c < cols; ++c) {
          const auto w = static_cast<std::size_t>(r * compressed_tensors_words(cols, bits) + c / per_word);
          words[w] = static_cast<std::int32_t>(static_cast<std::uint32_t>(words[w]) |
                                               static_cast<std::uint32_t>(codes.code(r, c)) << (c % per_word * bits));
        }
      }
      BOOST_TEST_REQUIRE((store.weight_packed == words), bits << " bits, " << cols);
      const code_matrix back = store.codes();
      BOOST_TEST_REQUIRE((back.codes == codes.codes && back.scales == codes.scales));
      for (std::size_t g = 0; g < codes.group_count(); ++g) {
        BOOST_TEST_REQUIRE(back.zero_point(g) == codes.zero_point(g));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(rows_of_small_floats) {
  using enum code_kind;
  check_rows<ocp_mxfp4>(e2m1, 4, 32, scale_kind::e8m0, true);
  check_rows<ocp_mxfp6_e2m3>(e2m3, 6, 32, scale_kind::e8m0, true);
  check_rows<ocp_mxfp6_e3m2>(e3m2, 6, 32, scale_kind::e8m0, true);
  check_rows<modelopt_mxfp4_weights>(e2m1, 4, 32, scale_kind::e8m0, true);
  check_rows<modelopt_nvfp4_weights>(e2m1, 4, 16, scale_kind::e4m3, true, true);
  check_rows<ct_nvfp4_weights>(e2m1, 4, 16, scale_kind::e4m3, true, true);
}

BOOST_AUTO_TEST_CASE(rows_of_bytes) {
  // All codes are numbers here: values are compared, and NaN is equal to nothing.
  for (index_t cols = 1; cols <= 300; ++cols) {
    code_matrix codes = random_codes(9, {2, cols}, code_kind::e4m3, 8, 32, scale_kind::e8m0);
    BOOST_TEST_REQUIRE((modelopt_mxfp8_weights::from_codes(codes).elements == codes.codes));
    BOOST_TEST_REQUIRE((modelopt_mxfp8_weights::from_codes(codes).codes().codes == codes.codes));
    BOOST_TEST_REQUIRE((ocp_mxfp8_e4m3::from_codes(codes).elements == rows_of_bits(codes, ceil_div(cols, 32) * 32)));
    codes.kind = code_kind::e5m2;
    BOOST_TEST_REQUIRE((ocp_mxfp8_e5m2::from_codes(codes).elements == rows_of_bits(codes, ceil_div(cols, 32) * 32)));
    BOOST_TEST_REQUIRE((ocp_mxfp8_e5m2::from_codes(codes).codes().codes == codes.codes));
  }
}

BOOST_AUTO_TEST_CASE(nibbles_of_modelopt) {
  for (index_t cols = 4; cols <= 300; cols += 4) {
    const code_matrix codes = random_codes(2, {3, cols}, code_kind::integer, 4, 4, scale_kind::float32);
    code_matrix divided = codes;
    divided.use = scale_use::divides;
    const auto store = modelopt_int4_weights::from_codes(divided);
    for (std::size_t i = 0; i < codes.codes.size(); ++i) {
      const std::uint8_t byte = store.packed.at(i / 2);
      BOOST_TEST_REQUIRE((i % 2 == 0 ? byte >> 4 : byte & 15) == codes.codes[i]);
    }
    BOOST_TEST_REQUIRE((store.codes().codes == codes.codes));
  }
}

BOOST_AUTO_TEST_CASE(ggml_blocks_of_every_row_length) {
  for (index_t cols = 64; cols <= 320; cols += 64) {
    const auto check = [&]<class Block>(std::type_identity<Block>, bool minimums) {
      using traits = interop::detail::ggml_traits<Block>;
      code_matrix codes = random_codes(11, {3, cols}, traits::kind, traits::bits, traits::group_size, traits::scales);
      if (minimums) {
        codes.zero_points.assign(codes.group_count(), 0);
        codes.minimums = codes.scales;
      }
      const auto store = ggml_weights<Block>::from_codes(codes);
      const code_matrix back = store.codes();
      BOOST_TEST_REQUIRE((back.codes == codes.codes && back.scales == codes.scales));
      BOOST_TEST_REQUIRE((back.minimums.patterns == codes.minimums.patterns));
      // Each block by ggml's own reading of it.
      for (index_t i = 0; i < codes.shape.elements(); ++i) {
        const float value =
            store.blocks[static_cast<std::size_t>(i / Block::elements)].value(static_cast<int>(i % Block::elements));
        BOOST_TEST_REQUIRE(value == codes.value(i / cols, i % cols));
      }
    };
    check(std::type_identity<ggml_q8_0>{}, false);
    check(std::type_identity<ggml_q4_0>{}, false);
    check(std::type_identity<ggml_q4_1>{}, true);
    check(std::type_identity<ggml_q5_0>{}, false);
    check(std::type_identity<ggml_q5_1>{}, true);
    check(std::type_identity<ggml_mxfp4>{}, false);
    check(std::type_identity<ggml_nvfp4>{}, false);
    check(std::type_identity<ggml_iq4_nl>{}, false);
  }
}
