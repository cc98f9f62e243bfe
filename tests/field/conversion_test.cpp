// Rows 3, 4, 8, 15 to 18, 21 and 23 of tests/data/field: what qgrain-quantize takes, refuses and writes.
#include <lm/lm_support.hpp>
#include <quantize/vector_replay.hpp>
#include <support/run_program.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

using namespace qgrain_test;
using qgrain::errc;
using qgrain::lm::testing::expect_error;
using qgrain::lm::testing::temporary_folder;

namespace {

namespace fs = std::filesystem;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr auto refused = lm::non_finite::refused;

fs::path field(const std::string& name) {
  return fs::path(QGRAIN_SOURCE_DIR "/tests/data/field") / (name + ".safetensors");
}

template <class T>
tensor tensor_of(const std::string& dtype, std::vector<std::int64_t> shape, const std::vector<T>& values) {
  tensor t{dtype, std::move(shape), std::string(values.size() * sizeof(T), '\0')};
  if (!values.empty()) std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  return t;
}
tensor floats(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  return tensor_of("F32", std::move(shape), values);
}

/// Conversions with files of one folder.
struct workshop {
  temporary_folder folder;

  [[nodiscard]] fs::path file(const std::string& name) const { return folder.path() / (name + ".safetensors"); }
  /// Quantizes and gives the parts.
  named_tensors quantized(const fs::path& in, const std::string& recipe, const fs::path& given = {},
                          lm::non_finite values = refused, const std::string& tensors = "*") const {
    convert::convert_job job;
    job.in = in;
    job.recipe = recipe;
    job.given = given;
    job.tensors = tensors;
    job.out = file("out");
    job.values = values;
    convert::convert_file(job);
    return read_tensors(job.out);
  }
  [[nodiscard]] named_tensors decoded(const fs::path& in, const std::string& recipe = "",
                                      lm::non_finite values = refused) const {
    convert::convert_job job;
    job.in = in;
    job.recipe = recipe;
    job.decode = true;
    job.out = file("values");
    job.values = values;
    convert::convert_file(job);
    return read_tensors(job.out);
  }
  /// Writes parts of "w" beside the recipe's name and decodes them.
  named_tensors decoded(const named_tensors& parts, const std::string& recipe, const std::vector<std::int64_t>& shape,
                        lm::non_finite values = refused) const {
    write_tensors(
        file("stored"), parts,
        {{"qgrain:w",
          boost::json::serialize(boost::json::object{
              {"recipe", recipe}, {"dtype", "F32"}, {"shape", boost::json::array(shape.begin(), shape.end())}})}});
    return decoded(file("stored"), "", values);
  }
};

/// Parts of "x" [4, 64] as a recipe makes them.
named_tensors made_parts(const workshop& shop, const std::string& recipe) {
  return shop.quantized(field("transposed_scales/x"), recipe);
}

}  // namespace

BOOST_AUTO_TEST_CASE(row_3_transposed_scales_are_refused) {
  const workshop shop;
  const fs::path x = field("transposed_scales/x");
  expect_error(errc::invalid_shape, {"\"w\"", "\"scales\"", "[2, 4]", "[4, 2]"},
               [&] { shop.quantized(x, "ct_int4/group32", field("transposed_scales/given_groups_out")); });
  expect_error(errc::invalid_shape, {"\"scales\"", "[2, 4]", "[4, 2]"},
               [&] { (void)shop.decoded(field("transposed_scales/codes_with_transposed_scales")); });
  BOOST_CHECK_NO_THROW((void)shop.decoded(field("transposed_scales/codes_right")));
  const std::vector<float> eight(8, 0.5F);
  const auto given = [&](const std::vector<std::int64_t>& shape, const std::string& recipe = "ct_int4/group32",
                         const std::string& part = "scales") {
    write_tensors(shop.file("given"), {{"w." + part, floats(shape, eight)}});
    return shop.quantized(x, recipe, shop.file("given"));
  };
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{8}, {1, 8}, {8, 1}, {2, 2, 2}, {2, 4}}) {
    expect_error(errc::invalid_shape, {lm::shape_text(shape), "[4, 2]"}, [&] { given(shape); });
  }
  BOOST_TEST(given({4, 2}).at("w.scales").floats() == eight, boost::test_tools::per_element());
  BOOST_TEST(given({4, 2, 1}).at("w.scales").shape == (std::vector<std::int64_t>{4, 2}));
  // Ranges, in the tool's own shape or with the tensor's axes.
  expect_error(errc::invalid_shape, {"amax", "[2, 4]"}, [&] { given({2, 4}, "modelopt_int8/group32", "amax"); });
  BOOST_CHECK_NO_THROW(given({8, 1}, "modelopt_int8/group32", "amax"));
  BOOST_CHECK_NO_THROW(given({4, 2}, "modelopt_int8/group32", "amax"));
}

