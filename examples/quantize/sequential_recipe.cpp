// ModelOpt's W4A8: int4 in groups of 128, then fp8 per tensor, both ranges from the input.
#include <quantize/coded_family.hpp>
#include <quantize/coded_recipe.hpp>
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <memory>

namespace qgrain::convert {
namespace {

constexpr std::string_view family_name = "modelopt_w4a8";

const coded_family& family_of(std::string_view name) {
  const auto families = modelopt_fake_families();
  return *std::find_if(families.begin(), families.end(), [&](const coded_family& f) { return f.name == name; });
}

recipe_description described() {
  recipe_description d;
  d.name = family_name;
  d.format = "int4, float8_e4m3fn";
  d.granularity = "group128, per_tensor";
  d.scale = "absmax_f32_ratio, absmax_f32_reciprocal";
  d.rounding = "nearest_even";
  d.tail = "zero padding";
  d.source = "ModelOpt SequentialQuantizer";
  d.code_bits = 4;
  d.scale_bits = 32;
  d.tensor_bits = 32;
  d.bits_per_element = 4.25;
  d.takes = {"amax_int4", "amax_fp8"};
  d.gives = {"amax_int4", "amax_fp8", "middle", "dequant"};
  return d;
}

class w4a8_recipe final : public recipe {
 public:
  w4a8_recipe()
      : first_("modelopt_int4/group128", family_of("modelopt_int4"), *parse_granularity("group128")),
        second_("modelopt_fp8/per_tensor", family_of("modelopt_fp8"), {}) {}

  [[nodiscard]] recipe_description describe() const override { return described(); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    require_taken(in, given, described().takes, family_name);
    tensor_parts parts;
    parts["amax_int4"] = first_.plan(in, part_as_amax(given, "amax_int4")).at("amax");
    parts["amax_fp8"] = second_.plan(in, part_as_amax(given, "amax_fp8")).at("amax");
    parts["amax_fp8"].shape = {1};
    parts["middle"] = {dtype::f32, in.shape, {}};
    parts["dequant"] = {dtype::f32, in.shape, {}};
    return parts;
  }

  [[nodiscard]] quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts& given,
                                          const run_settings& settings) const override {
    const auto step = [&](const coded_recipe& r, const host_tensor& x, const tensor_parts& amax) {
      return r.quantize(facts, x, amax, settings);
    };
    tensor_parts whole = part_as_amax(given, "amax_fp8");
    if (whole.empty()) {
      const std::vector<float> x = floats_of(in);
      float absmax = 0.0F;
      for (const float value : x) absmax = widened(absmax, value);
      whole["amax"] = tensor_of(in.type, {1}, std::span(&absmax, 1));
    }
    quantized_tensor first = step(first_, in, part_as_amax(given, "amax_int4"));
    const host_tensor middle = tensor_of(in.type, in.shape, floats_of(first.parts.at("dequant")));
    quantized_tensor second = step(second_, middle, whole);
    quantized_tensor out;
    out.clipped = first.clipped;
    out.parts["amax_int4"] = std::move(first.parts.at("amax"));
    out.parts["amax_fp8"] = std::move(whole.at("amax"));
    out.parts["middle"] = std::move(first.parts.at("dequant"));
    out.parts["dequant"] = std::move(second.parts.at("dequant"));
    return out;
  }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings& settings) const override {
    return first_.decode(facts, stored, settings);  // refuses: fake quantization keeps no codes
  }

 private:
  static tensor_parts part_as_amax(const tensor_parts& given, std::string_view name) {
    const host_tensor* part = find_part(given, name);
    return part == nullptr ? tensor_parts{} : tensor_parts{{"amax", *part}};
  }

  coded_recipe first_;
  coded_recipe second_;
};

}  // namespace

std::unique_ptr<recipe> make_w4a8_recipe(std::string_view name) {
  return name == family_name ? std::make_unique<w4a8_recipe>() : nullptr;
}

recipe_description describe_w4a8() { return described(); }

}  // namespace qgrain::convert
