// From store to store: same values, the bytes that follow, refusals that name both sides, wrong sizes.
#include <qgrain/interop/awq.hpp>
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/interop/convert.hpp>
#include <qgrain/interop/ggml.hpp>
#include <qgrain/interop/gptq.hpp>
#include <qgrain/interop/modelopt.hpp>
#include <qgrain/interop/ocp_mx.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <interop/interop_support.hpp>
#include <limits>
#include <vector>

using namespace qgrain;
using namespace qgrain::interop;
using qgrain_test::check_sentence;
using qgrain_test::random_codes;
using qgrain_test::values_of;

static_assert(code_source<gptq_weights> && code_target<gptq_weights>);
static_assert(code_source<modelopt_nf4_weights> && !code_target<modelopt_nf4_weights>);  // needs numbers of its own

namespace {

template <class Block>
ggml_weights<Block> quantized(shape2d shape, std::uint64_t seed) {
  const std::vector<float> x = qgrain_test::bell_values(seed, static_cast<std::size_t>(shape.elements()));
  ggml_weights<Block> store{shape, std::vector<Block>(x.size() / static_cast<std::size_t>(Block::elements))};
  ggml_quantize<Block>({x.data(), shape}, store.blocks.data());
  return store;
}

template <class Block>
bool same_blocks(const ggml_weights<Block>& a, const ggml_weights<Block>& b) {
  return a.shape == b.shape && a.blocks.size() == b.blocks.size() &&
         std::memcmp(a.blocks.data(), b.blocks.data(), a.blocks.size() * sizeof(Block)) == 0;
}

/// By ggml's own reading of its blocks, not by way of codes.
template <class Block>
std::vector<float> own_values(const ggml_weights<Block>& store) {
  std::vector<float> values(static_cast<std::size_t>(store.shape.elements()));
  ggml_dequantize(store.blocks.data(), matrix_view<float>{values.data(), store.shape});
  return values;
}

bool all_words(const std::vector<std::int32_t>& words, std::uint32_t wanted) {
  return std::all_of(words.begin(), words.end(),
                     [&](std::int32_t word) { return static_cast<std::uint32_t>(word) == wanted; });
}

}  // namespace

BOOST_AUTO_TEST_CASE(int4_of_groups_of_32_goes_around) {
  const auto first = quantized<ggml_q4_0>({16, 96}, 1);
  const std::vector<float> values = own_values(first);
  const auto gptq = convert<gptq_weights>(first);
  BOOST_TEST(gptq.group_size == 32);
  BOOST_TEST(all_words(gptq.qzeros, 0x77777777U));  // 8 - 1
  BOOST_TEST((values_of(gptq.codes()) == values));
  const auto awq = convert<awq_weights>(gptq);
  BOOST_TEST(all_words(awq.qzeros, 0x88888888U));
  BOOST_TEST((awq.scales == gptq.scales));
  BOOST_TEST((values_of(awq.codes()) == values));
  const auto packed = convert<ct_packed_weights>(awq);
  BOOST_TEST(packed.weight_zero_point.empty());
  BOOST_TEST((packed.weight_scale.kind == scale_kind::float16));
  BOOST_TEST((values_of(packed.codes()) == values));
  const auto v2 = convert<gptq_v2_weights>(packed);
  BOOST_TEST(all_words(v2.qzeros, 0x88888888U));
  BOOST_TEST((v2.qweight == gptq.qweight));
  BOOST_TEST(same_blocks(convert<ggml_weights<ggml_q4_0>>(v2), first));
}

BOOST_AUTO_TEST_CASE(int8_goes_around) {
  const auto first = quantized<ggml_q8_0>({8, 64}, 2);
  const auto packed = convert<ct_packed_weights>(first);
  BOOST_TEST(packed.bits == 8);
  // compressed-tensors has code + 128 in each byte of a word.
  for (std::size_t i = 0; i < 32; ++i) {
    const auto word = static_cast<std::uint32_t>(packed.weight_packed.at(i / 4));
    BOOST_TEST(static_cast<int>(word >> (i % 4 * 8) & 0xFFU) == first.blocks[0].qs[i] + 128);
  }
  const auto gptq = convert<gptq_weights>(packed);
  BOOST_TEST((values_of(gptq.codes()) == own_values(first)));
  BOOST_TEST(same_blocks(convert<ggml_weights<ggml_q8_0>>(gptq), first));
}