BOOST_AUTO_TEST_CASE(row_3_transposed_codes_packed_bytes_and_zero_points) {
  const workshop shop;
  const auto turned = [&](const std::string& recipe, const std::string& part) {
    named_tensors parts = made_parts(shop, recipe);
    if (part == "w.packed") parts.erase("w.codes");
    std::vector<std::int64_t>& shape = parts.at(part).shape;
    std::reverse(shape.begin(), shape.end());
    expect_error(errc::invalid_shape, {part.substr(2), lm::shape_text(shape)}, [&] {
      shop.decoded(parts, recipe, {4, 64});
    });
  };
  for (const char* recipe : {"ct_int4/group32", "torchao_mxfp4/floor", "modelopt_nvfp4_packed", "cast/float8_e4m3fn"}) {
    turned(recipe, "w.codes");
  }
  turned("ct_int4_asymmetric/group32", "w.zero_points");
  turned("ct_int4_asymmetric/group32/pack_int32", "w.packed_zero_points");
  for (const char* recipe : {"ct_int4/group32/pack_int32", "torchao_mxfp4/floor", "ggml_q4_0"})
    turned(recipe, "w.packed");
  named_tensors parts = made_parts(shop, "ct_int4/group32/pack_int32");
  parts.at("w.shape") = tensor_of<std::int64_t>("I64", {2}, {64, 4});
  expect_error(errc::invalid_shape, {"\"shape\"", "[4, 64]"}, [&] {
    shop.decoded(parts, "ct_int4/group32/pack_int32", {4, 64});
  });
}

BOOST_AUTO_TEST_CASE(row_4_codes_out_of_range) {
  const workshop shop;
  expect_error(errc::out_of_range, {"\"w\"", "\"codes\" hold", " at [", "int4", "-8 to 7"},
               [&] { (void)shop.decoded(field("codes_out_of_range/int4_codes_100")); });
  const auto broken = [&](const std::string& recipe, char code, const std::string& text) {
    named_tensors parts = made_parts(shop, recipe);
    parts.erase("w.packed");
    parts.at("w.codes").bytes.at(64 + 5) = code;
    expect_error(errc::out_of_range, {"\"w\"", text, "[1, 5]"}, [&] { shop.decoded(parts, recipe, {4, 64}); });
  };
  broken("ct_int4/group32", -9, "-9");
  broken("torchao_int4/group32", 8, "8");
  broken("onnx_int4/per_tensor", 16, "16");
  broken("modelopt_int4_packed/group32", 16, "16");
  broken("torchao_mxfp4/floor", 16, "16");
  broken("torchao_mxfp6_e2m3/floor", 64, "64");
  broken("cast/int4", 8, "8");
  broken("cast/float6_e3m2fn", 64, "64");
  named_tensors nf4 = made_parts(shop, "modelopt_nf4_packed");
  nf4.at("w.codes").bytes.at(70) = 16;
  expect_error(errc::out_of_range, {"16", "[70]"}, [&] { shop.decoded(nf4, "modelopt_nf4_packed", {4, 64}); });
}

BOOST_AUTO_TEST_CASE(row_4_zero_points_out_of_range) {
  const workshop shop;
  const fs::path x = field("transposed_scales/x");
  for (const char* recipe : {"ct_int4_asymmetric/group32", "ct_int4_asymmetric/group32/pack_int32",
                             "torchao_int4_asymmetric/group32", "onnx_int4/group32"}) {
    expect_error(errc::out_of_range, {"\"zero_points\" hold 100 at [", "-8 to 7"},
                 [&] { shop.quantized(x, recipe, field("codes_out_of_range/given_zp100")); });
  }
  // A symmetric recipe has none but 0.
  named_tensors symmetric = made_parts(shop, "torchao_int8/group32");
  symmetric.at("w.zero_points").bytes.at(4) = 1;
  expect_error(errc::out_of_range, {"zero_points", "hold 1 at [0, 1]", "none but 0"}, [&] {
    shop.decoded(symmetric, "torchao_int8/group32", {4, 64});
  });
}

