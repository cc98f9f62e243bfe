// torchao's affine integers and scaled fp8, byte for byte: codes, scales, zero points, dequantized values.
#include <support/conformance.hpp>

#include <qgrain/format/float8.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/granularity/per_tile.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/symmetric.hpp>

using namespace qgrain;
using qgrain_test::conformance;

namespace {

template <class Q>
void one_case(conformance& books, const std::string& label) {
  const auto input = books.file.get(label + ".input");
  books.begin(label);
  qgrain_test::compare_coded(books, label,
                             qgrain_test::encode_own<Q>(input.floats(), qgrain_test::matrix_shape(input, false)));
  books.end();
}

template <class Format, class Granularity, storage_element T>
void integer_case(conformance& books, const std::string& label) {
  using clipped = symmetric_by<invert_round_add, at_least_own_epsilon, T, to_half_range>;
  using whole = affine_by<invert_round_add, zero_point_of_nothing, at_least_own_epsilon, T>;
  using affine = affine_by<invert_round_add, zero_point_rounded_first, at_least_own_epsilon, T>;
  const std::string mapping = qgrain_test::part_of_name(label, 0);
  if (mapping == "sym") one_case<quantizer<Format, Granularity, clipped>>(books, label);
  if (mapping == "noclip") one_case<quantizer<Format, Granularity, whole>>(books, label);
  if (mapping == "asym") one_case<quantizer<Format, Granularity, affine>>(books, label);
}

template <class Format>
void compare_integers(const std::string& name, std::size_t cases) {
  conformance books(name);
  for (const auto& [label, remark] : books.file.cases()) {
    const auto with = [&]<class Granularity>(std::type_identity<Granularity>) {
      if (label.ends_with("bf16")) return integer_case<Format, Granularity, bfloat16>(books, label);
      integer_case<Format, Granularity, float>(books, label);
    };
    const std::string form = qgrain_test::part_of_name(label, 1);
    if (form == "per_tensor") with(std::type_identity<per_tensor>{});
    if (form == "per_token") with(std::type_identity<per_token>{});
    if (form == "per_group32") with(std::type_identity<per_group<32>>{});
    if (form == "per_group128") with(std::type_identity<per_group<128>>{});
  }
  books.finish({cases});
}

template <class Format, class Granularity>
void fp8_case(conformance& books, const std::string& label) {
  using from_bf16 = symmetric_by<divide, computed_in<bfloat16>>;
  if (label.ends_with("bf16")) return one_case<quantizer<Format, Granularity, from_bf16>>(books, label);
  one_case<quantizer<Format, Granularity, absmax_f32>>(books, label);
}

}  // namespace

BOOST_AUTO_TEST_CASE(torchao_int8) { compare_integers<int8>("torchao_int8", 64); }
BOOST_AUTO_TEST_CASE(torchao_int4) { compare_integers<int4>("torchao_int4", 28); }

BOOST_AUTO_TEST_CASE(torchao_fp8) {
  conformance books("torchao_fp8");
  for (const auto& [label, remark] : books.file.cases()) {
    const auto with = [&]<class Granularity>(std::type_identity<Granularity>) {
      if (label.starts_with("e4m3")) return fp8_case<float8_e4m3fn, Granularity>(books, label);
      fp8_case<float8_e5m2, Granularity>(books, label);
    };
    const std::string form = qgrain_test::part_of_name(label, 1);
    if (form == "per_tensor") with(std::type_identity<per_tensor>{});
    if (form == "per_token") with(std::type_identity<per_token>{});
    if (form == "per_group128") with(std::type_identity<per_group<128>>{});
    if (form == "per_tile16x32") with(std::type_identity<per_tile<16, 32>>{});
  }
  books.finish({45});
}