BOOST_AUTO_TEST_CASE(mxfp4_goes_around) {
  const auto first = quantized<ggml_mxfp4>({3, 160}, 3);
  const auto ocp = convert<ocp_mxfp4>(first);
  BOOST_TEST(ocp.scales.at(1) == first.blocks.at(1).e);
  // ggml has elements 0 and 16 in its first byte, the others 0 and 1.
  BOOST_TEST((ocp.elements.at(0) & 15) == (first.blocks[0].qs[0] & 15));
  BOOST_TEST((ocp.elements.at(0) >> 4) == (first.blocks[0].qs[1] & 15));
  BOOST_TEST((ocp.elements.at(8) & 15) == (first.blocks[0].qs[0] >> 4));
  const auto modelopt = convert<modelopt_mxfp4_weights>(ocp);
  BOOST_TEST((modelopt.elements == ocp.elements));
  BOOST_TEST((modelopt.scales == ocp.scales));
  BOOST_TEST((values_of(modelopt.codes()) == own_values(first)));
  BOOST_TEST(same_blocks(convert<ggml_weights<ggml_mxfp4>>(modelopt), first));
}

BOOST_AUTO_TEST_CASE(mxfp4_scales_at_the_ends) {
  code_matrix codes = random_codes(4, {1, 256}, code_kind::e2m1, 4, 32, scale_kind::e8m0);
  codes.scales.patterns = {0, 1, 2, 127, 128, 252, 253, 254};
  const auto ggml = ggml_weights<ggml_mxfp4>::from_codes(codes);
  BOOST_TEST((own_values(ggml) == values_of(codes)));
  BOOST_TEST((convert<ocp_mxfp4>(ggml).scales == std::vector<std::uint8_t>{0, 1, 2, 127, 128, 252, 253, 254}));
  codes.scales.patterns[3] = 255;
  const auto ocp = ocp_mxfp4::from_codes(codes);
  BOOST_TEST(convert<modelopt_mxfp4_weights>(ocp).scales.at(3) == 255);
  check_sentence([&] { static_cast<void>(convert<ggml_weights<ggml_mxfp4>>(ocp)); },
                 {"ggml mxfp4 cannot hold what OCP MXFP4 holds", "255"});
  auto number = ggml;
  number.blocks[2].e = 255;
  check_sentence([&] { static_cast<void>(convert<ocp_mxfp4>(number)); }, {"ggml mxfp4", "255"});
}

BOOST_AUTO_TEST_CASE(mxfp8_between_padded_and_plain_rows) {
  const code_matrix codes = random_codes(5, {3, 100}, code_kind::e4m3, 8, 32, scale_kind::e8m0);
  const auto plain = modelopt_mxfp8_weights::from_codes(codes);
  const auto padded = convert<ocp_mxfp8_e4m3>(plain);
  BOOST_TEST(plain.elements.size() == 300U);
  BOOST_TEST(padded.elements.size() == 384U);
  BOOST_TEST((convert<modelopt_mxfp8_weights>(padded).elements == plain.elements));
  check_sentence([&] { static_cast<void>(convert<ocp_mxfp8_e5m2>(plain)); },
                 {"OCP MXFP8 E5M2", "ModelOpt MXFP8QTensor", "8-bit e5m2", "8-bit e4m3"});
}

BOOST_AUTO_TEST_CASE(nvfp4_with_a_power_of_two_goes_around) {
  code_matrix codes = random_codes(6, {2, 128}, code_kind::e2m1, 4, 16, scale_kind::e4m3);
  codes.two_level = true;
  codes.tensor_scale = 0.03125F;
  const auto modelopt = modelopt_nvfp4_weights::from_codes(codes);
  const auto packed = convert<ct_nvfp4_weights>(modelopt);
  BOOST_TEST(packed.tensor_scale == 32.0F);
  BOOST_TEST((packed.elements == modelopt.elements));
  BOOST_TEST((packed.scales == modelopt.scales));
  BOOST_TEST((values_of(packed.codes()) == values_of(codes)));
  BOOST_TEST(convert<modelopt_nvfp4_weights>(packed).tensor_scale == 0.03125F);
}