BOOST_AUTO_TEST_CASE(row_4_packed_and_plain_parts_agree) {
  const workshop shop;
  const std::string recipe = "ct_int4_asymmetric/group32/pack_int32";
  const named_tensors good = made_parts(shop, recipe);
  const tensor wanted = good.at("w.dequant");
  const auto decode = [&](const std::vector<std::string>& without) {
    named_tensors parts = good;
    for (const std::string& part : without) parts.erase(part);
    return shop.decoded(parts, recipe, {4, 64}).at("w.dequant");
  };
  BOOST_TEST(same_data(decode({}), wanted));
  BOOST_TEST(same_data(decode({"w.codes", "w.zero_points"}), wanted));  // as the tool's files are
  named_tensors zero_points = good;
  zero_points.at("w.zero_points").bytes.at(3) = static_cast<char>(zero_points.at("w.zero_points").bytes.at(3) ^ 1);
  expect_error(errc::bad_file, {"zero_points", "packed_zero_points", "contradict", "[1, 1]"}, [&] {
    shop.decoded(zero_points, recipe, {4, 64});
  });
  for (const char* with_both : {"ct_int4/group32/pack_int32", "torchao_mxfp4/floor", "modelopt_int4_packed/group32"}) {
    named_tensors codes = made_parts(shop, with_both);
    codes.at("w.packed").bytes.at(0) = static_cast<char>(codes.at("w.packed").bytes.at(0) ^ 1);
    expect_error(errc::bad_file, {"\"codes\" and \"packed\" contradict each other at [0, "}, [&] {
      shop.decoded(codes, with_both, {4, 64});
    });
  }
}

BOOST_AUTO_TEST_CASE(row_4_scales_that_are_no_positive_numbers) {
  const workshop shop;
  const fs::path x = field("transposed_scales/x");
  for (const float bad : {static_cast<float>(NAN), infinity, -0.5F, 0.0F}) {
    std::vector<float> scales(8, 0.5F);
    scales[3] = bad;
    write_tensors(shop.file("given"), {{"w.scales", floats({4, 2}, scales)}});
    expect_error(errc::out_of_range, {"\"w\"", "given \"scales\" hold", "[1, 1]", "positive number"},
                 [&] { shop.quantized(x, "ct_int4/group32", shop.file("given")); });
    named_tensors stored = made_parts(shop, "ct_int4/group32");
    stored.at("w.scales") = floats({4, 2}, scales);
    expect_error(errc::out_of_range, {"\"scales\" hold", "[1, 1]"}, [&] {
      shop.decoded(stored, "ct_int4/group32", {4, 64});
    });
    if (bad != 0.0F) {
      write_tensors(shop.file("given"), {{"w.amax", floats({}, {bad})}});
      expect_error(errc::out_of_range, {"given \"amax\" hold"},
                   [&] { shop.quantized(x, "modelopt_int8/per_tensor", shop.file("given")); });
    }
    named_tensors two_levels = made_parts(shop, "modelopt_nvfp4_packed");
    two_levels.at("w.global_scale") = floats({1}, {bad});
    expect_error(errc::out_of_range, {"\"global_scale\" hold"}, [&] {
      shop.decoded(two_levels, "modelopt_nvfp4_packed", {4, 64});
    });
  }
  // Bytes: 255 is NaN of E8M0 and of E4M3, 0xB8 is -1 of the latter.
  for (const auto& [name, byte] : {std::pair("torchao_mxfp4/floor", '\xFF'), std::pair("modelopt_nvfp4_packed", '\xFF'),
                                   std::pair("modelopt_nvfp4_packed", '\xB8')}) {
    const std::string recipe = name;  // a binding is not captured
    named_tensors bytes = made_parts(shop, recipe);
    bytes.at("w.scales").bytes.at(0) = byte;
    expect_error(errc::out_of_range, {"\"scales\" hold", "[0, 0]"}, [&] { shop.decoded(bytes, recipe, {4, 64}); });
    if (byte == '\xFF') BOOST_CHECK_NO_THROW(shop.decoded(bytes, recipe, {4, 64}, lm::non_finite::allowed));
  }
}

