// Every golden vector through qgrain-quantize's conversion: input and given parts as files in, every part byte for byte
// out; and the tool's own codes and packed bytes back to values.
#include <quantize/vector_replay.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/format/float8.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <optional>
#include <tuple>

using namespace qgrain_test;

namespace {

std::string first_part(const std::string& label) { return label.substr(0, label.find('.')); }
std::string after_first(const std::string& label) { return label.substr(label.find('.') + 1); }

/// The granularity names of the files in the program's words; `onnx` counts axes instead of naming channels.
std::string granularity_of(const std::string& name, bool onnx = false) {
  static const std::map<std::string, std::string> special{{"per_channel0", "per_out_channel"},
                                                          {"per_channel1", "per_in_channel"},
                                                          {"per_group64_ragged", "group64"},
                                                          {"per_block32_axis0", "axis0/block32"},
                                                          {"per_block16_axis0_ragged", "axis0/block16"},
                                                          {"cube_axis1_block2", "axis1/block2"}};
  if (onnx && name == "per_channel0") return "axis0";
  if (onnx && name == "per_channel1") return "axis1";
  if (const auto found = special.find(name); found != special.end()) return found->second;
  if (name.starts_with("per_group") || name.starts_with("per_tile")) return name.substr(4);
  return name;
}

/// Cases of `name`, each under the recipe that `recipe_of(label)` names.
template <class RecipeOf>
void fill(replay_books& books, const RecipeOf& recipe_of, const std::vector<std::string>& givable = {}) {
  for (const auto& [label, remark] : books.file.cases()) {
    replay how{recipe_of(label), books.file.get(label + ".input")};
    for (const std::string& part : givable) {
      if (books.file.has(label + "." + part)) how.given.insert(part);
    }
    books.add(label, how);
  }
}

template <class T>
tensor tensor_of(const std::string& dtype, std::vector<std::int64_t> shape, const std::vector<T>& values) {
  tensor t{dtype, std::move(shape), std::string(values.size() * sizeof(T), '\0')};
  std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  return t;
}

// What the files leave open, each checked where it is used.

/// fp8 codes that differ in nothing but which of the format's NaNs was written.
template <class Format>
bool only_nans_differ(const tensor& own, const tensor& wanted) {
  if (own.dtype != "U8" || wanted.dtype != "U8" || own.bytes.size() != wanted.bytes.size()) return false;
  const auto is_nan = [](char code) { return qgrain::is_nan(Format::decode(static_cast<std::uint8_t>(code))); };
  for (std::size_t i = 0; i < own.bytes.size(); ++i) {
    if (own.bytes[i] != wanted.bytes[i] && !(is_nan(own.bytes[i]) && is_nan(wanted.bytes[i]))) return false;
  }
  return true;
}

/// torchao writes arbitrary codes in a block of 32 whose scale is NaN.
bool only_nan_blocks_differ(const tensor& own, const tensor& wanted, const tensor& scales) {
  if (own.bytes.size() != wanted.bytes.size() || own.bytes.size() % scales.bytes.size() != 0) return false;
  const std::size_t block = own.bytes.size() / scales.bytes.size();
  for (std::size_t i = 0; i < own.bytes.size(); ++i) {
    if (own.bytes[i] != wanted.bytes[i] && static_cast<std::uint8_t>(scales.bytes[i / block]) != 255) return false;
  }
  return true;
}

/// onnxruntime without saturation departs from the standard just above the largest value: how a code of x/s would be
/// then.
template <class Format>
std::uint8_t onnxruntime_code(float scaled, std::uint8_t standard) {
  const float magnitude = std::fabs(scaled);
  const auto sign = static_cast<std::uint8_t>(std::signbit(scaled) ? 0x80 : 0);
  if (std::is_same_v<Format, qgrain::float8_e4m3fn> && magnitude >= 480.0F && magnitude < 496.0F) return sign | 0x7E;
  if (std::is_same_v<Format, qgrain::float8_e5m2> && magnitude >= 61440.0F && magnitude < 65536.0F) return sign | 0x7F;
  return standard;
}

}  // namespace

