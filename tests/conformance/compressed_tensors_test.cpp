// compressed-tensors, byte for byte: codes, scales, zero points, dequantized values.
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

template <class Format, class Granularity, storage_element T>
void one_case(conformance& books, const std::string& label) {
  using symmetric = symmetric_by<divide_add_round, at_least_f32_epsilon, T, to_half_range>;
  using affine = affine_by<divide_add_round, zero_point_rounded_last, at_least_f32_epsilon, T, std::int8_t>;
  const auto input = books.file.get(label + ".input");
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  books.begin(label);
  if constexpr (requires { Format::is_signed; }) {
    if (label.starts_with("asym")) {
      using recipe = quantizer<Format, Granularity, affine>;
      qgrain_test::compare_coded(books, label, qgrain_test::encode_own<recipe>(input.floats(), shape));
      return books.end();
    }
  }
  using recipe = quantizer<Format, Granularity, symmetric>;
  qgrain_test::compare_coded(books, label, qgrain_test::encode_own<recipe>(input.floats(), shape));
  books.end();
}

template <class Format, class Granularity>
void case_of_type(conformance& books, const std::string& label) {
  if (label.ends_with("bf16")) return one_case<Format, Granularity, bfloat16>(books, label);
  one_case<Format, Granularity, float>(books, label);
}

template <class Format>
void compare_file(const std::string& name, std::size_t cases) {
  conformance books(name);
  for (const auto& [label, remark] : books.file.cases()) {
    const std::string form = qgrain_test::part_of_name(label, 1);
    if (form == "per_tensor") case_of_type<Format, per_tensor>(books, label);
    if (form == "per_channel0") case_of_type<Format, per_channel<0>>(books, label);
    if (form == "per_token") case_of_type<Format, per_token>(books, label);
    if (form == "per_group32") case_of_type<Format, per_group<32>>(books, label);
    if (form == "per_group128") case_of_type<Format, per_group<128>>(books, label);
    if (form == "per_tile16x32") case_of_type<Format, per_tile<16, 32>>(books, label);
  }
  books.finish({cases});
}

}  // namespace

BOOST_AUTO_TEST_CASE(compressed_tensors_int8) { compare_file<int8>("compressed_tensors_int8", 66); }
BOOST_AUTO_TEST_CASE(compressed_tensors_int4) { compare_file<int4>("compressed_tensors_int4", 30); }
BOOST_AUTO_TEST_CASE(compressed_tensors_fp8) { compare_file<float8_e4m3fn>("compressed_tensors_fp8", 29); }
