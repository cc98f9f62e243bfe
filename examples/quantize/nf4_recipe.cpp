// ModelOpt's NF4 tensors: groups of levels, and scales that are quantized in groups of their own.
#include <common/number_text.hpp>
#include <quantize/element_operations.hpp>
#include <quantize/granularity.hpp>
#include <quantize/other_recipes.hpp>
#include <quantize/recipe_parts.hpp>

#include <qgrain/core/status.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/modelopt_nf4.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

namespace qgrain::convert {
namespace {

template <class T>
using nf4_in = modelopt_packed_nf4<per_tensor, T>;
constexpr operations_by_type nf4_elements = coding_of<nf4_in<float>, nf4_in<bfloat16>, nf4_in<float16>>;

constexpr index_t usual_group = 64;
constexpr index_t usual_scale_group = 256;

/// The second level: block scales to int8 and back.
struct scale_codes {
  std::vector<float> block_scales;  ///< padded with zeros to whole groups
  std::vector<float> multipliers;
  std::vector<std::int8_t> codes;
};

template <class T>
scale_codes quantize_scales(std::vector<float> scales, float offset, index_t group) {
  using second = double_quantized_scales<T>;
  scale_codes out;
  const auto size = static_cast<std::size_t>(group);
  scales.resize((scales.size() + size - 1) / size * size);
  for (std::size_t first = 0; first < scales.size(); first += size) {
    float absmax = 0.0F;
    for (std::size_t i = first; i < first + size; ++i) absmax = widened(absmax, second::centred(scales[i], offset));
    out.multipliers.push_back(second::multiplier(absmax));
    for (std::size_t i = first; i < first + size; ++i) {
      out.codes.push_back(second::encode(second::centred(scales[i], offset), out.multipliers.back()));
    }
  }
  out.block_scales = std::move(scales);
  return out;
}

template <class T>
std::vector<float> values_of(const std::vector<std::byte>& codes, const std::int8_t* scales,
                             const std::vector<float>& multipliers, float offset, index_t group, index_t scale_group) {
  using second = double_quantized_scales<T>;
  std::vector<float> values;
  values.reserve(codes.size());
  for (std::size_t i = 0; i < codes.size(); ++i) {
    const std::size_t at = i / static_cast<std::size_t>(group);
    const float multiplier = multipliers[at / static_cast<std::size_t>(scale_group)];
    const float level = modelopt_nf4<T>::decode(std::to_integer<std::uint8_t>(codes[i]));
    values.push_back(arithmetic_in<T>::mul(level, second::decode(scales[at], multiplier, offset)));
  }
  return values;
}

/// Calls f with the type of the tensor.
template <class F>
auto in_type(dtype type, const F& f) {
  if (type == dtype::bf16) return f(std::type_identity<bfloat16>{});
  if (type == dtype::f16) return f(std::type_identity<float16>{});
  return f(std::type_identity<float>{});
}

recipe_description described(index_t group, index_t scale_group) {
  recipe_description d;
  d.name = "modelopt_nf4_packed/group" + std::to_string(group) + "/scale" + std::to_string(scale_group);
  d.format = "nf4";
  d.granularity = "group" + std::to_string(group) + " of the flattened tensor";
  d.scale = nf4_elements[0]->scale;
  d.scale += ", as int8 in groups of " + std::to_string(scale_group);
  d.rounding = "nearest level";
  d.tail = "reject";
  d.source = "ModelOpt NF4QTensor";
  d.code_bits = 4;
  d.scale_bits = 8;
  d.bits_per_element = 4 + (8 + 32 / static_cast<double>(scale_group)) / static_cast<double>(group);
  d.takes = {"scale_zeros"};
  d.gives = {"codes", "packed", "scales", "double_scales", "scale_zeros", "block_scales", "dequant"};
  return d;
}

class nf4_recipe final : public recipe {
 public:
  nf4_recipe(std::string name, index_t group, index_t scale_group)
      : name_(std::move(name)), group_(group), scale_group_(scale_group) {}

  [[nodiscard]] recipe_description describe() const override { return described(group_, scale_group_); }

