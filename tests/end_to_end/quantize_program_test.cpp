// qgrain-quantize from the outside: what it prints and writes, and how it refuses.
#include <quantize/recipe.hpp>
#include <quantize/vector_replay.hpp>
#include <support/run_program.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace qgrain_test;
using qgrain::testing::program_result;

namespace {

tensor floats(std::vector<std::int64_t> shape, const std::vector<float>& values) {
  tensor t{"F32", std::move(shape), std::string(values.size() * 4, '\0')};
  std::memcpy(t.bytes.data(), values.data(), t.bytes.size());
  return t;
}

std::vector<float> some_values(std::size_t count) {
  std::vector<float> x;
  std::uint32_t state = 7;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525U + 1013904223U;
    x.push_back(static_cast<float>(static_cast<std::int32_t>(state >> 8U) - (1 << 23)) / 1048576.0F);
  }
  return x;
}

/// in.safetensors with "layer.weight" [6, 64], "layer.bias" [64] and "ids" (I32).
struct fixture {
  qgrain::test::scratch_folder folder;
  std::vector<float> weight = some_values(6 * 64);

  fixture() {
    tensor ids{"I32", {2}, std::string(8, '\1')};
    write_tensors(
        file("in"),
        {{"layer.weight", floats({6, 64}, weight)}, {"layer.bias", floats({64}, some_values(64))}, {"ids", ids}});
  }
  [[nodiscard]] std::string file(const std::string& name) const {
    return (folder.path / (name + ".safetensors")).string();
  }
  [[nodiscard]] program_result run(const std::vector<std::string>& arguments) const {
    return qgrain::testing::run_program("qgrain-quantize", arguments, folder.path);
  }
  [[nodiscard]] std::size_t files() const {
    const std::filesystem::directory_iterator all(folder.path);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  /// Must exit with 1, print nothing on standard output and one line holding all `words` on standard error, and leave
  /// no file behind.
  void refused(const std::vector<std::string>& arguments, const std::vector<std::string>& words) const {
    (void)run({"--list", "--recipe", "ggml_q8_0"});  // the files of standard output and error exist from here on
    const std::size_t before = files();
    const program_result result = run(arguments);
    BOOST_TEST(result.exit_code == 1);
    BOOST_TEST(result.out.empty(), result.out);
    BOOST_TEST(std::count(result.err.begin(), result.err.end(), '\n') == 1, result.err);
    for (const std::string& word : words) {
      BOOST_TEST((result.err.find(word) != std::string::npos), result.err << " lacks " << word);
    }
    BOOST_TEST(files() == before);
  }
  [[nodiscard]] std::vector<std::string> to_out(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--in", file("in"), "--out", file("out")});
    return arguments;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(weights_to_codes_and_back, fixture) {
  for (const std::string recipe :
       {"ct_int4_asymmetric/group32", "torchao_mxfp4/ceil", "modelopt_nvfp4_packed", "onnx_int16/axis0/block4",
        "ggml_q5_1", "modelopt_nf4_packed/scale4", "ct_int4/group32/pack_int32", "modelopt_int8_packed/tile4x48",
        "cast/float6_e3m2fn"}) {
    BOOST_TEST_INFO_SCOPE(recipe);
    const program_result made = run(to_out({"--tensor", "*.weight", "--recipe", recipe, "--threads", "2"}));
    BOOST_TEST(made.exit_code == 0, made.err);
    BOOST_TEST((made.out.find("layer.weight  F32 [6, 64]  " + recipe) != std::string::npos), made.out);
    const program_result read = run({"--in", file("out"), "--decode", "--out", file("back")});
    BOOST_TEST(read.exit_code == 0, read.err);
    const named_tensors stored = read_tensors(file("out"));
    const named_tensors values = read_tensors(file("back"));
    BOOST_TEST(values.size() == 1U);
    BOOST_TEST(same_data(values.at("layer.weight.dequant"), stored.at("layer.weight.dequant")));
    const double worst = recipe.starts_with("cast") ? 1.0 : 1.5;
    const std::vector<float> y = values.at("layer.weight.dequant").floats();
    for (std::size_t i = 0; i < y.size(); ++i) BOOST_TEST(std::fabs(y[i] - weight[i]) <= worst);
  }
}

BOOST_FIXTURE_TEST_CASE(any_axis_of_three, fixture) {
  const std::vector<float> x = some_values(2 * 3 * 4);
  write_tensors(file("in"), {{"cube", floats({2, 3, 4}, x)}});
  BOOST_TEST(run(to_out({"--recipe", "onnx_int8/axis1"})).exit_code == 0);
  const named_tensors made = read_tensors(file("out"));
  const std::vector<float> scales = made.at("cube.scales").floats();
  const std::vector<std::int32_t> zeros = made.at("cube.zero_points").as<std::int32_t>();
  const std::vector<std::int8_t> codes = made.at("cube.codes").as<std::int8_t>();
  BOOST_TEST(scales.size() == 3U);
  for (std::size_t axis = 0; axis < 3; ++axis) {
    float least = 0.0F;
    float most = 0.0F;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (i / 4 % 3 != axis) continue;
      least = std::min(least, x[i]);
      most = std::max(most, x[i]);
      const float code =
          std::clamp(std::nearbyint(x[i] / scales[axis]) + static_cast<float>(zeros[axis]), -128.0F, 127.0F);
      BOOST_TEST(code == static_cast<float>(codes[i]));
    }
    BOOST_TEST(scales[axis] == (most - least) / 255.0F);
  }
  BOOST_TEST(run({"--in", file("out"), "--decode", "--out", file("back")}).exit_code == 0);
  BOOST_TEST(same_data(read_tensors(file("back")).at("cube.dequant"), made.at("cube.dequant")));
}

BOOST_FIXTURE_TEST_CASE(codes_of_another_tool_need_a_recipe_and_a_shape, fixture) {
  const vector_file file_of_tool("modelopt_real_nvfp4");
  named_tensors stored;
  for (const char* part : {"packed", "scales", "global_scale"}) {
    stored[std::string("t.") + part] = file_of_tool.get(std::string("normal.f32.") + part);
  }
  write_tensors(file("tool"), stored);
  const std::vector<std::string> in{"--in", file("tool"), "--decode", "--out", file("out")};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), in.begin(), in.end());
    return more;
  };
  refused(in, {"tool.safetensors", "\"t\"", "--recipe"});
  refused(with({"--recipe", "modelopt_nvfp4_packed"}), {"\"t\"", "--shape"});
  refused(with({"--recipe", "modelopt_nvfp4_packed", "--shape", "7x95x"}), {"7x95x"});
  refused(with({"--recipe", "modelopt_nvfp4_packed", "--shape", "7x80"}), {"packed", "336", "280"});
  refused(with({"--recipe", "ct_int8/per_tensor", "--shape", "7x96"}), {"needs \"codes\"", "packed"});
  refused(with({"--recipe", "modelopt_nvfp4", "--shape", "7x96"}), {"fake quantization"});
  BOOST_TEST(run(with({"--recipe", "modelopt_nvfp4_packed", "--shape", "7x96"})).exit_code == 0);
  BOOST_TEST(same_data(read_tensors(file("out")).at("t.dequant"), file_of_tool.get("normal.f32.dequant")));
}