BOOST_AUTO_TEST_CASE(row_8_weights_that_are_no_numbers) {
  const workshop shop;
  std::vector<float> x(2 * 32, 0.25F);
  x[40] = NAN;
  x[50] = -infinity;
  tensor halves = tensor_of<std::uint16_t>("BF16", {32}, std::vector<std::uint16_t>(32, 0x3F80));
  halves.bytes[63] = 0x7F;  // 0x7F80
  write_tensors(shop.file("in"),
                {{"a", floats({32}, std::vector<float>(32, 1.0F))}, {"b", halves}, {"w", floats({2, 32}, x)}});
  for (const char* recipe :
       {"ct_int8/per_token", "modelopt_mxfp8_e4m3", "ggml_q8_0", "cast/bfloat16", "modelopt_w4a8"}) {
    expect_error(errc::non_finite, {"\"w\"", "2 values", "NaN or infinite", "[1, 8]"},
                 [&] { shop.quantized(shop.file("in"), recipe, {}, refused, "w"); });
    expect_error(errc::non_finite, {"\"b\"", "1 value", "[31]"}, [&] { shop.quantized(shop.file("in"), recipe); });
    BOOST_TEST(!fs::exists(shop.file("out")));
  }
  BOOST_CHECK_NO_THROW(shop.quantized(shop.file("in"), "ct_int8/per_token", {}, lm::non_finite::allowed));
  const std::vector<std::string> command{"--in",  shop.file("in").string(), "--recipe", "cast/bfloat16",
                                         "--out", shop.file("new").string()};
  const auto refusal = qgrain::testing::run_program("qgrain-quantize", command, shop.folder.path());
  BOOST_TEST(refusal.exit_code == 1);
  BOOST_TEST(refusal.err.find("--allow-non-finite") != std::string::npos, refusal.err);
  BOOST_TEST(!fs::exists(shop.file("new")));
  std::vector<std::string> allowing = command;
  allowing.emplace_back("--allow-non-finite");
  BOOST_TEST(qgrain::testing::run_program("qgrain-quantize", allowing, shop.folder.path()).exit_code == 0);
}

BOOST_AUTO_TEST_CASE(row_15_groups_of_zeros) {
  const workshop shop;
  tensor half = tensor_of<std::uint16_t>("F16", {2, 32}, std::vector<std::uint16_t>(64, 0));
  write_tensors(shop.file("zero_f16"), {{"w", half}});
  for (const fs::path& in : {field("zero_groups/zero_f32"), field("zero_groups/zero_bf16"), shop.file("zero_f16")}) {
    const auto all = [&](const named_tensors& parts, const std::string& part, int byte) {
      const std::string& bytes = parts.at("w." + part).bytes;
      BOOST_TEST(bytes == std::string(bytes.size(), static_cast<char>(byte)), in << " " << part);
    };
    // The NaN of e5m2 is the format's own, an exception as well; the tool has 255.
    for (const auto& [recipe, code] :
         {std::pair("torchao_fp8_e4m3/per_out_channel", 255), std::pair("torchao_fp8_e5m2/per_out_channel", 254),
          std::pair("modelopt_fp8_packed/per_out_channel", 255)}) {
      const named_tensors fp8 = shop.quantized(in, recipe);
      all(fp8, "scales", 0);
      all(fp8, "codes", code);
      BOOST_TEST(same_data(shop.decoded(shop.file("out")).at("w.dequant"), fp8.at("w.dequant")));
    }
    const named_tensors int8 = shop.quantized(in, "modelopt_int8_packed/per_out_channel");
    all(int8, "scales", 0);
    all(int8, "codes", 0);
    // The named exceptions of docs/conformance.md.
    const named_tensors int4 = shop.quantized(in, "modelopt_int4_packed/group32");
    for (const float scale : int4.at("w.scales").floats()) BOOST_TEST(scale == infinity);
    all(int4, "packed", 0x88);
    BOOST_TEST(same_data(shop.decoded(shop.file("out")).at("w.dequant"), int4.at("w.dequant")));
    const named_tensors nvfp4 = shop.quantized(in, "modelopt_nvfp4_packed");
    BOOST_TEST(nvfp4.at("w.global_scale").floats().at(0) == 1.0F);
    all(nvfp4, "scales", 56);
    all(nvfp4, "packed", 0);
    const named_tensors ct = shop.quantized(in, "ct_nvfp4");
    BOOST_TEST(ct.at("w.global_scale").floats().at(0) == 1.0F);
    all(ct, "packed", 0);
  }
}

