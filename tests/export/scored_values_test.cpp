// Folders of the sweep's recipes hold the values that were scored, read by the formulas of the containers; those of
// compressed-tensors' rules without a golden folder hold the bytes that its formulas give. Input scales are folded into
// what is before, and the model says what the mix says.
#include <lm/lm_support.hpp>
#include <quantize/host_tensor.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/format/float4.hpp>
#include <qgrain/format/float8.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <export/choices/choices.hpp>
#include <export/export_support.hpp>
#include <export/gguf/gguf_export.hpp>
#include <export/plan/input_folds.hpp>
#include <export/verify/verify.hpp>
#include <fstream>

namespace {

namespace fs = std::filesystem;
using namespace qgrain::lm;
using namespace qgrain::lm::testing;
using namespace qgrain::exports;
using namespace qgrain::exports::testing;

struct matrix_of_floats {
  qgrain::shape2d shape;
  std::vector<float> values;
};

matrix_of_floats weight_of(const model& m, const std::string& linear) {
  const tensor_info& tensor = *m.tensors().find(linear + ".weight");
  matrix_of_floats w{{tensor.shape[0], tensor.shape[1]},
                     std::vector<float>(static_cast<std::size_t>(tensor.elements()))};
  m.tensors().read(tensor.name, 0, w.values);
  return w;
}

// By the sweep's recipe; range: of the tensor where the recipe asks for it.
std::vector<float> scored(const std::string& name, const matrix_of_floats& w, float range) {
  const qgrain::fake_recipe recipe = qgrain::recipes::find_fake_recipe(name);
  std::vector<float> out(w.values.size());
  std::vector<float> ranges;
  if (recipe.range_count(w.shape.cols) > 0) ranges.push_back(range);
  qgrain::fake_quantize(recipe, {w.values.data(), w.shape}, {out.data(), w.shape}, ranges);
  return out;
}

float largest(const std::vector<float>& values) {
  float most = 0;
  for (const float v : values) most = std::max(most, std::fabs(v));
  return most;
}

// One Linear of a folder by the rules of export.md's tables: values = codes times scales.
class reader {
 public:
  reader(const fs::path& folder, const std::string& linear)
      : file_(folder / "model.safetensors"),
        linear_(linear),
        codes_(&at(has("weight_packed") ? "weight_packed" : "weight")),
        scales_(&at(has("weight_scale_inv") ? "weight_scale_inv" : "weight_scale")),
        code_bytes_(bytes_of_tensor(file_, *codes_)),
        scale_bytes_(bytes_of_tensor(file_, *scales_)) {
    if (scales_->type == dtype::f32) scale_values_ = floats_of(file_, scales_->name);
  }

  std::vector<float> values(qgrain::shape2d shape, int bits) const {
    std::vector<float> out(static_cast<std::size_t>(shape.elements()));
    const tensor_info& scale = *scales_;
    const float whole = tensor_scale();
    const std::int64_t count = scale.elements();
    std::int64_t rows = scale.shape.empty() ? 1 : scale.shape[0];
    const std::int64_t cols = count / rows;
    if (count == 1) rows = 1;
    const std::int64_t tall = rows == shape.rows ? 1 : rows == 1 ? shape.rows : 128;
    const std::int64_t wide = tall > 1 && count > 1 ? 128 : qgrain::ceil_div(shape.cols, cols);
    for (std::int64_t r = 0; r < shape.rows; ++r) {
      for (std::int64_t c = 0; c < shape.cols; ++c)
        out[static_cast<std::size_t>(r * shape.cols + c)] =
            code(r, c, shape.cols, bits) * scale_at(scale, r / tall * cols + c / wide) * whole;
    }
    return out;
  }

 private:
  bool has(const std::string& suffix) const { return file_.find(linear_ + "." + suffix) != nullptr; }
  const tensor_info& at(const std::string& suffix) const { return file_.at(linear_ + "." + suffix); }

