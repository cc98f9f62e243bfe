// ModelOpt's packed tensors (QTensor classes) and its sequential quantizer, byte for byte.
#include <support/conformance.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/host/sequential.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/recipes.hpp>
#include <qgrain/scale/symmetric.hpp>

using namespace qgrain;
using qgrain_test::conformance;
using qgrain_test::tensor;

namespace {

/// The tool keeps the codes of the zeros that it pads with, right and below; the library has no such elements.
template <class Code>
std::string padded(const std::vector<Code>& codes, shape2d shape, index_t count, index_t cols) {
  std::vector<Code> wide(static_cast<std::size_t>(count));
  for (index_t i = 0; i < shape.elements(); ++i) {
    wide[static_cast<std::size_t>(i / shape.cols * cols + i % shape.cols)] = codes[static_cast<std::size_t>(i)];
  }
  return qgrain_test::bytes_of(wide);
}

template <class Format, class Granularity, storage_element T>
void eight_bit_case(conformance& books, const std::string& label) {
  using recipe = quantizer<Format, Granularity, symmetric_by<divide, any_scale, T>>;
  const tensor input = books.file.get(label + ".input");
  const tensor codes = books.file.get(label + ".codes");
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  auto got = qgrain_test::encode_own<recipe>(input.floats(), shape);
  books.begin(label);
  if (codes.count() != shape.elements()) {
    books.compare("codes", padded(got.codes, shape, codes.count(), codes.shape.back()) == codes.bytes);
    books.compare("scales", qgrain_test::scale_bytes(got.scales) == books.file.get(label + ".scales").bytes);
    books.compare("dequant", qgrain_test::differences(got.values, books.file.get(label + ".dequant").floats()) == 0);
  } else {
    qgrain_test::compare_coded(books, label, got);
  }
  books.end();
}

template <class Format>
void eight_bit_file(const std::string& name) {
  conformance books(name);
  for (const auto& [label, remark] : books.file.cases()) {
    const auto with = [&]<class Granularity>(std::type_identity<Granularity>) {
      if (label.ends_with("bf16")) return eight_bit_case<Format, Granularity, bfloat16>(books, label);
      eight_bit_case<Format, Granularity, float>(books, label);
    };
    const std::string form = qgrain_test::part_of_name(label, 0);
    if (form == "per_tensor") with(std::type_identity<per_tensor>{});
    if (form == "per_channel0") with(std::type_identity<per_channel<0>>{});
    if (form == "per_channel1") with(std::type_identity<per_channel<1>>{});
    if (form == "per_group32") with(std::type_identity<per_group<32, group_tail::zero_padding>>{});
    if (form == "per_group128") with(std::type_identity<per_group<128, group_tail::zero_padding>>{});
    if (form == "per_tile16x32") with(std::type_identity<per_tile<16, 32>>{});
  }
  books.finish({40});
}

template <class Q>
void int4_case(conformance& books, const std::string& label) {
  const tensor input = books.file.get(label + ".input");
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  const auto got = qgrain_test::encode_own<Q>(input.floats(), shape);
  std::vector<std::uint8_t> stored;  // offset by 8
  for (const std::int8_t code : got.codes) stored.push_back(static_cast<std::uint8_t>(code + 8));
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(packed_bytes(shape.elements(), 4)));
  pack_codes(stored.data(), shape.elements(), 4, bit_order::high_first, packed.data());
  books.begin(label);
  const auto bytes = [&](const char* part) { return books.file.get(label + "." + part).bytes; };
  books.compare("codes", qgrain_test::bytes_of(stored) == bytes("codes"));
  books.compare("packed", qgrain_test::bytes_of(packed) == bytes("packed"));
  books.compare("scales", qgrain_test::bytes_of(got.scales) == bytes("scales"));
  books.compare("dequant", qgrain_test::differences(got.values, books.file.get(label + ".dequant").floats()) == 0);
  books.end();
}