BOOST_FIXTURE_TEST_CASE(given_parts_replace_what_comes_from_the_data, fixture) {
  write_tensors(file("given"), {{"layer.weight.scales", floats({1}, {0.5F})}});
  const std::vector<std::string> base{"--tensor", "layer.weight", "--given", file("given"), "--recipe"};
  const auto with = [&](const std::string& recipe) {
    std::vector<std::string> arguments = to_out(base);
    arguments.push_back(recipe);
    return arguments;
  };
  BOOST_TEST(run(with("ct_int8/per_tensor")).exit_code == 0);
  const named_tensors made = read_tensors(file("out"));
  const std::vector<std::int8_t> codes = made.at("layer.weight.codes").as<std::int8_t>();
  for (std::size_t i = 0; i < codes.size(); ++i) {
    BOOST_TEST(static_cast<float>(codes[i]) == std::nearbyint(weight[i] / 0.5F));
  }
  std::filesystem::remove(file("out"));
  refused(with("ct_int8/per_out_channel"), {"in.safetensors", "layer.weight", "scales", " 1 ", " 6 "});
  refused(with("modelopt_int8/per_tensor"), {"modelopt_int8/per_tensor", "scales", "amax"});
  refused(with("torchao_mxfp4/floor"), {"scales", "F32", "U8"});
  write_tensors(file("given"), {{"layer.weight.amax", floats({3}, {1, 2, 3})}});
  refused(with("modelopt_int8/group32"), {"amax", " 3 ", " 12 "});
  write_tensors(file("given"), {{"layer.weigth.amax", floats({1}, {1})}});
  refused(with("modelopt_int8/per_tensor"), {"given.safetensors", "layer.weight", "layer.weigth.amax"});
}