  static std::uint8_t byte(const std::vector<std::byte>& bytes, std::int64_t i) {
    return std::to_integer<std::uint8_t>(bytes[static_cast<std::size_t>(i)]);
  }

  float scale_at(const tensor_info& scale, std::int64_t i) const {
    if (scale.type == dtype::f8_e4m3) return qgrain::float8_e4m3fn::decode(byte(scale_bytes_, i));
    if (scale.type == dtype::u8) return std::ldexp(1.0F, byte(scale_bytes_, i) - 127);
    return scale_values_[static_cast<std::size_t>(i)];
  }

  float tensor_scale() const {
    if (has("weight_global_scale")) return 1.0F / floats_of(file_, linear_ + ".weight_global_scale").front();
    if (has("weight_scale_2")) return floats_of(file_, linear_ + ".weight_scale_2").front();
    return 1.0F;
  }

  float code(std::int64_t r, std::int64_t c, std::int64_t cols, int bits) const {
    if (codes_->type == dtype::f8_e4m3) return qgrain::float8_e4m3fn::decode(byte(code_bytes_, r * cols + c));
    if (codes_->type == dtype::i8) return static_cast<float>(static_cast<std::int8_t>(byte(code_bytes_, r * cols + c)));
    if (codes_->type == dtype::u8)
      return qgrain::float4_e2m1fn::decode(
          static_cast<std::uint8_t>(byte(code_bytes_, (r * cols + c) / 2) >> (c % 2 == 0 ? 0 : 4) & 15));
    // Words: bits of a row one after the other, the lowest first.
    const std::int64_t row_bytes = codes_->shape[1] * 4;
    int code = 0;
    for (int b = 0; b < bits; ++b) {
      const std::int64_t bit = c * bits + b;
      code |= (byte(code_bytes_, r * row_bytes + bit / 8) >> bit % 8 & 1) << b;
    }
    return static_cast<float>(code - (1 << (bits - 1)));
  }