template <class Q>
void four_bit_float_case(conformance& books, const std::string& label, const std::vector<float>& in, shape2d shape) {
  const auto got = qgrain_test::encode_own<Q>(in, shape);
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(packed_bytes(shape.elements(), 4)));
  pack_codes(got.codes.data(), shape.elements(), 4, bit_order::low_first, packed.data());
  books.begin(label);
  books.compare("packed", qgrain_test::bytes_of(packed) == books.file.get(label + ".packed").bytes);
  qgrain_test::compare_coded(books, label, got);
  books.end();
}

}  // namespace

BOOST_AUTO_TEST_CASE(modelopt_real_int8) { eight_bit_file<int8>("modelopt_real_int8"); }
BOOST_AUTO_TEST_CASE(modelopt_real_fp8) { eight_bit_file<plain_cast<float8_e4m3fn>>("modelopt_real_fp8"); }

BOOST_AUTO_TEST_CASE(modelopt_real_int4) {
  conformance books("modelopt_real_int4");
  for (const auto& [label, remark] : books.file.cases()) {
    const bool half = label.ends_with("bf16");
    const bool wide = label.starts_with("per_group128");
    if (half && wide) int4_case<quantizer<int4, per_group<128>, absmax_multiplier<bfloat16>>>(books, label);
    if (half && !wide) int4_case<quantizer<int4, per_group<32>, absmax_multiplier<bfloat16>>>(books, label);
    if (!half && wide) int4_case<quantizer<int4, per_group<128>, absmax_multiplier<>>>(books, label);
    if (!half && !wide) int4_case<quantizer<int4, per_group<32>, absmax_multiplier<>>>(books, label);
  }
  books.finish({12});
}

BOOST_AUTO_TEST_CASE(modelopt_real_mxfp4) {
  using recipe = quantizer<float4_e2m1fn, per_group<32, group_tail::zero_padding>,
                           zeros_negative<absmax_e8m0_by<e8m0_rceil_log2f<127>>>, ties_to_zero>;
  conformance books("modelopt_real_mxfp4");
  for (const auto& [label, remark] : books.file.cases()) {
    const tensor input = books.file.get(label + ".input");
    four_bit_float_case<recipe>(books, label, input.floats(), qgrain_test::matrix_shape(input, false));
  }
  books.finish({6});
}

BOOST_AUTO_TEST_CASE(modelopt_w4a8) {
  conformance books("modelopt_w4a8");
  using int4_group128 = modelopt_integer<int4, per_group<128, group_tail::zero_padding>>;
  for (const auto& [label, remark] : books.file.cases()) {
    const tensor input = books.file.get(label + ".input");
    const shape2d shape = qgrain_test::matrix_shape(input, false);
    const auto run = [&]<class T>(std::vector<T> x) {
      std::vector<T> middle(x.size());
      fake_quantize<int4_group128>(on_host{}, {x.data(), shape}, matrix_view<T>{middle.data(), shape});
      fake_quantize_in_turn<int4_group128, modelopt_fp8<per_tensor>>(on_host{}, {x.data(), shape},
                                                                     matrix_view<T>{x.data(), shape});
      return std::pair(qgrain_test::widened(middle), qgrain_test::widened(x));
    };
    const auto [middle, last] = input.dtype == "BF16" ? run(qgrain_test::elements_of<bfloat16>(input))
                                                      : run(qgrain_test::elements_of<float>(input));
    const auto wanted = [&](const char* part) { return books.file.get(label + "." + part).floats(); };
    std::vector<float> groups(wanted("amax_int4").size());
    float whole = 0;
    const std::vector<float> in = input.floats();
    for (index_t i = 0; i < shape.elements(); ++i) {
      const float x = in[static_cast<std::size_t>(i)];
      float& group =
          groups.at(static_cast<std::size_t>(int4_group128::scale_index(shape, i / shape.cols, i % shape.cols)));
      group = widened(group, x);
      whole = widened(whole, x);
    }
    books.begin(label);
    books.compare("amax_int4", groups == wanted("amax_int4"));
    books.compare("amax_fp8", whole == wanted("amax_fp8").at(0));
    books.compare("middle", qgrain_test::differences(middle, wanted("middle")) == 0);
    books.compare("dequant", qgrain_test::differences(last, wanted("dequant")) == 0);
    books.end();
  }
  books.finish({4});
}
