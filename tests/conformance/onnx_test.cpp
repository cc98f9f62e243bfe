// ONNX QuantizeLinear and DequantizeLinear with scales and zero points as inputs, and DynamicQuantizeLinear.
#include <support/conformance.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/plain_cast.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/affine.hpp>

#include <cmath>

using namespace qgrain;
using qgrain_test::conformance;
using qgrain_test::tensor;

namespace {

/// The scales and zero points of a case, as the quantizer keeps them.
template <class Scale>
std::vector<typename Scale::stored_type> given_scales(const conformance& books, const std::string& label) {
  const std::vector<float> scales = books.file.get(label + ".scales").floats();
  std::vector<typename Scale::stored_type> given(scales.size());
  if constexpr (std::is_same_v<typename Scale::stored_type, float>) {
    given = scales;
  } else {
    const bool asymmetric = books.file.has(label + ".zero_points");
    const auto zeros = asymmetric ? books.file.get(label + ".zero_points").as<std::int32_t>()
                                  : std::vector<std::int32_t>(scales.size());
    for (std::size_t i = 0; i < scales.size(); ++i) given[i] = {scales[i], zeros.at(i)};
  }
  return given;
}

/// Matrices one after the other: dimensions before the blocked axis are a batch.
template <class Q>
void one_case(conformance& books, const std::string& label, bool batch) {
  const tensor input = books.file.get(label + ".input");
  const std::vector<float> in = input.floats();
  const auto given = given_scales<typename Q::scale_type>(books, label);
  const index_t matrices = batch ? input.shape.front() : 1;
  const shape2d shape{input.count() / matrices / input.shape.back(), input.shape.back()};
  qgrain_test::coded<Q> got;
  for (index_t m = 0; m < matrices; ++m) {
    const auto x = in.begin() + m * shape.elements();
    const auto s = given.begin() + m * Q::scale_count(shape);
    const auto part =
        qgrain_test::encode_with<Q>({s, s + Q::scale_count(shape)}, 1.0F, {x, x + shape.elements()}, shape);
    got.codes.insert(got.codes.end(), part.codes.begin(), part.codes.end());
    got.scales.insert(got.scales.end(), part.scales.begin(), part.scales.end());
    got.values.insert(got.values.end(), part.values.begin(), part.values.end());
  }
  books.begin(label);
  if (books.file.has(label + ".packed")) {
    std::vector<std::uint8_t> packed(
        static_cast<std::size_t>(packed_bytes(shape.elements() * matrices, Q::format_type::bits)));
    pack_codes(got.codes.data(), shape.elements() * matrices, Q::format_type::bits, bit_order::low_first,
               packed.data());
    books.compare("packed", qgrain_test::bytes_of(packed) == books.file.get(label + ".packed").bytes);
    std::vector<typename Q::code_type> unpacked(got.codes.size());
    unpack_codes(packed.data(), shape.elements() * matrices, Q::format_type::bits, bit_order::low_first,
                 unpacked.data());
    BOOST_TEST((unpacked == got.codes));
    for (auto& code : got.codes) code = static_cast<typename Q::code_type>(low_bits(code, Q::format_type::bits));
  }
  qgrain_test::compare_coded(books, label, got);
  books.end();
}

template <class Format, class Scale>
void case_of_form(conformance& books, const std::string& label) {
  const auto with = [&]<class Granularity>(std::type_identity<Granularity>, bool batch = false) {
    one_case<quantizer<Format, Granularity, Scale>>(books, label, batch);
  };
  const std::string form = qgrain_test::part_of_name(label, 0);
  if (form == "per_tensor") return with(std::type_identity<per_tensor>{});
  if (form == "per_channel0") return with(std::type_identity<per_channel<0>>{});
  if (form == "per_channel1") return with(std::type_identity<per_channel<1>>{});
  if (form == "per_group16") return with(std::type_identity<per_group<16>>{});
  if (form == "per_group32") return with(std::type_identity<per_group<32>>{});
  if (form == "per_group64_ragged") return with(std::type_identity<per_group<64>>{});
  if (form == "per_group128") return with(std::type_identity<per_group<128>>{});
  if (form == "per_block32_axis0") return with(std::type_identity<per_tile<32, 1>>{});
  if (form == "per_block16_axis0_ragged") return with(std::type_identity<per_tile<16, 1>>{});
  if (form == "cube_axis1_block2") return with(std::type_identity<per_tile<2, 1>>{}, true);
  BOOST_FAIL("unknown form " << form);
}

/// Scale and zero point given; what makes them from data does not matter here.
using given_affine = affine_by<divide_round_add, zero_point_rounded_last>;

template <class Integer>
void compare_integers(const std::string& name, std::size_t cases) {
  conformance books(name);
  for (const auto& [label, remark] : books.file.cases()) case_of_form<Integer, given_affine>(books, label);
  books.finish({cases});
}

/// What onnxruntime's cast without saturation does against the ONNX standard and its reference implementation: just
/// above the largest value it takes the wrong special value. NaN in e5m2 is 7f, which the standard leaves open.
template <class Format>
std::uint8_t onnxruntime_code(float scaled, std::uint8_t standard) {
  const float magnitude = std::fabs(scaled);
  const auto sign = static_cast<std::uint8_t>(std::signbit(scaled) ? 0x80 : 0);
  if (std::is_same_v<Format, float8_e4m3fn> && magnitude >= 480.0F && magnitude < 496.0F) return sign | 0x7E;
  if (std::is_same_v<Format, float8_e5m2> && magnitude >= 61440.0F && magnitude < 65536.0F) return sign | 0x7F;
  return standard;
}

/// Cases with saturate=0 of a whole tensor.
template <class Format>
void unsaturated_case(conformance& books, const std::string& label) {
  using recipe = quantizer<plain_cast<Format>, per_tensor, absmax_f32>;
  const tensor input = books.file.get(label + ".input");
  const std::vector<float> in = input.floats();
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  const float scale = books.file.get(label + ".scales").floats().at(0);
  const auto got = qgrain_test::encode_with<recipe>({scale}, 1.0F, in, shape);
  const auto codes = books.file.get(label + ".codes").template as<std::uint8_t>();
  const auto values = books.file.get(label + ".dequant").floats();
  std::size_t departures = 0;
  bool as_documented = true;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::uint8_t documented = onnxruntime_code<Format>(in[i] / scale, got.codes[i]);
    departures += documented != got.codes[i] ? 1U : 0U;
    const bool both_nan = std::isnan(Format::decode(codes[i])) && std::isnan(Format::decode(documented));
    as_documented = as_documented && (codes[i] == documented || both_nan);
    const float value = Format::decode(codes[i]) * scale;
    as_documented = as_documented && qgrain_test::same_float(values[i], value);
  }
  books.begin(label);
  books.given("scales");
  if (departures == 0) {
    books.compare("codes", as_documented);
    books.compare("dequant", as_documented);
  } else {
    books.defect("codes", as_documented);
    books.defect("dequant", as_documented);
  }
  books.end();
}

