// NVFP4 of compressed-tensors and torchao, byte for byte, and compressed-tensors' packed words.
#include <support/conformance.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/interop/compressed_tensors.hpp>
#include <qgrain/quantizer/packing.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/affine.hpp>
#include <qgrain/scale/symmetric.hpp>
#include <qgrain/scale/two_level.hpp>

#include <algorithm>

using namespace qgrain;
using qgrain_test::conformance;
using qgrain_test::tensor;

namespace {

template <class Scale>
using nvfp4 = quantizer<float4_e2m1fn, per_group<16>, Scale>;
template <class Rule>
using two_levels = nvfp4<absmax_two_level<float8_e4m3fn, Rule>>;

template <class Q>
void one_case(conformance& books, const std::string& label) {
  const tensor input = books.file.get(label + ".input");
  const std::vector<float> in = input.floats();
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  float absmax = 0.0F;
  for (const float x : in) absmax = widened(absmax, x);
  const float tensor_scale = Q::tensor_scale(absmax);
  const auto got = qgrain_test::encode_own<Q>(in, shape, tensor_scale);
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(packed_bytes(shape.elements(), 4)));
  pack_codes(got.codes.data(), shape.elements(), 4, bit_order::low_first, packed.data());
  books.begin(label);
  if (books.file.has(label + ".global_scale")) {
    books.compare("global_scale", tensor_scale == books.file.get(label + ".global_scale").floats().at(0));
  }
  books.compare("packed", qgrain_test::bytes_of(packed) == books.file.get(label + ".packed").bytes);
  qgrain_test::compare_coded(books, label, got);
  books.end();
}

/// Transposed, for zero points, which are packed along dimension 0.
std::vector<std::int8_t> transposed(const std::vector<std::int8_t>& values, shape2d shape) {
  std::vector<std::int8_t> turned;
  for (index_t c = 0; c < shape.cols; ++c) {
    for (index_t r = 0; r < shape.rows; ++r) turned.push_back(values[static_cast<std::size_t>(r * shape.cols + c)]);
  }
  return turned;
}

std::vector<std::int32_t> packed_words(const std::vector<std::int8_t>& codes, shape2d shape, int bits) {
  const shape2d extent{shape.rows, interop::compressed_tensors_words(shape.cols, bits)};
  std::vector<std::int32_t> words(static_cast<std::size_t>(extent.elements()));
  interop::pack_to_int32({codes.data(), shape}, bits, {words.data(), extent});
  std::vector<std::int8_t> back(codes.size());
  interop::unpack_from_int32({words.data(), extent}, bits, {back.data(), shape});
  BOOST_TEST(back == codes);
  return words;
}

template <class Granularity>
void packed_case(conformance& books, const std::string& label) {
  using symmetric = symmetric_by<divide_add_round, at_least_f32_epsilon, float, to_half_range>;
  using affine = affine_by<divide_add_round, zero_point_rounded_last, at_least_f32_epsilon, float, std::int8_t>;
  const tensor input = books.file.get(label + ".input");
  const shape2d shape = qgrain_test::matrix_shape(input, false);
  const auto bytes = [&](const char* part) { return books.file.get(label + "." + part).bytes; };
  const auto common = [&](const auto& got) {
    const std::vector<std::int64_t> extent{shape.rows, shape.cols};
    books.compare("packed", qgrain_test::bytes_of(packed_words(got.codes, shape, 4)) == bytes("packed"));
    books.compare("shape", qgrain_test::bytes_of(extent) == bytes("shape"));
    qgrain_test::compare_coded(books, label, got);
  };
  if (label.starts_with("sym")) {
    common(qgrain_test::encode_own<quantizer<int4, Granularity, symmetric>>(input.floats(), shape));
    return;
  }
  using recipe = quantizer<int4, Granularity, affine>;
  const auto got = qgrain_test::encode_own<recipe>(input.floats(), shape);
  common(got);
  std::vector<std::int8_t> zeros;
  for (const auto& scale : got.scales) zeros.push_back(scale.zero_point);
  // Words of the transposed zero points, transposed back: [words, columns of groups].
  const shape2d groups = recipe::scale_shape(shape);
  const auto words = packed_words(transposed(zeros, groups), {groups.cols, groups.rows}, 4);
  const index_t rows = interop::compressed_tensors_words(groups.rows, 4);
  std::vector<std::int32_t> turned;
  for (index_t r = 0; r < rows; ++r) {
    for (index_t c = 0; c < groups.cols; ++c) turned.push_back(words[static_cast<std::size_t>(c * rows + r)]);
  }
  books.compare("packed_zero_points", qgrain_test::bytes_of(turned) == bytes("packed_zero_points"));
}

}  // namespace

BOOST_AUTO_TEST_CASE(compressed_tensors_nvfp4) {
  conformance books("compressed_tensors_nvfp4");
  for (const auto& [label, remark] : books.file.cases()) {
    if (label.ends_with("bf16")) {
      one_case<two_levels<compressed_tensors_block_scale<bfloat16>>>(books, label);
    } else {
      one_case<two_levels<compressed_tensors_block_scale<>>>(books, label);
    }
  }
  books.finish({17});
}

BOOST_AUTO_TEST_CASE(torchao_nvfp4) {
  conformance books("torchao_nvfp4");
  for (const auto& [label, remark] : books.file.cases()) {
    if (label.starts_with("one.")) {
      one_case<nvfp4<absmax_e4m3>>(books, label);
    } else if (label.ends_with("bf16")) {
      one_case<two_levels<torchao_block_scale<bfloat16>>>(books, label);
    } else {
      one_case<two_levels<torchao_block_scale<>>>(books, label);
    }
  }
  books.finish({22});
}

BOOST_AUTO_TEST_CASE(compressed_tensors_pack_int32) {
  conformance books("compressed_tensors_pack_int32");
  for (const auto& [label, remark] : books.file.cases()) {
    books.begin(label);
    if (label.starts_with("pack.int")) {
      const tensor codes = books.file.get(label + ".codes");
      const auto words = packed_words(codes.as<std::int8_t>(), qgrain_test::matrix_shape(codes, false), label[8] - '0');
      books.given("codes");
      books.compare("packed", qgrain_test::bytes_of(words) == books.file.get(label + ".packed").bytes);
    } else {
      const std::string form = qgrain_test::part_of_name(label, 1);
      if (form == "per_channel0") packed_case<per_channel<0>>(books, label);
      if (form == "per_group32") packed_case<per_group<32>>(books, label);
      if (form == "per_group128") packed_case<per_group<128>>(books, label);
    }
    books.end();
  }
  books.finish({16});
}