BOOST_FIXTURE_TEST_CASE(stats_without_output, fixture) {
  const program_result text =
      run({"--in", file("in"), "--tensor", "layer.weight", "--recipe", "ct_int8/per_tensor", "--stats"});
  BOOST_TEST(text.exit_code == 0, text.err);
  for (const char* word : {"mse ", "sqnr_db ", "max_error ", "cosine ", "clipped "}) {
    BOOST_TEST((text.out.find(word) != std::string::npos), text.out);
  }
  BOOST_TEST(run(to_out({"--tensor", "layer.weight", "--recipe", "ct_int8/per_tensor"})).exit_code == 0);
  const std::vector<float> y = read_tensors(file("out")).at("layer.weight.dequant").floats();
  double squares = 0.0;
  double signal = 0.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double e = static_cast<double>(weight[i]) - static_cast<double>(y[i]);
    squares += e * e;
    signal += static_cast<double>(weight[i]) * static_cast<double>(weight[i]);
    largest = std::max(largest, std::fabs(e));
  }
  const program_result json =
      run({"--in", file("in"), "--tensor", "layer.weight", "--recipe", "ct_int8/per_tensor", "--stats", "--json"});
  const boost::json::value report = boost::json::parse(json.out).at("tensors").at(0);
  const auto count = static_cast<double>(y.size());
  BOOST_TEST(report.at("tensor").as_string() == "layer.weight");
  BOOST_TEST(report.at("mse").to_number<double>() == squares / count, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(report.at("sqnr_db").to_number<double>() == 10.0 * std::log10(signal / squares),
             boost::test_tools::tolerance(1e-12));
  BOOST_TEST(report.at("max_error").to_number<double>() == largest);
  BOOST_TEST(report.at("cosine").to_number<double>() > 0.999);
  BOOST_TEST(report.at("clipped").to_number<int>() == 0);
  BOOST_TEST(report.at("stored_bytes").to_number<int>() == 6 * 64 + 4);

  // A range half as large clips.
  float absmax = 0.0F;
  for (const float x : weight) absmax = std::max(absmax, std::fabs(x));
  write_tensors(file("given"), {{"layer.weight.amax", floats({}, {absmax / 2})}});
  const auto beyond = std::count_if(weight.begin(), weight.end(), [&](float x) {
    const float scaled = x * (127.0F / (absmax / 2));
    return scaled > 127.5F || scaled < -128.5F;
  });
  const program_result clipped = run({"--in", file("in"), "--tensor", "layer.weight", "--given", file("given"),
                                      "--recipe", "modelopt_int8/per_tensor", "--stats", "--json"});
  BOOST_TEST(boost::json::parse(clipped.out).at("tensors").at(0).at("clipped").to_number<std::ptrdiff_t>() == beyond);
  BOOST_TEST(beyond > 0);
}

BOOST_FIXTURE_TEST_CASE(the_catalogue, fixture) {
  const program_result text = run({"--list"});
  const program_result json = run({"--list", "--json"});
  BOOST_TEST(text.exit_code == 0);
  BOOST_TEST(json.exit_code == 0);
  const boost::json::array rows = boost::json::parse(json.out).as_array();
  BOOST_TEST(static_cast<std::size_t>(std::count(text.out.begin(), text.out.end(), '\n')) == rows.size() + 1);
  BOOST_TEST(rows.size() > 300U);
  for (const boost::json::value& row : rows) {
    std::string name(row.at("name").as_string());
    BOOST_TEST_INFO_SCOPE(name);
    BOOST_TEST((text.out.find(name) != std::string::npos));
    for (const char* key : {"format", "granularity", "scale", "rounding", "tail", "source"}) {
      BOOST_TEST(row.at(key).is_string());
    }
    BOOST_TEST(!row.at("gives").as_array().empty());
    const std::size_t open = name.find("<granularity>");
    const bool flat = row.at("granularity").as_string().starts_with("group<N>");
    if (open != std::string::npos) name.replace(open, 13, flat ? "group32" : "tile8x16");
    const auto found = qgrain::convert::find_recipe(name);
    BOOST_TEST((found->describe().format == row.at("format").as_string()));
  }
  const program_result one = run({"--list", "--json", "--recipe", "ct_int4_asymmetric/group32"});
  const boost::json::value row = boost::json::parse(one.out).at(0);
  BOOST_TEST(row.at("bits_per_element").to_number<double>() == 4 + 40.0 / 32);
  BOOST_TEST(row.at("takes").as_array().size() == 2U);
}