  safetensors_file file_;
  std::string linear_;
  const tensor_info* codes_;
  const tensor_info* scales_;
  std::vector<std::byte> code_bytes_;
  std::vector<std::byte> scale_bytes_;
  std::vector<float> scale_values_;
};

void check(const model& m, target to, const std::string& weight, const std::string& activation, int bits = 0) {
  BOOST_TEST_CONTEXT(name_of(to) << ", " << weight << "; " << activation) {
    const temporary_folder folder;
    std::vector<layer_choice> choices = by_name(m, {{"_proj", weight}});
    for (layer_choice& choice : choices) {
      if (choice.weight.empty()) continue;
      choice.activation = activation;
      choice.input_amax = {3.0F};
    }
    write(m, choices, {to}, folder.path() / "out", 2);
    const std::string block = "model.layers.1.";
    // Parts of a fused layer share the range of the tensor.
    const float gate_up = std::max(largest(weight_of(m, block + "mlp.gate_proj").values),
                                   largest(weight_of(m, block + "mlp.up_proj").values));
    for (const std::string name : {"mlp.up_proj", "mlp.gate_proj", "mlp.down_proj"}) {
      const matrix_of_floats w = weight_of(m, block + name);
      const float range = name == "mlp.down_proj" ? largest(w.values) : gate_up;
      const std::vector<float> found = reader(folder.path() / "out", block + name).values(w.shape, bits);
      BOOST_TEST(relative_difference(found, scored(weight, w, range)) < 3e-7, name);
    }
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(integers) {
  const model m(base_dir());
  const target ct = target::compressed_tensors;
  for (int bits = 2; bits <= 8; ++bits) {
    check(m, ct, "int" + std::to_string(bits) + "/group32", "", bits);
  }
  check(m, ct, "int3/per_out_channel", "", 3);
  check(m, ct, "int4/group128", "fp8/per_token_dynamic", 4);
  check(m, ct, "int4/group64", "int8/per_token_dynamic");
  check(m, ct, "int8/per_out_channel", "int8/per_token_dynamic");
  check(m, ct, "int8/per_tensor", "int8/per_tensor_static");
}

BOOST_AUTO_TEST_CASE(floats) {
  const model m(base_dir());
  for (const target to : {target::compressed_tensors, target::modelopt}) {
    check(m, to, "fp8/per_tensor", "fp8/per_tensor_static");
    check(m, to, "fp8/per_out_channel", "fp8/per_token_dynamic");
    check(m, to, "fp8/tile128x128", "fp8/group128");
    check(m, to, "nvfp4_modelopt", "nvfp4_modelopt");
    check(m, to, "nvfp4_modelopt", "");
    check(m, to, "mxfp8_e4m3_rceil", "mxfp8_e4m3_rceil");
  }
  check(m, target::deepseek_fp8, "fp8/tile128x128", "fp8/group128");
  for (const std::string recipe : {"mxfp4_ocp", "mxfp4_even", "mxfp4_rceil"}) {
    check(m, target::compressed_tensors, recipe, recipe);
  }
  check(m, target::compressed_tensors, "nvfp4_torchao", "");
}

namespace {

float bf16(float value) {
  qgrain::convert::round_to_type(std::span(&value, 1), dtype::bf16);
  return value;
}

// Codes of a row without gaps, low bits first.
int code_at(const std::vector<std::byte>& words, std::int64_t row_bytes, std::int64_t row, std::int64_t col, int bits) {
  int code = 0;
  for (int b = 0; b < bits; ++b) {
    const std::int64_t bit = col * bits + b;
    const auto byte = static_cast<std::size_t>(row * row_bytes + bit / 8);
    code |= (std::to_integer<int>(words[byte]) >> bit % 8 & 1) << b;
  }
  return code - (1 << (bits - 1));
}

struct wanted_group {
  float scale;
  float zero = 0;
};
// Of one group of 32, every step in the type of the checkpoint.
wanted_group tool_group(std::span<const float> group, int bits, bool symmetric) {
  const auto levels = static_cast<float>((1 << bits) - 1);
  const float most = std::max(*std::max_element(group.begin(), group.end()), 0.0F);
  const float least = std::min(*std::min_element(group.begin(), group.end()), 0.0F);
  if (symmetric) return {bf16(std::max(most, -least) / (levels / 2))};
  const float scale = bf16(bf16(most - least) / levels);
  const auto half = static_cast<float>(1 << (bits - 1));
  return {scale, std::clamp(std::nearbyint(bf16(-half - bf16(least / scale))), -half, half - 1)};
}

void check_narrow_integers(const model& m, int bits, bool symmetric) {
  const std::string scheme = "W" + std::to_string(bits) + (symmetric ? "A16/group32" : "A16_ASYM/group32");
  BOOST_TEST_CONTEXT(scheme) {
    const temporary_folder folder;
    write(m, by_name(m, {{"0.mlp.down_proj", scheme}}), {target::compressed_tensors}, folder.path() / "out");
    const std::string linear = "model.layers.0.mlp.down_proj";
    const matrix_of_floats w = weight_of(m, linear);
    const safetensors_file file(folder.path() / "out/model.safetensors");
    const tensor_info& packed = file.at(linear + ".weight_packed");
    const std::vector<std::byte> words = bytes_of_tensor(file, packed);
    const std::vector<float> scales = floats_of(file, linear + ".weight_scale");
    const std::int64_t groups = w.shape.cols / 32;
    std::vector<std::byte> zeros;
    if (!symmetric) zeros = bytes_of_tensor(file, file.at(linear + ".weight_zero_point"));
    const auto half = static_cast<float>(1 << (bits - 1));
    std::int64_t differing = 0;
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      for (std::int64_t c = 0; c < w.shape.cols; ++c) {
        const std::int64_t g = c / 32;
        const std::span<const float> group(w.values.data() + r * w.shape.cols + g * 32, 32);
        const wanted_group wanted = tool_group(group, bits, symmetric);
        const float quotient = bf16(w.values[static_cast<std::size_t>(r * w.shape.cols + c)] / wanted.scale);
        const float code = std::clamp(std::nearbyint(bf16(quotient + wanted.zero)), -half, half - 1);
        differing += scales[static_cast<std::size_t>(r * groups + g)] != wanted.scale;
        differing += static_cast<float>(code_at(words, packed.shape[1] * 4, r, c, bits)) != code;
        if (symmetric || c % 32 != 0) continue;
        // Words of zero points run along the rows.
        std::vector<std::byte> column;
        for (std::int64_t word = 0; word < qgrain::ceil_div(w.shape.rows * bits, 32); ++word) {
          for (std::int64_t b = 0; b < 4; ++b)
            column.push_back(zeros[static_cast<std::size_t>((word * groups + g) * 4 + b)]);
        }
        differing += static_cast<float>(code_at(column, 0, 0, r, bits)) != wanted.zero;
      }
    }
    BOOST_TEST(differing == 0);
  }
}

}  // namespace

BOOST_AUTO_TEST_CASE(narrow_integers_by_the_rule_of_compressed_tensors) {
  const model m(base_dir());
  for (const int bits : {2, 3, 5, 6, 7}) {
    check_narrow_integers(m, bits, true);
    check_narrow_integers(m, bits, false);
  }
}

// The exponent is that of the bfloat16 absmax plus 2^(m - 2) units in its last place, without the mantissa, less 8.
BOOST_AUTO_TEST_CASE(mxfp8_by_the_rule_of_compressed_tensors) {
  const model m(base_dir());
  const temporary_folder folder;
  write(m, by_name(m, {{"_proj", "MXFP8"}}), {target::compressed_tensors}, folder.path() / "out", 2);
  const safetensors_file file(folder.path() / "out/model.safetensors");
  for (const std::string linear : {"model.layers.0.mlp.down_proj", "model.layers.1.self_attn.q_proj"}) {
    const matrix_of_floats w = weight_of(m, linear);
    const std::vector<std::byte> scales = bytes_of_tensor(file, file.at(linear + ".weight_scale"));
    const std::vector<std::byte> codes = bytes_of_tensor(file, file.at(linear + ".weight"));
    std::int64_t differing = 0;
    for (std::size_t g = 0; g < scales.size(); ++g) {
      const std::vector<float> group(w.values.data() + g * 32, w.values.data() + g * 32 + 32);
      const float absmax = largest(group);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &absmax, sizeof bits);
      const std::uint32_t exponent = ((bits >> 16) + (1U << 5)) >> 7;
      differing += std::to_integer<std::uint32_t>(scales[g]) != exponent - 8;
      for (std::size_t i = 0; i < 32; ++i) {
        const float quotient = std::ldexp(group[i], 127 - static_cast<int>(exponent - 8));
        differing +=
            std::to_integer<std::uint8_t>(codes[g * 32 + i]) != qgrain::float8_e4m3fn::encode_saturated(quotient);
      }
    }
    BOOST_TEST(differing == 0, linear);
  }
}

namespace {

// Not the same for any two channels of a head.
std::vector<float> some_scale(std::int64_t channels, std::int64_t period) {
  std::vector<float> scale;
  for (std::int64_t c = 0; c < channels; ++c) scale.push_back(0.4F + 0.07F * static_cast<float>(c % period));
  return scale;
}

// Of all Linears of the blocks; scales by the end of a name.
void write_mix(const fs::path& path, const model& m, const std::string& weight,
               const std::map<std::string, std::vector<float>>& scales) {
  boost::json::object linears;
  for (const linear_info& linear : m.linears()) {
    if (linear.name == "lm_head") continue;
    boost::json::object entry{{"weight", weight}};
    for (const auto& [end, scale] : scales) {
      if (linear.name.ends_with(end)) entry["input_scale"] = boost::json::value_from(scale);
    }
    linears[linear.name] = std::move(entry);
  }
  std::ofstream(path) << boost::json::object{{"linears", std::move(linears)}};
}

void expect_same_loss(const model& m, const fs::path& written, const fs::path& mix, const fs::path& text) {
  qgrain::thread_pool pool(1);
  const verified_export found = verify_export(m, written, mix, text, pool);
  BOOST_TEST_REQUIRE(found.mix.has_value());
  BOOST_TEST(*found.difference() < 1e-6);
  BOOST_TEST(found.written.mean_divergence > 1e-5);
}

}  // namespace

BOOST_AUTO_TEST_CASE(input_scales_go_into_what_is_before) {
  const model m(base_dir());
  const model_config& c = m.config();
  const temporary_folder folder;
  const fs::path text = folder.path() / "text";
  std::ofstream(text) << "A small dog runs over the green field\nTwo people sit on a bench\n";
  std::map<std::string, std::vector<float>> scales;
  for (const char* part : {"0.self_attn.q_proj", "0.self_attn.k_proj", "0.self_attn.v_proj"})
    scales[part] = some_scale(c.hidden, 31);
  for (const char* part : {"1.mlp.gate_proj", "1.mlp.up_proj"}) scales[part] = some_scale(c.hidden, 17);
  const fs::path mix = folder.path() / "mix.json";
  write_mix(mix, m, "mxfp4_rceil", scales);
  // The norms of a GGUF file are float32 in any case.
  qgrain::thread_pool pool(1);
  const export_plan file = plan_gguf(m, read_choices(mix, m, target::gguf), {});
  BOOST_TEST_REQUIRE(file.refusals.empty(), all_of(file.refusals.sentences));
  (void)write_gguf(m, file, {}, folder.path() / "x.gguf", pool);
  expect_same_loss(m, folder.path() / "x.gguf", mix, text);
  // Up takes the scale of down; v that of o where the heads that share its values agree.
  scales["1.mlp.down_proj"] = some_scale(c.intermediate, 29);
  scales["1.self_attn.o_proj"] = some_scale(c.query_width(), c.head_size);
  write_mix(mix, m, "int4/group32", scales);
  const folder_plan plan = write(m, read_choices(mix, m, target::compressed_tensors), {target::compressed_tensors},
                                 folder.path() / "out", 2);
  BOOST_TEST(all_of(plan.table.notes).find("5 layers (model.layers.0.self_attn.q_proj, ...): the input scale") == 0U);
  const safetensors_file written(folder.path() / "out/model.safetensors");
  BOOST_TEST((written.at("model.layers.0.input_layernorm.weight").type == dtype::f32));
  BOOST_TEST((written.at("model.layers.1.input_layernorm.weight").type == dtype::bf16));
  expect_same_loss(m, folder.path() / "out", mix, text);
  // One scale of a whole tensor has no factors for rows.
  write_mix(mix, m, "nvfp4_modelopt", scales);
  expect_refused(plan_folder(m, read_choices(mix, m, target::modelopt), {target::modelopt}),
                 {"2 layers (model.layers.1.self_attn.o_proj, ...): its input scale belongs into the scales of the "
                  "Linear before"});
  scales["1.self_attn.o_proj"] = some_scale(c.query_width(), c.query_width());
  write_mix(mix, m, "int4/group32", scales);
  expect_refused(plan_folder(m, read_choices(mix, m, target::compressed_tensors), {target::compressed_tensors}),
                 {"model.layers.1.self_attn.o_proj: its input scale differs among the heads"});
}

BOOST_AUTO_TEST_CASE(input_scales_are_refused_where_norms_are_others) {
  const auto refusals = [](const char* family, const std::vector<std::string>& ends) {
    const model m(fs::path(QGRAIN_SOURCE_DIR) / "tests/data/families" / family);
    std::vector<layer_choice> choices(m.linears().size());
    for (std::size_t l = 0; l < choices.size(); ++l) {
      const bool is_scaled = std::any_of(ends.begin(), ends.end(),
                                         [&](const std::string& end) { return m.linears()[l].name.ends_with(end); });
      if (!is_scaled) continue;
      choices[l].weight = "int8/per_out_channel";
      choices[l].input_scale.assign(static_cast<std::size_t>(m.linears()[l].in), 1.5F);
    }
    return all_of(fold_input_scales(m, choices).refusals.sentences());
  };
  const std::vector<std::string> mlp{"mlp.gate_proj", "mlp.up_proj"};
  BOOST_TEST(refusals("gemma", mlp).find("add one to their weights") != std::string::npos);
  BOOST_TEST(refusals("olmo2", mlp).find("no norm stands in front") != std::string::npos);
  BOOST_TEST(refusals("llama-biases", {"mlp.down_proj"}).find("up_proj, which has a bias") != std::string::npos);
  BOOST_TEST(refusals("qwen2", mlp) == "");
}

// Experts and their routers: the weights that were scored come back, whatever the container, and the model runs.
BOOST_AUTO_TEST_CASE(experts_keep_the_scored_values) {
  const fs::path families = fs::path(QGRAIN_SOURCE_DIR) / "tests/data/families";
  const std::vector<std::pair<target, std::string>> folders{{target::compressed_tensors, "int8/per_out_channel"},
                                                            {target::compressed_tensors, "int4/per_out_channel"},
                                                            {target::modelopt, "fp8/per_tensor"},
                                                            {target::deepseek_fp8, "fp8/tile128x128"}};
  for (const char* family : {"qwen3-moe", "mixtral"}) {
    const model m(families / family);
    for (const auto& [to, recipe] : folders) {
      const temporary_folder folder;
      std::vector<layer_choice> choices(m.linears().size());
      for (std::size_t l = 0; l < choices.size(); ++l) {
        if (!m.is_of_expert(static_cast<index_t>(l))) continue;
        choices[l].weight = recipe;
        if (to != target::modelopt) continue;
        choices[l].activation = "fp8/per_tensor_static";
        choices[l].input_amax = {1.0F};
      }
      const folder_plan plan = write(m, choices, {to}, folder.path() / "out");
      BOOST_TEST_REQUIRE(plan.table.refusals.empty(), all_of(plan.table.refusals.sentences));
      const model back(folder.path() / "out");
      BOOST_TEST_REQUIRE(back.linears().size() == m.linears().size());
      for (std::size_t l = 0; l < choices.size(); ++l) {
        const bool is_tied = m.config().tied_head && static_cast<index_t>(l) == m.head_linear();
        if (is_tied) continue;
        const std::string& name = m.linears()[l].name;
        const matrix_of_floats w = weight_of(m, name);
        float range = largest(w.values);
        for (const std::size_t other :
             plan.codings[l] ? plan.codings[l]->shares_range_with : std::vector<std::size_t>())
          range = std::max(range, largest(weight_of(m, m.linears()[other].name).values));
        const std::vector<float> wanted = plan.codings[l] ? scored(recipe, w, range) : w.values;
        std::vector<float> found(wanted.size());
        back.tensors().read(name + ".weight", 0, found);
        float difference = 0;
        for (std::size_t i = 0; i < found.size(); ++i)
          difference = std::max(difference, std::fabs(found[i] - wanted[i]));
        BOOST_TEST(difference <= 1e-6F * range, family << " " << recipe << " " << name << " " << difference);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(experts_of_a_layer_have_one_scheme) {
  const model m(fs::path(QGRAIN_SOURCE_DIR) / "tests/data/families/qwen3-moe");
  std::vector<layer_choice> choices(m.linears().size());
  for (std::size_t l = 0; l < choices.size(); ++l) {
    if (!m.is_of_expert(static_cast<index_t>(l))) continue;
    choices[l].weight = m.linears()[l].name.find("layers.1.mlp.experts.2.") == std::string::npos
                            ? "int8/per_out_channel"
                            : "int4/per_out_channel";
  }
  expect_refused(
      plan_folder(m, choices, {target::compressed_tensors}),
      {"model.layers.1.mlp.experts: 0.gate_proj is", "2.gate_proj is", "engines make one layer of a layer's experts"});
}