BOOST_AUTO_TEST_CASE(row_16_tensors_of_types_that_are_not_read) {
  const workshop shop;
  const auto beside = [&](const fs::path& in) {
    BOOST_CHECK_NO_THROW(shop.quantized(in, "cast/bfloat16", {}, refused, "w"));
    expect_error(errc::unsupported, {"\"other\"", "F32, BF16 or F16"}, [&] { shop.quantized(in, "cast/bfloat16"); });
  };
  for (const char* name : {"f4", "f6_e2m3", "c64"}) beside(field("unread_dtypes/" + std::string(name)));
  for (const lm::dtype type : {lm::dtype::f6_e3m2, lm::dtype::f8_e4m3fnuz, lm::dtype::f8_e5m2fnuz}) {
    lm::safetensors_writer writer(shop.file("in"), {{"other", type, {4}}, {"w", lm::dtype::f32, {2, 32}}});
    writer.finish();
    beside(shop.file("in"));
  }
  // Elements that end within a byte.
  std::ofstream file(shop.file("odd"), std::ios::binary);
  const std::string header = R"({"w":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})";
  const std::uint64_t length = header.size();
  file.write(reinterpret_cast<const char*>(&length), sizeof length) << header << "12";
  file.close();
  expect_error(errc::bad_file, {"\"w\"", "12 bits", "F4 [3]"},
               [&] { const lm::safetensors_file odd(shop.file("odd")); });
  // Parts of such a type.
  lm::safetensors_writer writer(shop.file("codes"), {{"w.codes", lm::dtype::f4, {4, 64}}});
  writer.finish();
  expect_error(errc::unsupported, {"w.codes", "F4"}, [&] { (void)shop.decoded(shop.file("codes"), "cast/int4"); });
}

BOOST_AUTO_TEST_CASE(row_17_tensors_without_elements) {
  const workshop shop;
  for (const char* name : {"empty/empty", "empty/scalar"}) {
    for (const char* recipe : {"cast/bfloat16", "cast/int4", "cast/float8_e4m3fn/torch"}) {
      const named_tensors made = shop.quantized(field(name), recipe);
      const tensor back = shop.decoded(shop.file("out")).at("w.dequant");
      BOOST_TEST(same_data(back, made.at("w.dequant")));
      BOOST_TEST(back.shape == made.at("w.dequant").shape);
    }
  }
  for (const char* recipe :
       {"ggml_q4_0", "ggml_q8_0", "ct_int8/per_tensor", "modelopt_nf4_packed", "torchao_mxfp4/floor"}) {
    expect_error(errc::invalid_shape, {"\"w\"", "[0, 32]", "no elements"},
                 [&] { shop.quantized(field("empty/empty"), recipe); });
  }
}

BOOST_AUTO_TEST_CASE(row_18_the_same_values_both_ways) {
  const workshop shop;
  std::vector<std::uint16_t> halves;
  for (std::uint16_t i = 0; i < 128; ++i)
    halves.push_back(static_cast<std::uint16_t>(i < 32 ? 0x7BFF : 0x7BFF - 230 * i));
  halves[40] = 0x0001;  // the least subnormal, in a group of its own kind
  halves[5] = 0xFBFF;
  for (std::size_t i = 96; i < 128; ++i) halves[i] = static_cast<std::uint16_t>(i - 90);
  for (const char* type : {"F16", "BF16"}) {
    write_tensors(shop.file("in"), {{"w", tensor_of(type, {4, 32}, halves)}});
    for (const char* recipe :
         {"modelopt_mxfp4", "modelopt_mxfp6_e2m3", "modelopt_mxfp6_e3m2", "modelopt_mxfp8_e4m3", "modelopt_mxfp8_e5m2",
          "modelopt_mxint8", "modelopt_mxfp4_packed", "modelopt_mxfp8_packed", "torchao_mxfp8_e5m2/rceil",
          "torchao_nvfp4", "ct_int8/per_token", "torchao_fp8_e4m3/per_tensor", "ggml_q8_0"}) {
      const named_tensors made = shop.quantized(shop.file("in"), recipe);
      BOOST_TEST(same_data(shop.decoded(shop.file("out")).at("w.dequant"), made.at("w.dequant")),
                 recipe << " " << type);
    }
  }
}