BOOST_AUTO_TEST_CASE(names_of_recipe_types) {
  for (const char* name : {"mxfp4_ocp",
                           "mxfp4_even",
                           "mxfp4_rceil",
                           "mxfp4_modelopt",
                           "mxfp4_modelopt_packed",
                           "mxfp6_e2m3_ocp",
                           "mxfp6_e2m3_rceil",
                           "mxfp6_e3m2_ocp",
                           "mxfp6_e3m2_rceil",
                           "mxfp8_e4m3_ocp",
                           "mxfp8_e4m3_rceil",
                           "mxfp8_e4m3_modelopt",
                           "mxfp8_e5m2_ocp",
                           "mxfp8_e5m2_rceil",
                           "mxint8_rceil",
                           "nvfp4_modelopt",
                           "nvfp4_modelopt_kernel",
                           "nvfp4_torchao",
                           "nvfp4_torchao_one_level",
                           "ct_nvfp4",
                           "ct_int8/per_out_channel",
                           "ct_int8/per_token",
                           "ct_int8_asymmetric/per_token",
                           "ct_int4/group128",
                           "ct_int4_asymmetric/group128",
                           "ct_fp8/per_out_channel",
                           "torchao_int8/per_token",
                           "torchao_int8_asymmetric/per_token",
                           "torchao_int4_unclipped/group32",
                           "torchao_int4_asymmetric/group32",
                           "modelopt_int4_packed/group128",
                           "modelopt_int8_packed/per_out_channel",
                           "modelopt_fp8_packed/per_tensor",
                           "onnx_int8/per_out_channel",
                           "onnx_uint4/group32",
                           "onnx_dynamic_uint8",
                           "deepseek_fp8/group128",
                           "deepseek_fp8/tile128x128",
                           "int8/per_out_channel",
                           "fp8/tile128x128"}) {
    BOOST_TEST((qgrain::convert::find_recipe(name) != nullptr), name);
  }
}