template <class Format>
void compare_floats(const std::string& name, conformance::expected wanted) {
  conformance books(name);
  for (const auto& [label, remark] : books.file.cases()) {
    if (label.ends_with("saturate0")) {
      unsaturated_case<Format>(books, label);
    } else {
      case_of_form<Format, absmax_f32>(books, label);
    }
  }
  books.finish(wanted);
}

}  // namespace

BOOST_AUTO_TEST_CASE(onnx_int8) { compare_integers<integer<8>>("onnx_int8", 28); }
BOOST_AUTO_TEST_CASE(onnx_uint8) { compare_integers<integer<8, integer_range::nonnegative>>("onnx_uint8", 16); }
BOOST_AUTO_TEST_CASE(onnx_int16) { compare_integers<integer<16>>("onnx_int16", 28); }
BOOST_AUTO_TEST_CASE(onnx_int4) { compare_integers<integer<4>>("onnx_int4", 28); }
BOOST_AUTO_TEST_CASE(onnx_uint4) { compare_integers<integer<4, integer_range::nonnegative>>("onnx_uint4", 16); }
BOOST_AUTO_TEST_CASE(onnx_int2) { compare_integers<integer<2>>("onnx_int2", 28); }
BOOST_AUTO_TEST_CASE(onnx_uint2) { compare_integers<integer<2, integer_range::nonnegative>>("onnx_uint2", 16); }

BOOST_AUTO_TEST_CASE(onnx_float8e4m3fn) {
  compare_floats<float8_e4m3fn>("onnx_float8e4m3fn", {.cases = 16, .defects = 1});
}
BOOST_AUTO_TEST_CASE(onnx_float8e5m2) { compare_floats<float8_e5m2>("onnx_float8e5m2", {.cases = 16, .defects = 1}); }
BOOST_AUTO_TEST_CASE(onnx_float8e4m3fnuz) { compare_floats<float8_e4m3fnuz>("onnx_float8e4m3fnuz", {.cases = 16}); }
BOOST_AUTO_TEST_CASE(onnx_float4e2m1) { compare_floats<float4_e2m1fn>("onnx_float4e2m1", {.cases = 16}); }

BOOST_AUTO_TEST_CASE(onnx_dynamic_quantize_linear) {
  using recipe =
      quantizer<integer<8, integer_range::nonnegative>, per_tensor,
                affine_by<divide_round_add, zero_point_rounded_last, zero_scale_is_one, float, std::uint8_t>>;
  conformance books("onnx_dynamic_quantize_linear");
  for (const auto& [label, remark] : books.file.cases()) {
    const tensor input = books.file.get(label + ".input");
    books.begin(label);
    qgrain_test::compare_coded(
        books, label, qgrain_test::encode_own<recipe>(input.floats(), qgrain_test::matrix_shape(input, false)));
    books.end();
  }
  books.finish({15});
}