BOOST_AUTO_TEST_CASE(nvfp4_and_ggml) {
  const code_matrix codes = random_codes(7, {2, 128}, code_kind::e2m1, 4, 16, scale_kind::e4m3);
  const auto ggml = ggml_weights<ggml_nvfp4>::from_codes(codes);
  const auto modelopt = convert<modelopt_nvfp4_weights>(ggml);
  BOOST_TEST(modelopt.tensor_scale == 1.0F);
  BOOST_TEST((values_of(modelopt.codes()) == own_values(ggml)));
  BOOST_TEST(same_blocks(convert<ggml_weights<ggml_nvfp4>>(modelopt), ggml));
  BOOST_TEST(same_blocks(convert<ggml_weights<ggml_nvfp4>>(convert<ct_nvfp4_weights>(ggml)), ggml));
  // A tensor scale is folded into the block scales where the products are E4M3 numbers: 1.5 * 0.25, not 1.5 * 0.3.
  code_matrix two = codes;
  two.two_level = true;
  two.tensor_scale = 0.25F;
  two.scales.patterns.assign(two.scales.size(), 0x3C);
  const auto folded = convert<ggml_weights<ggml_nvfp4>>(modelopt_nvfp4_weights::from_codes(two));
  BOOST_TEST(folded.blocks[0].d[0] == 0x2C);
  BOOST_TEST((own_values(folded) == values_of(two)));
  two.tensor_scale = 0.3F;
  check_sentence([&] { static_cast<void>(convert<ggml_weights<ggml_nvfp4>>(modelopt_nvfp4_weights::from_codes(two))); },
                 {"ggml nvfp4 cannot hold what ModelOpt NVFP4QTensor holds", "e4m3", "has no 0.45"});
}

BOOST_AUTO_TEST_CASE(nvfp4_whose_tensor_scale_has_no_inverse) {
  // Either all scales keep their values, or it is refused: counted over many tensor scales.
  code_matrix codes = random_codes(8, {1, 64}, code_kind::e2m1, 4, 16, scale_kind::e4m3);
  codes.two_level = true;
  int kept = 0;
  int refused = 0;
  qgrain_test::random_source random(9);
  for (int i = 0; i < 200; ++i) {
    codes.tensor_scale = static_cast<float>(0.001 + random.uniform());
    const auto modelopt = modelopt_nvfp4_weights::from_codes(codes);
    try {
      BOOST_TEST((values_of(convert<ct_nvfp4_weights>(modelopt).codes()) == values_of(codes)));
      ++kept;
    } catch (const error& e) {
      BOOST_TEST((e.code() == errc::unsupported));
      ++refused;
    }
  }
  BOOST_TEST_MESSAGE(kept << " kept, " << refused << " refused");
  BOOST_TEST(refused > 0);
  codes.tensor_scale = 0.1F;
  codes.scales.patterns.assign(codes.scales.size(), 0x3B);  // 1.375: 1.375 * 0.1F and 1.375 / fl(1 / 0.1F) differ
  codes.scales.patterns[2] = 0x47;
  codes.scales.patterns[3] = 0x35;
  check_sentence([&] { static_cast<void>(convert<ct_nvfp4_weights>(modelopt_nvfp4_weights::from_codes(codes))); },
                 {"compressed-tensors nvfp4-pack-quantized cannot hold what ModelOpt NVFP4QTensor holds", "0.1"});
}

BOOST_AUTO_TEST_CASE(minimums_and_zero_points) {
  // (q - z) * d as q * d + m with m = -z * d.
  code_matrix codes = random_codes(10, {8, 64}, code_kind::integer, 4, 32, scale_kind::float16, true);
  codes.scales.patterns.assign(codes.scales.size(), 0x3E00);  // 1.5
  const auto gptq = gptq_weights::from_codes(codes);
  const auto ggml = convert<ggml_weights<ggml_q4_1>>(gptq);
  BOOST_TEST(to_float(ggml.blocks[0].m) == -1.5F * static_cast<float>(codes.zero_points[0]));
  BOOST_TEST((own_values(ggml) == values_of(codes)));
  const auto back = convert<gptq_weights>(ggml);
  BOOST_TEST((back.qweight == gptq.qweight));
  BOOST_TEST((back.qzeros == gptq.qzeros));
  BOOST_TEST((convert<awq_weights>(ggml).scales == gptq.scales));
  // A product of 15 and an odd significand of 11 bits is no float16.
  codes.zero_points.assign(codes.zero_points.size(), 15);
  codes.scales.patterns.assign(codes.scales.size(), 0x3FFF);
  check_sentence([&] { static_cast<void>(convert<ggml_weights<ggml_q4_1>>(gptq_weights::from_codes(codes))); },
                 {"ggml q4_1 cannot hold what GPTQ holds", "float16"});
  check_sentence([&] { static_cast<void>(convert<ggml_weights<ggml_q4_0>>(gptq_weights::from_codes(codes))); },
                 {"ggml q4_0 cannot hold what GPTQ holds", "always 8", "it is 15"});
  // Minimums of real data are no multiples of the scale.
  const auto real = quantized<ggml_q4_1>({8, 64}, 11);
  check_sentence([&] { static_cast<void>(convert<awq_weights>(real)); },
                 {"AWQ cannot hold what ggml q4_1 holds", "no multiple of the scale"});
  check_sentence([&] { static_cast<void>(convert<ggml_weights<ggml_q4_0>>(real)); },
                 {"ggml q4_0 cannot hold what ggml q4_1 holds", "no minimums"});
  // Symmetric codes have minimums too.
  const auto symmetric = quantized<ggml_q4_0>({8, 64}, 12);
  BOOST_TEST((own_values(convert<ggml_weights<ggml_q4_1>>(symmetric)) == own_values(symmetric)));
}