BOOST_AUTO_TEST_CASE(modelopt_fake) {
  const auto run = [](const std::string& name, const std::string& family, std::size_t cases) {
    replay_books books(name);
    for (const auto& [label, remark] : books.file.cases()) {
      const std::size_t at = label.find("per_");
      const std::string prefix = at == 0 ? "" : label.substr(0, at - 1);
      std::string stem = "modelopt_" + (name == "modelopt_intk" ? prefix : family);
      if (prefix == "unsigned") stem = "modelopt_u" + family;
      const std::string recipe =
          stem + "/" + granularity_of(first_part(label.substr(at))) + (prefix == "narrow" ? "/narrow" : "");
      replay how{recipe, books.file.get(label + ".input")};
      // Ranges that were calibrated on other data.
      if (label.find(".clipped") != std::string::npos || label.find(".nonfinite") != std::string::npos) {
        how.given = {"amax"};
      }
      books.add(label, how);
    }
    books.finish({.cases = cases});
  };
  run("modelopt_int8", "int8", 89);
  run("modelopt_int4", "int4", 89);
  run("modelopt_intk", "", 10);
  run("modelopt_fp8", "fp8", 77);
}

BOOST_AUTO_TEST_CASE(modelopt_others) {
  {
    replay_books books("modelopt_w4a8");
    fill(books, [](const std::string&) { return "modelopt_w4a8"; });
    books.finish({.cases = 4});
  }
  {
    replay_books books("modelopt_nvfp4");
    fill(books, [](const std::string&) { return "modelopt_nvfp4"; }, {"amax"});
    books.finish({.cases = 26});
  }
  for (const std::string format : {"mxfp4", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp8_e4m3", "mxfp8_e5m2", "mxint8"}) {
    replay_books books("formula_modelopt_" + format);
    fill(books, [&](const std::string&) { return "modelopt_" + format; });
    books.finish({.cases = 3});
  }
}

BOOST_AUTO_TEST_CASE(modelopt_packed) {
  const auto grouped = [](const std::string& stem) {
    return [stem](const std::string& label) { return stem + "/" + granularity_of(first_part(label)); };
  };
  {
    replay_books books("modelopt_real_int4");
    fill(books, grouped("modelopt_int4_packed"));
    books.finish({.cases = 12, .codes = 12, .packed = 12});
  }
  {
    replay_books books("modelopt_real_int8");
    fill(books, grouped("modelopt_int8_packed"));
    books.finish({.cases = 40, .codes = 40});
  }
  {
    replay_books books("modelopt_real_fp8");
    fill(books, grouped("modelopt_fp8_packed"));
    books.finish({.cases = 40, .codes = 40});
  }
  {
    replay_books books("modelopt_real_mxfp4");
    fill(books, [](const std::string&) { return "modelopt_mxfp4_packed"; });
    books.finish({.cases = 6, .codes = 6, .packed = 6});
  }
  {
    replay_books books("modelopt_real_mxfp8");
    fill(books, [](const std::string&) { return "modelopt_mxfp8_packed"; });
    books.finish({.cases = 7, .codes = 7});
  }
  {
    replay_books books("modelopt_real_nvfp4");
    fill(books, [](const std::string&) { return "modelopt_nvfp4_packed"; });
    books.finish({.cases = 21, .codes = 20, .packed = 20});  // the tool has no values of the ragged case
  }
  {
    replay_books books("modelopt_real_nf4");
    fill(books, [](const std::string& label) { return "modelopt_nf4_packed/group64/" + first_part(label); },
         {"scale_zeros"});
    books.finish({.cases = 12, .codes = 6, .packed = 6});  // the tool has no values of several scale groups
  }
}

BOOST_AUTO_TEST_CASE(modelopt_exported) {
  replay_books books("modelopt_exported");
  fill(books, [](const std::string& label) {
    return "modelopt_" + first_part(label) + "_exported/" + granularity_of(first_part(after_first(label)));
  });
  books.finish({.cases = 21, .codes = 21, .packed = 7});
}

BOOST_AUTO_TEST_CASE(torchao_mx) {
  for (const std::string format : {"mxfp4", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp8_e4m3", "mxfp8_e5m2"}) {
    replay_books books("torchao_" + format);
    fill(books, [&](const std::string& label) { return "torchao_" + format + "/" + first_part(label); });
    const std::size_t parts = format == "mxfp4" ? 2 : 1;  // codes, and packed bytes
    std::size_t excused = 0;
    for (const auto& [label, remark] : books.file.cases())
      excused += label.find("special") == std::string::npos ? 0 : parts;
    BOOST_TEST(excused == 6 * parts);
    books.finish({.cases = 24, .excused = excused, .codes = 24, .packed = format == "mxfp4" ? 24U : 0U},
                 [](const std::string&, const std::string& part, const tensor& own, const tensor& wanted,
                    const named_tensors& all) {
                   return (part == "codes" || part == "packed") &&
                          only_nan_blocks_differ(own, wanted, all.at("scales"));
                 });
  }
}

BOOST_AUTO_TEST_CASE(torchao_others) {
  {
    replay_books books("torchao_nvfp4");
    fill(books, [](const std::string& label) {
      return first_part(label) == "one" ? "torchao_nvfp4_one_level" : "torchao_nvfp4";
    });
    books.finish({.cases = 22, .codes = 22, .packed = 22});
  }
  const std::map<std::string, std::string> suffix{{"sym", ""}, {"noclip", "_unclipped"}, {"asym", "_asymmetric"}};
  for (const auto& [name, cases] : {std::pair("torchao_int8", 64U), std::pair("torchao_int4", 28U)}) {
    replay_books books(name);
    fill(books, [&suffix, tool = std::string(name)](const std::string& label) {
      return tool + suffix.at(first_part(label)) + "/" + granularity_of(first_part(after_first(label)));
    });
    books.finish({.cases = cases, .codes = cases});
  }
  {
    replay_books books("torchao_fp8");
    fill(books, [](const std::string& label) {
      return "torchao_fp8_" + first_part(label) + "/" + granularity_of(first_part(after_first(label)));
    });
    books.finish({.cases = 45, .codes = 45});
  }
  {
    replay_books books("torchao_scale_swizzle");
    fill(books, [](const std::string&) { return "scale_tiles_128x4"; });
    books.finish({.cases = 8});
  }
}

BOOST_AUTO_TEST_CASE(compressed_tensors) {
  for (const auto& [name, family, cases] :
       {std::tuple("compressed_tensors_int8", "ct_int8", 66U), std::tuple("compressed_tensors_int4", "ct_int4", 30U),
        std::tuple("compressed_tensors_fp8", "ct_fp8", 29U)}) {
    replay_books books(name);
    const std::string stem = family;
    fill(books, [&](const std::string& label) {
      return stem + (first_part(label) == "asym" ? "_asymmetric/" : "/") +
             granularity_of(first_part(after_first(label)));
    });
    books.finish({.cases = cases, .codes = cases});
  }
  {
    replay_books books("compressed_tensors_nvfp4");
    fill(books, [](const std::string&) { return "ct_nvfp4"; });
    books.finish({.cases = 17, .codes = 17, .packed = 17});
  }
  {
    replay_books books("compressed_tensors_pack_int32");
    for (const auto& [label, remark] : books.file.cases()) {
      if (first_part(label) == "pack") {
        books.add(label, {"ct_pack_" + first_part(after_first(label)), books.file.get(label + ".codes")});
      } else {
        const std::string stem = first_part(label) == "asym" ? "ct_int4_asymmetric/" : "ct_int4/";
        books.add(label, {stem + granularity_of(first_part(after_first(label))) + "/pack_int32",
                          books.file.get(label + ".input")});
      }
    }
    books.finish({.cases = 16});
  }
  {
    replay_books books("compressed_tensors_mxfp8");
    fill(books, [](const std::string&) { return "ct_mxfp8"; });
    books.finish({.cases = 9, .codes = 9});
  }
  {
    replay_books books("compressed_tensors_narrow");  // int3_asym.per_group32.bf16, pack.int3.4x32
    for (const auto& [label, remark] : books.file.cases()) {
      const std::string form = first_part(label);
      if (form == "pack") {
        books.add(label, {"ct_pack_" + first_part(after_first(label)) + "/dense", books.file.get(label + ".codes")});
      } else {
        const std::string stem = "ct_" + form.substr(0, 4) + (form.ends_with("_asym") ? "_asymmetric/" : "/");
        books.add(label, {stem + granularity_of(first_part(after_first(label))) + "/pack_dense",
                          books.file.get(label + ".input")});
      }
    }
    books.finish({.cases = 58, .codes = 50, .packed = 50});
  }
}

BOOST_AUTO_TEST_CASE(onnx) {
  for (const auto& [type, cases] :
       {std::pair("int8", 28U), std::pair("uint8", 16U), std::pair("int16", 28U), std::pair("int4", 28U),
        std::pair("uint4", 16U), std::pair("int2", 28U), std::pair("uint2", 16U)}) {
    const std::string name = type;
    replay_books books("onnx_" + name);
    fill(books,
         [&](const std::string& label) { return "onnx_" + name + "/" + granularity_of(first_part(label), true); },
         {"scales", "zero_points"});
    books.finish({.cases = cases, .codes = cases, .packed = name.ends_with("4") || name.ends_with("2") ? cases : 0U});
  }
  const auto floats = [&]<class Format>(std::type_identity<Format>, const std::string& name, std::size_t excused) {
    replay_books books("onnx_" + name);
    fill(books,
         [&](const std::string& label) {
           const std::string options = label.ends_with("saturate0") ? "/saturate0" : "";
           return "onnx_" + name + "/" + granularity_of(first_part(label), true) + options;
         },
         {"scales"});
    // NaN codes of one format, and the tool's departure from its standard, in exactly the codes that it is known for.
    const auto may_differ = [&](const std::string& label, const std::string& part, const tensor& own,
                                const tensor& wanted, const named_tensors& all) {
      const std::vector<float> x = books.file.get(label + ".input").floats();
      const float scale = books.file.get(label + ".scales").floats().at(0);
      tensor documented = all.at("codes");
      if (label.ends_with("saturate0")) {
        for (std::size_t i = 0; i < x.size(); ++i) {
          auto& code = documented.bytes[i];
          code = static_cast<char>(onnxruntime_code<Format>(x[i] / scale, static_cast<std::uint8_t>(code)));
        }
      }
      if (part == "codes") return only_nans_differ<Format>(documented, wanted);
      std::vector<float> values;
      for (const char code : documented.bytes)
        values.push_back(Format::decode(static_cast<std::uint8_t>(code)) * scale);
      return part == "dequant" && own.shape == wanted.shape && differences(values, wanted.floats()) == 0;
    };
    books.finish({.cases = 16, .excused = excused, .codes = 16}, may_differ);
  };
  floats(std::type_identity<qgrain::float8_e4m3fn>{}, "float8e4m3fn", 2);
  floats(std::type_identity<qgrain::float8_e5m2>{}, "float8e5m2", 4);
  floats(std::type_identity<qgrain::float8_e4m3fnuz>{}, "float8e4m3fnuz", 0);
  {
    replay_books books("onnx_float4e2m1");
    fill(books, [](const std::string& label) { return "onnx_float4e2m1/" + granularity_of(first_part(label), true); },
         {"scales"});
    books.finish({.cases = 16, .codes = 16});
  }
  {
    replay_books books("onnx_dynamic_quantize_linear");
    fill(books, [](const std::string&) { return "onnx_dynamic_uint8"; });
    books.finish({.cases = 15});
  }
}

BOOST_AUTO_TEST_CASE(gguf) {
  for (const std::string block : {"q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "bf16", "mxfp4"}) {
    replay_books books("gguf_" + block);
    fill(books, [&](const std::string&) { return "ggml_" + block; });
    books.finish({.cases = 4, .packed = 4});
  }
}

BOOST_AUTO_TEST_CASE(gguf_read_only) {
  const vector_file file("gguf_decode");
  const qgrain::test::scratch_folder folder;
  std::size_t right = 0;
  for (const auto& [label, remark] : file.cases()) {
    std::string block = label;
    std::transform(block.begin(), block.end(), block.begin(),
                   [](char c) { return static_cast<char>(std::tolower(c)); });
    if (block.ends_with("_k")) block.back() = 'K';
    write_tensors(folder.path / "blocks.safetensors", {{label + ".packed", file.get(label + ".packed")}});
    convert::convert_job job;
    job.in = folder.path / "blocks.safetensors";
    job.out = folder.path / "values.safetensors";
    job.recipe = "ggml_" + block;
    job.decode = true;
    job.shape = file.get(label + ".dequant").shape;
    convert::convert_file(job);
    const bool equal = same_data(read_tensors(job.out).at(label + ".dequant"), file.get(label + ".dequant"));
    BOOST_TEST(equal, label);
    right += equal ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE("gguf_decode: " << right << " of " << file.cases().size() << " cases decoded");
  BOOST_TEST(right == 8U);
}

BOOST_AUTO_TEST_CASE(scale_rules) {
  const vector_file file("e8m0_scale_rules");
  const qgrain::test::scratch_folder folder;
  std::size_t right = 0;
  for (const auto& [label, remark] : file.cases()) {
    const std::vector<float> amax = file.get(label + ".amax").floats();
    std::vector<float> x(amax.size() * 32);
    for (std::size_t i = 0; i < amax.size(); ++i) x[i * 32] = amax[i];
    write_tensors(folder.path / "in.safetensors",
                  {{"x", tensor_of("F32", {static_cast<std::int64_t>(amax.size()), 32}, x)}});
    const std::string format = after_first(label);
    convert::convert_job job;
    job.in = folder.path / "in.safetensors";
    job.out = folder.path / "out.safetensors";
    job.recipe = first_part(label) == "gguf" ? "ggml_mxfp4"
                 : first_part(label) == "modelopt"
                     ? (format == "mxfp4" ? "modelopt_mxfp4_packed" : "modelopt_mxfp8_packed")
                     : "torchao_" + format + "/" + first_part(label).substr(8);
    convert::convert_file(job);
    const named_tensors made = read_tensors(job.out);
    std::string own;
    if (job.recipe == "ggml_mxfp4") {
      for (std::size_t i = 0; i < amax.size(); ++i) own += made.at("x.packed").bytes[i * 17];
    } else {
      own = made.at("x.scales").bytes;
    }
    BOOST_TEST((own == file.get(label + ".scales").bytes), label);
    right += own == file.get(label + ".scales").bytes ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE("e8m0_scale_rules: " << right << " of " << file.cases().size() << " cases");
  BOOST_TEST(right == 23U);
}

namespace {

/// The tables of a file of casts: all inputs of one table in one tensor.
struct cast_tables {
  std::size_t tables = 0;
  std::size_t right = 0;
  std::size_t decoded = 0;
  std::size_t departures = 0;  ///< codes that depart from the standard as documented
};

/// Equal codes of 16 bits; the payload of a NaN is left open.
bool same_halves(const std::string& format, const tensor& own, const tensor& wanted) {
  const std::uint16_t infinity = format == "float16" ? 0x7C00 : 0x7F80;
  const auto is_nan = [&](std::uint16_t code) { return (code & 0x7FFFU) > infinity; };
  const auto a = own.as<std::uint16_t>();
  const auto b = wanted.as<std::uint16_t>();
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](std::uint16_t x, std::uint16_t y) { return x == y || (is_nan(x) && is_nan(y)); });
}

template <class RecipeOf, class Departs>
cast_tables run_casts(const std::string& name, const RecipeOf& recipe_of, const Departs& departs) {
  const vector_file file(name);
  const qgrain::test::scratch_folder folder;
  cast_tables counts;
  std::vector<std::uint16_t> all_halves(65536);
  std::iota(all_halves.begin(), all_halves.end(), std::uint16_t{0});
  for (const auto& [label, remark] : file.cases()) {
    if (label.find("patterns") != std::string::npos) continue;
    const std::optional<std::string> recipe = recipe_of(label);
    BOOST_TEST_REQUIRE(recipe.has_value(), label);
    convert::convert_job job;
    job.in = folder.path / "in.safetensors";
    job.out = folder.path / "out.safetensors";
    job.recipe = *recipe;
    const std::set<std::string> parts = file.parts(label);
    for (const auto& [part, dtype] :
         {std::pair("from_float32", "F32"), std::pair("from_bfloat16", "BF16"), std::pair("from_float16", "F16")}) {
      if (!parts.contains(part)) continue;
      const tensor wanted = file.get(label + "." + part);
      const std::string patterns = label.find("int") == std::string::npos ? "patterns.bits" : "int_patterns.bits";
      tensor x = tensor_of(dtype, {65536}, all_halves);
      if (std::string(dtype) == "F32") {
        x = file.get(patterns);
        x.dtype = "F32";
        x.shape = wanted.shape;
        x.bytes.resize(4 * static_cast<std::size_t>(wanted.count()));
      }
      write_tensors(job.in, {{"x", x}});
      convert::convert_file(job);
      const tensor codes = read_tensors(job.out).at("x.codes");
      BOOST_TEST((codes.dtype == wanted.dtype), label << " is " << codes.dtype);
      bool good = codes.bytes.size() == wanted.bytes.size();
      if (codes.dtype == "U16") good = same_halves(label, codes, wanted);
      for (std::size_t i = 0; good && codes.dtype == "U8" && i < codes.bytes.size(); ++i) {
        if (codes.bytes[i] == wanted.bytes[i]) continue;
        good = departs(label, static_cast<std::uint8_t>(wanted.bytes[i]));
        ++counts.departures;
      }
      BOOST_CHECK_MESSAGE(good, name << ' ' << label << ' ' << part << " differ");
      ++counts.tables;
      counts.right += good ? 1U : 0U;
    }
    if (!parts.contains("decode")) continue;
    const tensor values = file.get(label + ".decode");
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(values.count()));
    std::iota(codes.begin(), codes.end(), std::uint8_t{0});
    write_tensors(job.in, {{"x.codes", tensor_of("U8", values.shape, codes)}});
    job.decode = true;
    convert::convert_file(job);
    const bool equal = same_data(read_tensors(job.out).at("x.dequant"), values);
    BOOST_CHECK_MESSAGE(equal, name << ' ' << label << ": decoded values differ");
    counts.decoded += equal ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE(name << ": " << counts.right << " of " << counts.tables << " tables equal, " << counts.decoded
                          << " tables decoded, " << counts.departures << " codes as the tool's documented defects");
  return counts;
}

bool never(const std::string&, std::uint8_t) { return false; }

/// "float8e4m3fn.saturate1", "float8e8m0.down.saturate0" as a cast of the catalogue.
std::string onnx_cast(const std::string& label, const std::string& tool) {
  const std::string saturate = label.substr(label.rfind('.') + 1);
  if (label.starts_with("float8e8m0.")) {
    const std::string way = first_part(after_first(label));
    return "cast/float8_e8m0fnu/" + tool + "/" + saturate + "/" + way;
  }
  std::string format = first_part(label);
  return "cast/" + format.insert(6, "_") + "/" + tool + "/" + saturate;
}

[[maybe_unused]] std::uint64_t fnv1a(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (std::size_t i = 0; i < count; ++i) h = (h ^ bytes[i]) * 0x100000001b3ULL;
  return h;
}

}  // namespace

BOOST_AUTO_TEST_CASE(casts) {
  const cast_tables ml = run_casts(
      "cast_ml_dtypes",
      [](const std::string& label) -> std::optional<std::string> {
        return "cast/" + label + (label.find("int") == std::string::npos ? "" : "/ml_dtypes");
      },
      never);
  BOOST_TEST(ml.tables == 38U);
  BOOST_TEST(ml.right == 38U);
  BOOST_TEST(ml.decoded == 14U);
  const cast_tables torch = run_casts(
      "cast_torch", [](const std::string& label) -> std::optional<std::string> { return "cast/" + label + "/torch"; },
      never);
  BOOST_TEST(torch.tables == 5U);
  BOOST_TEST(torch.right == 5U);
  BOOST_TEST(torch.decoded == 5U);
  const cast_tables onnx = run_casts(
      "cast_onnx",
      [](const std::string& label) -> std::optional<std::string> { return onnx_cast(label, "onnxruntime"); },
      [](const std::string& label, std::uint8_t code) {
        return (label == "float8e4m3fn.saturate0" && (code & 0x7FU) == 0x7E) ||
               (label == "float8e5m2.saturate0" && (code & 0x7FU) == 0x7F);
      });
  BOOST_TEST(onnx.tables == 18U);
  BOOST_TEST(onnx.right == 18U);
  BOOST_TEST(onnx.departures == 78U);  // 20 + 16 of e4m3fn, 10 + 32 of e5m2
  const cast_tables reference = run_casts(
      "cast_onnx_reference",
      [](const std::string& label) -> std::optional<std::string> { return onnx_cast(label, "onnx"); }, never);
  BOOST_TEST(reference.tables == 10U);
  BOOST_TEST(reference.right == 10U);
}

// One of the 256 digests of each format: the others need 2^32 casts each and are the format tests' business.
#ifndef QGRAIN_SANITIZED  // 100 million casts by the code of the case above
BOOST_AUTO_TEST_CASE(cast_digests) {
  constexpr std::uint32_t slice = 0x3F;  // around 1
  const vector_file file("cast_ml_dtypes_full_float32");
  const qgrain::test::scratch_folder folder;
  std::vector<std::uint32_t> patterns(std::size_t{1} << 24U);
  std::iota(patterns.begin(), patterns.end(), slice << 24U);
  write_tensors(folder.path / "in.safetensors", {{"x", tensor_of("F32", {1 << 24}, patterns)}});
  std::size_t right = 0;
  for (const auto& [label, remark] : file.cases()) {
    convert::convert_job job;
    job.in = folder.path / "in.safetensors";
    job.out = folder.path / "out.safetensors";
    job.recipe = "cast/" + label;
    convert::convert_file(job);
    const tensor codes = read_tensors(job.out).at("x.codes");
    std::vector<std::uint64_t> digests;
    for (std::size_t block = 0; block < 4096; ++block) {
      digests.push_back(fnv1a(reinterpret_cast<const std::uint8_t*>(codes.bytes.data()) + block * 4096, 4096));
    }
    const std::uint64_t digest = fnv1a(reinterpret_cast<const std::uint8_t*>(digests.data()), digests.size() * 8);
    const bool equal = digest == file.get(label + ".digests").as<std::uint64_t>().at(slice);
    BOOST_TEST(equal, label);
    right += equal ? 1U : 0U;
  }
  BOOST_TEST_MESSAGE("cast_ml_dtypes_full_float32: 1 of 256 digests of " << right << " of 6 formats");
  BOOST_TEST(right == 6U);
}
#endif