BOOST_AUTO_TEST_CASE(row_21_groups_of_the_flattened_tensor) {
  const workshop shop;
  const fs::path in = field("mxfp4_odd_rows/x_4x40");
  for (const char* recipe : {"modelopt_mxfp4_packed", "modelopt_mxfp4_values"}) {
    const named_tensors made = shop.quantized(in, recipe);
    const std::vector<std::uint8_t> wanted{126, 130, 133, 136, 136};
    BOOST_TEST(made.at("w.scales").as<std::uint8_t>() == wanted, boost::test_tools::per_element());
    BOOST_TEST(made.at("w.scales").shape == (std::vector<std::int64_t>{5, 1}));
    BOOST_TEST(made.at("w.packed").shape == (std::vector<std::int64_t>{4, 20}));
    BOOST_TEST(same_data(shop.decoded(shop.file("out")).at("w.dequant"), made.at("w.dequant")));
    // The same bytes as of rows of 32.
    tensor rows = read_tensors(in).at("w");
    rows.shape = {5, 32};
    write_tensors(shop.file("rows"), {{"w", rows}});
    BOOST_TEST(shop.quantized(shop.file("rows"), recipe).at("w.packed").bytes == made.at("w.packed").bytes);
  }
  write_tensors(shop.file("ragged"), {{"w", floats({3, 40}, std::vector<float>(120, 1.0F))}});
  expect_error(errc::invalid_shape, {"flattened", "120", "group32"},
               [&] { shop.quantized(shop.file("ragged"), "modelopt_mxfp4_packed"); });
  // MXFP8QTensor's groups lie within rows.
  BOOST_TEST(shop.quantized(in, "modelopt_mxfp8_packed").at("w.scales").shape == (std::vector<std::int64_t>{4, 2}));
}

BOOST_AUTO_TEST_CASE(row_23_files_that_are_something_else) {
  const workshop shop;
  const auto written = [&](const std::string& text) {
    std::ofstream(shop.file("other"), std::ios::binary) << text;
    return shop.file("other");
  };
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 123\n";
  for (const auto& [text, word] :
       {std::pair(pointer, "Git LFS pointer"), std::pair(std::string("<!DOCTYPE html><html></html>"), "web page"),
        std::pair(std::string("{\"metadata\": {}, \"weight_map\": {}}"), "JSON"),
        std::pair(std::string("GGUF\3\0\0\0\1\0\0\0", 12), "GGUF"),
        std::pair(std::string("PK\3\4\0\0\x08\x08\0\0", 10), "ZIP")}) {
    const fs::path path = written(text);
    expect_error(errc::bad_file, {path.string(), word}, [&] { const lm::safetensors_file file(path); });
  }
  // The small files of a model's folder may be pointers too.
  expect_error(errc::bad_file, {"Git LFS pointer", "git lfs pull"},
               [&] { (void)qgrain::common::read_json_file(written(pointer)); });
}

BOOST_AUTO_TEST_CASE(row_23_metadata_that_is_null_and_names_that_are_patterns) {
  const workshop shop;
  std::ofstream file(shop.file("null"), std::ios::binary);
  const std::string header = R"({"__metadata__":null,"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  const std::uint64_t length = header.size();
  file.write(reinterpret_cast<const char*>(&length), sizeof length) << header << std::string(4, '\0');
  file.close();
  BOOST_TEST(lm::safetensors_file(shop.file("null")).metadata().empty());
  const tensor one = floats({1}, {1.0F});
  write_tensors(shop.file("names"), {{"a[0].w", one}, {"a0.w", one}, {"b[1]", one}, {"*", one}});
  const auto chosen = [&](const std::string& pattern) {
    std::vector<std::string> names;
    for (const auto& [name, t] : shop.quantized(shop.file("names"), "cast/bfloat16", {}, refused, pattern)) {
      if (name.ends_with(".codes")) names.push_back(name);
    }
    return names;
  };
  BOOST_TEST(chosen("a[0].w") == std::vector<std::string>{"a[0].w.codes"}, boost::test_tools::per_element());
  BOOST_TEST(chosen("b[1]") == std::vector<std::string>{"b[1].codes"}, boost::test_tools::per_element());
  BOOST_TEST(chosen("a[0-9].w") == std::vector<std::string>{"a0.w.codes"}, boost::test_tools::per_element());
  BOOST_TEST(chosen("a*").size() == 2U);
}