// Found by fuzzing: the zero point beside a minimum was not looked at, and values changed in silence.
BOOST_AUTO_TEST_CASE(zero_points_beside_minimums_count) {
  code_matrix codes = random_codes(14, {8, 64}, code_kind::integer, 4, 32, scale_kind::float16, true);
  codes.scales.patterns.assign(codes.scales.size(), 0x3E00);  // 1.5
  codes.zero_points.assign(codes.scales.size(), 3);
  codes.minimums.kind = scale_kind::float16;
  codes.minimums.patterns.assign(codes.scales.size(), 0xC200);  // -3: two steps more
  const auto awq = awq_weights::from_codes(codes);
  BOOST_TEST((values_of(awq.codes()) == values_of(codes)));
  BOOST_TEST(awq.codes().zero_points[0] == 5);
  codes.minimums.patterns.assign(codes.scales.size(), 0x4200);  // 3: two steps less
  BOOST_TEST(awq_weights::from_codes(codes).codes().zero_points[0] == 1);
  check_sentence([&] { static_cast<void>(ggml_weights<ggml_q4_1>::from_codes(codes)); },
                 {"ggml q4_1 cannot hold", "zero point of 3", "beside a minimum"});
  codes.zero_points.clear();  // 8 in each
  BOOST_TEST((values_of(awq_weights::from_codes(codes).codes()) == values_of(codes)));
  codes.minimums.patterns.clear();
  codes.zero_points.assign(codes.scales.size(), std::numeric_limits<std::int32_t>::min());
  check_sentence([&] { static_cast<void>(awq_weights::from_codes(codes)); }, {"0 to 15", "-2147483648"});
}

BOOST_AUTO_TEST_CASE(scales_that_divide) {
  code_matrix codes = random_codes(13, {8, 64}, code_kind::integer, 4, 32, scale_kind::float32);
  codes.use = scale_use::divides;
  codes.scales.patterns.assign(codes.scales.size(), bits_of(4.0F));
  const auto modelopt = modelopt_int4_weights::from_codes(codes);
  const auto ggml = convert<ggml_weights<ggml_q4_0>>(modelopt);
  BOOST_TEST(to_float(ggml.blocks[0].d) == 0.25F);
  BOOST_TEST((own_values(ggml) == values_of(codes)));
  const auto back = convert<modelopt_int4_weights>(ggml);
  BOOST_TEST((back.packed == modelopt.packed));
  BOOST_TEST(back.scales.value(0) == 4.0F);
  codes.scales.patterns[5] = bits_of(7.0F);
  check_sentence([&] { static_cast<void>(convert<ggml_weights<ggml_q4_0>>(modelopt_int4_weights::from_codes(codes))); },
                 {"ggml q4_0 cannot hold what ModelOpt INT4QTensor holds", "1 / 7"});
}