  [[nodiscard]] tensor_parts plan(const tensor_facts& in, const tensor_parts& given) const override {
    require_float(in, name_);
    require_taken(in, given, describe().takes, name_);
    const index_t count = element_count(in.shape);
    const index_t groups = ceil_div(block_count(in), scale_group_);
    if (const host_tensor* zeros = find_part(given, "scale_zeros")) (void)offset_of(in, *zeros);
    return {{"codes", {dtype::u8, {count}, {}}},
            {"packed", {dtype::u8, {packed_bytes(count, 4)}, {}}},
            {"scales", {dtype::i8, {groups, scale_group_}, {}}},
            {"double_scales", {in.type, {groups}, {}}},
            {"scale_zeros", {in.type, {1}, {}}},
            {"block_scales", {in.type, {groups * scale_group_}, {}}},
            {"dequant", {dtype::f32, in.shape, {}}}};
  }

  [[nodiscard]] quantized_tensor quantize(const tensor_facts& facts, const host_tensor& in, const tensor_parts& given,
                                          const run_settings& settings) const override {
    const coding_stage& e = operations_for(nf4_elements, in.type);
    const std::vector<float> x = floats_of(in);
    const index_t blocks = block_count(facts);
    std::vector<float> absmax(static_cast<std::size_t>(blocks));
    for (std::size_t i = 0; i < x.size(); ++i) {
      float& range = absmax[i / static_cast<std::size_t>(group_)];
      range = widened(range, x[i]);
    }
    std::vector<std::byte> stored(static_cast<std::size_t>(blocks * e.stored_bytes));
    e.make_scales(absmax.data(), blocks, 1.0F, stored.data());
    std::vector<std::byte> codes(x.size());
    const shape2d rows{blocks, group_};
    e.encode(settings.where, {x.data(), rows}, {1, group_}, stored.data(), 1.0F, 0, codes.data());
    host_tensor block_scales = make_tensor(dtype_of(e.scale_type), {blocks});
    e.split(stored.data(), blocks, block_scales.bytes.data(), nullptr);
    const std::vector<float> scales = floats_of(block_scales);
    const host_tensor* zeros = find_part(given, "scale_zeros");
    float offset = zeros != nullptr ? offset_of(facts, *zeros) : mean(scales);
    round_to_type(std::span(&offset, 1), in.type);
    const scale_codes second = in_type(
        in.type, [&]<class T>(std::type_identity<T>) { return quantize_scales<T>(scales, offset, scale_group_); });
    const std::vector<float> values = in_type(in.type, [&]<class T>(std::type_identity<T>) {
      return values_of<T>(codes, second.codes.data(), second.multipliers, offset, group_, scale_group_);
    });
    quantized_tensor out;
    const auto count = static_cast<std::int64_t>(x.size());
    const auto groups = static_cast<std::int64_t>(second.multipliers.size());
    out.parts["packed"] = {dtype::u8, {packed_bytes(count, 4)}, pack_rows(codes, count, 4, bit_order::high_first)};
    out.parts["codes"] = {dtype::u8, {count}, std::move(codes)};
    host_tensor& int8_scales = out.parts["scales"] = make_tensor(dtype::i8, {groups, scale_group_});
    std::copy(second.codes.begin(), second.codes.end(), int8_scales.data<std::int8_t>());
    out.parts["double_scales"] = tensor_of(in.type, {groups}, second.multipliers);
    out.parts["scale_zeros"] = tensor_of(in.type, {1}, std::span(&offset, 1));
    out.parts["block_scales"] = tensor_of(in.type, {groups * scale_group_}, second.block_scales);
    out.parts["dequant"] = tensor_of(dtype::f32, in.shape, values);
    return out;
  }

  [[nodiscard]] host_tensor decode(const tensor_facts& facts, const tensor_parts& stored,
                                   const run_settings&) const override {
    const index_t count = element_count(facts.shape);
    const index_t groups = ceil_div(block_count(facts), scale_group_);
    std::vector<std::byte> codes;
    if (const host_tensor* part = find_part(stored, "codes")) {
      const extents flat{count};
      require_shape(facts, "codes", *part, facts.shape, &flat);
      codes = as_type(facts, "codes", *part, dtype::u8).bytes;
      require_levels(facts, codes, part->shape);
    } else {
      const host_tensor packed = as_type(facts, "packed", require_part(facts, stored, "packed", name_), dtype::u8);
      require_shape(facts, "packed", packed, {packed_bytes(count, 4)});
      codes = unpack_rows(packed.bytes, 1, count, 4, bit_order::high_first);
    }
    const host_tensor scales = as_type(facts, "scales", require_part(facts, stored, "scales", name_), dtype::i8);
    const extents flat_scales{groups * scale_group_};
    require_shape(facts, "scales", scales, {groups, scale_group_}, &flat_scales);
    const host_tensor multipliers =
        as_type(facts, "double_scales", require_part(facts, stored, "double_scales", name_), facts.type);
    require_shape(facts, "double_scales", multipliers, {groups});
    require_multipliers(facts, floats_of(multipliers));
    const float offset = offset_of(facts, require_part(facts, stored, "scale_zeros", name_));
    const std::vector<float> values = in_type(facts.type, [&]<class T>(std::type_identity<T>) {
      return values_of<T>(codes, scales.data<std::int8_t>(), floats_of(multipliers), offset, group_, scale_group_);
    });
    return tensor_of(dtype::f32, facts.shape, values);
  }