BOOST_FIXTURE_TEST_CASE(bad_input_is_refused_before_work_starts, fixture) {
  const auto on_weight = [&](const std::string& recipe) {
    return to_out({"--tensor", "layer.weight", "--recipe", recipe});
  };
  refused({}, {"--in"});
  refused(to_out({}), {"--recipe", "--list"});
  refused({"--in", file("in"), "--recipe", "ct_int8/per_tensor"}, {"--out", "--stats"});
  refused(on_weight("ct_int8/per_tensr"), {"unknown recipe \"ct_int8/per_tensr\"", "did you mean ct_int8/per_tensor"});
  refused(on_weight("torchao_mxpf4/floor"), {"torchao_mxfp4/floor"});
  refused(on_weight("xyz"), {"unknown recipe \"xyz\"", "--list"});
  refused(on_weight("ct_int8"), {"ct_int8 needs a granularity", "group<N>"});
  refused(on_weight("modelopt_nvfp4/per_tensor"), {"modelopt_nvfp4", "group<N>", "per_tensor"});
  refused(on_weight("ggml_q4_K"), {"ggml_q4_K", "--decode"});
  refused(to_out({"--tensor", "layer.wieght", "--recipe", "ct_int8/per_tensor"}),
          {"in.safetensors", "layer.wieght", "did you mean layer.weight"});
  refused(to_out({"--recipe", "ct_int8/per_tensor"}), {"ids", "I32 [2]", "F32, BF16 or F16", "--tensor"});
  refused(on_weight("ct_int8/group128"), {"layer.weight", "group128", "64"});
  refused(on_weight("modelopt_int4_packed/group100"), {"group100", "384"});
  refused(on_weight("onnx_int8/axis2"), {"axis 2", "2 of them"});
  refused(on_weight("ggml_q4_0/x"), {"unknown recipe"});
  refused(to_out({"--tensor", "layer.bias", "--recipe", "deepseek_fp8/tile128x128"}),
          {"layer.bias", "two axes", "[64]"});
  refused({"--in", file("nowhere"), "--recipe", "ct_int8/per_tensor", "--out", file("out")}, {"nowhere.safetensors"});
  refused(to_out({"--given", file("nowhere"), "--recipe", "ct_int8/per_tensor"}), {"nowhere.safetensors"});
  refused({"--in", file("in"), "--tensor", "layer.*", "--recipe", "ct_int8/per_tensor", "--out", file("in")},
          {"in.safetensors", "--out", "--in"});
  refused({"--in", file("in"), "--tensor", "layer.*", "--recipe", "ct_int8/per_tensor", "--out",
           (folder.path / "no" / "out.safetensors").string()},
          {"no/out.safetensors"});
  refused({"--in", file("in"), "--tensor", "layer.*", "--recipe", "ct_int8/per_tensor", "--out", folder.path.string()},
          {folder.path.string(), "folder"});
  refused(to_out({"--decode"}), {"nothing to decode", "in.safetensors"});
  const std::string whole = [&] {
    std::ifstream stream(file("in"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }();
  for (const std::size_t length : {std::size_t{4}, std::size_t{40}, whole.size() - 10}) {
    std::ofstream(file("cut"), std::ios::binary) << whole.substr(0, length);
    refused({"--in", file("cut"), "--recipe", "ct_int8/per_tensor", "--out", file("out")},
            {"cut.safetensors", std::to_string(length)});
  }
}

// Folders and GGUF files say themselves how they are coded; values are those of another reader.
BOOST_AUTO_TEST_CASE(weights_of_containers_are_listed_and_decoded) {
  const fixture f;
  const std::filesystem::path exports = std::filesystem::path(QGRAIN_SOURCE_DIR) / "tests/data/export";
  const named_tensors wanted = read_tensors(exports / "rows_of_weights.safetensors");
  std::size_t weights = 0;
  for (const std::string place : {"compressed-tensors/q3s-W4A16-ASYM-G64", "compressed-tensors/q3s-NVFP4",
                                  "compressed-tensors/q3s-mix", "modelopt/q3s-FP8", "modelopt/q3s-auto"}) {
    const program_result result = f.run({"--in", (exports / place).string(), "--decode", "--tensor", "*_proj.weight",
                                         "--out", f.file("values"), "--threads", "2"});
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    const named_tensors made = read_tensors(f.file("values"));
    BOOST_TEST(made.size() == (place == "compressed-tensors/q3s-mix" ? 13U : 14U));
    for (const auto& [name, rows] : wanted) {
      if (!name.starts_with(place + "/")) continue;
      const tensor& values = made.at(name.substr(place.size() + 1) + ".dequant");
      const std::vector<float> all = values.floats();
      const auto cols = static_cast<std::size_t>(values.shape.at(1));
      std::vector<float> found(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(2 * cols));
      found.insert(found.end(), all.end() - static_cast<std::ptrdiff_t>(cols), all.end());
      BOOST_TEST(differences(found, rows.floats()) == 0U, name);
      ++weights;
    }
  }
  BOOST_TEST(weights == 15U);
  const auto listed = [&](const std::string& place, const std::string& weight) {
    const program_result result = f.run({"--in", (exports / place).string(), "--list", "--tensor", weight, "--json"});
    BOOST_TEST_REQUIRE(result.exit_code == 0, result.err);
    const boost::json::value row = boost::json::parse(result.out).as_array().at(0);
    return std::pair(std::string(row.at("stored_as").as_string()), row.at("bits_per_element").to_number<double>());
  };
  const std::string gate = "model.layers.1.mlp.gate_proj.weight";
  // 4 bits, 16 of a scale and 4 of a zero point for 64 columns, two numbers of the shape.
  const auto [int4, int4_bits] = listed("compressed-tensors/q3s-W4A16-ASYM-G64", gate);
  BOOST_TEST(int4 == "int4 in words, BF16 scales of 1x64, zero points");
  BOOST_TEST(int4_bits == 4 + 20 / 64.0 + 128 / (256.0 * 128));
  const auto [nvfp4, nvfp4_bits] = listed("modelopt/q3s-auto", gate);
  BOOST_TEST(nvfp4 == "float4_e2m1fn in pairs, F8_E4M3 scales of 1x16 and one of all");
  BOOST_TEST(nvfp4_bits == 4.5 + 32 / (256.0 * 128));
  BOOST_TEST(listed("gguf/q3s-Q4_0.gguf", gate).first == "Q4_0");
  BOOST_TEST(listed("gguf/q3s-Q4_0.gguf", gate).second == 4.5);
  f.refused({"--in", (exports / "base/q3s").string(), "--decode", "--out", f.file("y")}, {"no coded weights"});
  f.refused({"--in", (exports / "modelopt/q3s-FP8").string(), "--decode", "--recipe", "ct_int4", "--out", f.file("y")},
            {"--recipe is for safetensors files"});
  f.refused({"--in", (exports / "modelopt/q3s-FP8").string(), "--decode", "--tensor", "x", "--out", f.file("y")},
            {"no coded weight matches"});
  f.refused({"--in", f.file("in"), "--list"}, {"--list --in shows the weights of a model folder or a GGUF file"});
}