BOOST_AUTO_TEST_CASE(groups_of_other_lengths) {
  // A scale of 128 serves four groups of 32.
  code_matrix codes = random_codes(14, {8, 256}, code_kind::integer, 4, 128, scale_kind::float16);
  const auto packed = ct_packed_weights::from_codes(codes);
  const auto ggml = convert<ggml_weights<ggml_q4_0>>(packed);
  BOOST_TEST((own_values(ggml) == values_of(codes)));
  BOOST_TEST((ggml.blocks[4].d == ggml.blocks[7].d));
  // By channel: one scale per row.
  codes = random_codes(15, {8, 64}, code_kind::integer, 8, 64, scale_kind::float16);
  BOOST_TEST((own_values(convert<ggml_weights<ggml_q8_0>>(ct_packed_weights::from_codes(codes))) == values_of(codes)));
  // Two groups of 16 make one of 32 where their scales are equal.
  codes = random_codes(16, {2, 64}, code_kind::e2m1, 4, 16, scale_kind::e4m3);
  codes.scales.patterns = {0x38, 0x38, 0x30, 0x30, 0x40, 0x40, 0x28, 0x28};
  const auto nv = ct_nvfp4_weights::from_codes(codes);
  const auto mx = convert<ocp_mxfp4>(nv);
  BOOST_TEST((mx.scales == std::vector<std::uint8_t>{127, 126, 128, 125}));
  BOOST_TEST((values_of(mx.codes()) == values_of(codes)));
  codes.scales.patterns[1] = 0x30;
  check_sentence([&] { static_cast<void>(convert<ocp_mxfp4>(ct_nvfp4_weights::from_codes(codes))); },
                 {"OCP MXFP4 cannot hold", "32", "16", "different scales"});
  codes.scales.patterns[1] = codes.scales.patterns[0] = 0x3C;
  check_sentence([&] { static_cast<void>(convert<ocp_mxfp4>(ct_nvfp4_weights::from_codes(codes))); },
                 {"OCP MXFP4 cannot hold", "e8m0, which has no 1.5"});
}

BOOST_AUTO_TEST_CASE(what_cannot_be_held_is_named) {
  const auto q4 = quantized<ggml_q4_0>({8, 64}, 17);
  check_sentence([&] { static_cast<void>(convert<ocp_mxfp4>(q4)); },
                 {"OCP MXFP4 cannot hold what ggml q4_0 holds", "4-bit e2m1", "4-bit integers"});
  check_sentence(
      [&] {
        static_cast<void>(convert<awq_weights>(quantized<ggml_q5_0>({8, 64}, 18)));
      },
      {"AWQ cannot hold what ggml q5_0 holds", "4-bit", "5-bit"});
  check_sentence(
      [&] {
        static_cast<void>(convert<gptq_weights>(quantized<ggml_q5_0>({8, 64}, 18)));
      },
      {"GPTQ", "2, 3, 4 or 8 bits", "5"});
  check_sentence(
      [&] {
        static_cast<void>(convert<gptq_weights>(quantized<ggml_q4_0>({12, 64}, 19)));
      },
      {"GPTQ", "outputs", "multiples of 8", "12"});
  code_matrix codes = random_codes(20, {8, 64}, code_kind::integer, 4, 32, scale_kind::float32);
  codes.scales.patterns[3] = bits_of(0.1F);
  check_sentence([&] { static_cast<void>(convert<gptq_weights>(ct_packed_weights::from_codes(codes))); },
                 {"GPTQ cannot hold what compressed-tensors pack-quantized holds", "float16", "has no"});
  codes.scales.patterns.assign(codes.scales.size(), bits_of(-0.5F));
  codes.kind = code_kind::e2m1;
  codes.group_size = 16;
  codes.scales.patterns.assign(codes.group_count(), bits_of(-0.5F));
  check_sentence([&] { static_cast<void>(ggml_weights<ggml_nvfp4>::from_codes(codes)); }, {"e4m3, which has no -0.5"});
  check_sentence([&] { static_cast<void>(modelopt_nvfp4_weights::from_codes(codes)); },
                 {"block scales are e4m3, not float32"});
}

BOOST_AUTO_TEST_CASE(nan_and_negative_scales) {
  // NaN goes through where both types have it, and is refused by ggml's nvfp4, as negative block scales are.
  code_matrix codes = random_codes(25, {8, 64}, code_kind::integer, 4, 32, scale_kind::float16);
  codes.scales.patterns[2] = 0x7E00;
  codes.scales.patterns[3] = 0xBC00;  // -1
  const auto gptq = convert<gptq_weights>(ggml_weights<ggml_q4_0>::from_codes(codes));
  BOOST_TEST(std::isnan(gptq.codes().value(1, 0)));
  BOOST_TEST((gptq.codes().scales == codes.scales));
  const auto packed = convert<ct_packed_weights>(gptq);
  BOOST_TEST((packed.weight_scale == codes.scales));
  codes = random_codes(26, {1, 64}, code_kind::e2m1, 4, 16, scale_kind::e4m3);
  for (const std::uint32_t byte : {0x7FU, 0x80U, 0xB8U, 0xFFU}) {
    codes.scales.patterns[1] = byte;
    const auto nv = modelopt_nvfp4_weights::from_codes(codes);
    BOOST_TEST(convert<ct_nvfp4_weights>(nv).scales.at(1) == byte);
    check_sentence([&] { static_cast<void>(ggml_weights<ggml_nvfp4>::from_codes(codes)); },
                   {"ggml nvfp4 cannot hold", "scale byte " + std::to_string(byte)});
    BOOST_CHECK_THROW(static_cast<void>(convert<ggml_weights<ggml_nvfp4>>(nv)), error);
  }
}