 private:
  [[nodiscard]] index_t block_count(const tensor_facts& facts) const {
    require_elements(facts);
    const index_t count = element_count(facts.shape);
    if (count % group_ != 0) {
      refuse(facts, std::to_string(count) + " elements are no whole number of groups of " + std::to_string(group_));
    }
    return count / group_;
  }
  [[nodiscard]] static float offset_of(const tensor_facts& facts, const host_tensor& zeros) {
    require_shape(facts, "scale_zeros", zeros, {1});
    const float offset = floats_of(as_type(facts, "scale_zeros", zeros, facts.type)).front();
    if (std::isfinite(offset) || facts.scales == lm::non_finite::allowed) return offset;
    throw error(errc::out_of_range, facts.where + ": \"scale_zeros\" is " +
                                        common::formatted("%.9g", static_cast<double>(offset)) +
                                        ", where a number is needed");
  }
  static void require_levels(const tensor_facts& facts, const std::vector<std::byte>& codes, const extents& shape) {
    const auto fault =
        std::find_if(codes.begin(), codes.end(), [](std::byte c) { return std::to_integer<int>(c) > 15; });
    if (fault == codes.end()) return;
    throw error(errc::out_of_range, facts.where + ": \"codes\" hold " + std::to_string(std::to_integer<int>(*fault)) +
                                        " at " + place_text(shape, fault - codes.begin()) +
                                        ", where nf4 has codes from 0 to 15");
  }
  /// Groups of equal scales have an infinite one.
  static void require_multipliers(const tensor_facts& facts, const std::vector<float>& multipliers) {
    const auto fault = std::find_if_not(multipliers.begin(), multipliers.end(), [&](float m) {
      return m > 0.0F || (std::isnan(m) && facts.scales == lm::non_finite::allowed);
    });
    if (fault == multipliers.end()) return;
    throw error(errc::out_of_range,
                facts.where + ": \"double_scales\" hold " + common::formatted("%.9g", static_cast<double>(*fault)) +
                    " at [" + std::to_string(fault - multipliers.begin()) + "], where a scale is a positive number");
  }
  /// In double; the tool's own order of summation can only be had by giving its result.
  [[nodiscard]] static float mean(const std::vector<float>& scales) {
    double sum = 0.0;
    for (const float s : scales) sum += s;
    return static_cast<float>(sum / static_cast<double>(scales.size()));
  }

  std::string name_;
  index_t group_;
  index_t scale_group_;
};

std::optional<index_t> option(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return std::nullopt;
  const std::string_view digits = text.substr(word.size(), text.find('/', 1) - word.size());
  index_t value = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (fault != std::errc{} || end != digits.data() + digits.size() || value < 1 || value > (index_t{1} << 30)) {
    return std::nullopt;
  }
  text.remove_prefix(word.size() + digits.size());
  return value;
}

}  // namespace

std::unique_ptr<recipe> make_nf4_recipe(std::string_view name) {
  constexpr std::string_view family = "modelopt_nf4_packed";
  if (!name.starts_with(family)) return nullptr;
  std::string_view rest = name.substr(family.size());
  const index_t group = option(rest, "/group").value_or(usual_group);
  const index_t scale_group = option(rest, "/scale").value_or(usual_scale_group);
  if (!rest.empty()) return nullptr;
  return std::make_unique<nf4_recipe>(std::string(name), group, scale_group);
}

recipe_description describe_nf4() { return described(usual_group, usual_scale_group); }

}  // namespace qgrain::convert