BOOST_AUTO_TEST_CASE(wrong_sizes_are_named) {
  const code_matrix codes = random_codes(21, {8, 64}, code_kind::integer, 4, 32, scale_kind::float16, true);
  const auto without = [](auto store, auto member) {
    (store.*member).pop_back();
    return store;
  };
  const auto reading = [](const auto& store) { return [store] { static_cast<void>(store.codes()); }; };
  const auto gptq = gptq_weights::from_codes(codes);
  check_sentence(reading(without(gptq, &gptq_weights::qweight)), {"GPTQ: qweight needs 64 entries, has 63"});
  check_sentence(reading(without(gptq, &gptq_weights::qzeros)), {"GPTQ: qzeros needs 2 entries, has 1"});
  check_sentence(reading(without(gptq, &gptq_weights::scales)), {"GPTQ: scales needs 16 entries, has 15"});
  check_sentence(reading(without(gptq, &gptq_weights::g_idx)), {"GPTQ: g_idx needs 64 entries, has 63"});
  auto permuted = gptq;
  std::swap(permuted.g_idx[3], permuted.g_idx[40]);
  check_sentence(reading(permuted), {"g_idx[3] is 1", "groups of 32"});
  const auto awq = awq_weights::from_codes(codes);
  check_sentence(reading(without(awq, &awq_weights::qweight)), {"AWQ: qweight needs 64 entries, has 63"});
  check_sentence(reading(without(awq, &awq_weights::qzeros)), {"AWQ: qzeros needs 2 entries, has 1"});
  check_sentence(reading(without(awq, &awq_weights::scales)), {"AWQ: scales needs 16 entries, has 15"});
  const auto packed = ct_packed_weights::from_codes(codes);
  check_sentence(reading(without(packed, &ct_packed_weights::weight_packed)), {"needs 64 entries, has 63"});
  check_sentence(reading(without(packed, &ct_packed_weights::weight_zero_point)), {"needs 2 entries, has 1"});
  auto bits = packed;
  bits.bits = 9;
  check_sentence(reading(bits), {"2 to 8 bits, not 9"});
  const auto mx = ocp_mxfp4::from_codes(random_codes(22, {2, 40}, code_kind::e2m1, 4, 32, scale_kind::e8m0));
  check_sentence(reading(without(mx, &ocp_mxfp4::elements)), {"OCP MXFP4: packed codes needs 64 entries, has 63"});
  check_sentence(reading(without(mx, &ocp_mxfp4::scales)), {"OCP MXFP4: scales needs 4 entries, has 3"});
  auto ggml = quantized<ggml_q4_0>({8, 64}, 23);
  ggml.shape.cols = 60;
  check_sentence(reading(ggml), {"32", "60"});
  ggml.shape.cols = 96;
  check_sentence(reading(ggml), {"ggml q4_0: blocks needs 24 entries, has 16"});

  code_matrix broken = codes;
  broken.codes.pop_back();
  check_sentence([&] { static_cast<void>(awq_weights::from_codes(broken)); }, {"codes needs 512 entries, has 511"});
  broken = codes;
  broken.zero_points.pop_back();
  check_sentence([&] { static_cast<void>(awq_weights::from_codes(broken)); }, {"zero points needs 16 entries, has 15"});
  broken = codes;
  broken.codes[7] = 16;
  check_sentence([&] { static_cast<void>(awq_weights::from_codes(broken)); }, {"code 16 does not fit 4 bits"});
  broken = codes;
  broken.group_size = 0;
  check_sentence([&] { static_cast<void>(awq_weights::from_codes(broken)); }, {"8 x 64", "groups of 0"});
  std::vector<float> values(8 * 63);
  check_sentence([&] { dequantize(codes, {values.data(), {8, 63}}); }, {"8 x 63", "8 x 64"});
  broken = random_codes(24, {2, 40}, code_kind::integer, 4, 32, scale_kind::float32);
  check_sentence([&] { static_cast<void>(modelopt_int4_weights::from_codes(broken)); },
                 {"columns", "multiples of 32", "found 40"});
}
