#include <quantize/recipe_parts.hpp>
#include <recipes/fake_recipes.hpp>

#include <qgrain/core/arithmetic.hpp>
#include <qgrain/format/float8.hpp>

#include <algorithm>
#include <cmath>
#include <export/folder/weight_coder.hpp>

namespace qgrain::exports {
namespace {

constexpr float e4m3_max = float8_e4m3fn::max_finite;
constexpr float nvfp4_range = 6.0F * e4m3_max;
// compressed-tensors' scale of a group of zeros.
constexpr float scale_of_zeros = 1.0F / 8388608.0F;

float rounded(float value, lm::dtype type) {
  convert::round_to_type(std::span(&value, 1), type);
  return value;
}

// The largest code of a symmetric format, as ModelOpt's quantizers scale to it.
float largest_code(const stored_format& f) {
  return f.element == element_kind::fp8 ? e4m3_max : static_cast<float>((1 << (f.bits - 1)) - 1);
}

std::byte fp8_code(float value) { return static_cast<std::byte>(float8_e4m3fn::encode_saturated(value)); }

float largest_magnitude(std::span<const float> values) {
  float most = 0;
  for (const float v : values) most = std::max(most, std::fabs(v));
  return most;
}

}  // namespace

weight_coder::weight_coder(const model_linear& linear, const layer_coding& coding, std::string where, float range)
    : linear_(linear), coding_(coding), where_(std::move(where)), range_(range) {
  if (coding.rule.source == code_source::catalogue) recipe_ = convert::find_recipe(coding.rule.recipe);
  if (coding.rule.source == code_source::scored) scored_ = recipes::find_fake_recipe(coding.rule.recipe);
}

// What an input scale has divided stays as it is but for tools that compute in the checkpoint's type.
lm::dtype weight_coder::value_type() const noexcept {
  return coding_.column_divisors.empty() || coding_.rule.has_own_type ? linear_.type : lm::dtype::f32;
}

convert::tensor_parts weight_coder::given() const {
  convert::tensor_parts parts;
  if (coding_.format.has_tensor_range())
    parts.emplace("amax", convert::tensor_of(lm::dtype::f32, {1}, std::span(&range_, 1)));
  return parts;
}

coded_rows weight_coder::code(std::span<const float> values, std::int64_t first_row) const {
  return coding_.rule.source == code_source::scored ? code_scored(values, first_row) : code_by_catalogue(values);
}

coded_rows weight_coder::code_by_catalogue(std::span<const float> values) const {
  const convert::extents shape{static_cast<std::int64_t>(values.size()) / linear_.cols, linear_.cols};
  const convert::host_tensor in = convert::tensor_of(value_type(), shape, values);
  convert::tensor_parts parts = recipe_->quantize({where_, value_type(), shape}, in, given(), {}).parts;
  const stored_format& f = coding_.format;
  const bool is_fp4 = f.element == element_kind::nvfp4 || f.element == element_kind::mxfp4;
  coded_rows coded;
  coded.codes = std::move(parts.at(is_fp4 ? "packed" : "codes").bytes);
  const convert::host_tensor& scales = parts.at("scales");
  if (convert::is_float(scales.type)) {
    coded.scales = convert::floats_of(scales);
  } else {
    coded.scale_codes = scales.bytes;
  }
  if (!f.symmetric) coded.zero_points = convert::integers_of(parts.at("zero_points"), where_);
  return coded;
}

// Groups have scales of float32 that give the scored values back, but for the last bit of a product.
coded_rows weight_coder::code_scored(std::span<const float> values, std::int64_t first_row) const {
  const shape2d shape{static_cast<index_t>(values.size()) / linear_.cols, linear_.cols};
  const stored_format& f = coding_.format;
  std::vector<float> fake(values.size());
  const std::span<const float> ranges =
      f.has_tensor_range() ? std::span<const float>(&range_, 1) : std::span<const float>();
  fake_quantize(*scored_, {values.data(), shape}, {fake.data(), shape}, ranges, first_row);
  const shape2d group = scored_->groups.group_shape(shape);
  const shape2d groups{ceil_div(shape.rows, group.rows), ceil_div(shape.cols, group.cols)};
  coded_rows coded;
  coded.codes.resize(values.size());
  for (index_t g = 0; g < groups.elements(); ++g) {
    const index_t top = g / groups.cols * group.rows;
    const index_t left = g % groups.cols * group.cols;
    const index_t bottom = std::min(top + group.rows, shape.rows);
    const auto width = static_cast<std::size_t>(std::min(left + group.cols, shape.cols) - left);
    const auto row_of = [&](index_t r) { return static_cast<std::size_t>(r * shape.cols + left); };
    float absmax = f.has_tensor_range() ? range_ : 0.0F;
    for (index_t r = top; r < bottom && !f.has_tensor_range(); ++r)
      absmax = std::max(absmax, largest_magnitude(values.subspan(row_of(r), width)));
    const float scale = absmax > 0 ? div_rn(absmax, largest_code(f)) : scale_of_zeros;
    const bool has_factor = !coding_.row_factors.empty();  // groups lie in one row then
    coded.scales.push_back(has_factor ? scale * coding_.row_factors[static_cast<std::size_t>(first_row + top)] : scale);
    for (index_t r = top; r < bottom; ++r) {
      for (std::size_t i = row_of(r); i < row_of(r) + width; ++i) {
        const double code = static_cast<double>(fake[i]) / static_cast<double>(scale);
        coded.codes[i] = f.element == element_kind::fp8 ? fp8_code(static_cast<float>(code))
                                                        : static_cast<std::byte>(std::lrint(code));
      }
    }
  }
  return coded;
}

// What a recipe makes of a range does not depend on the elements.
float weight_coder::recipe_tensor_scale() const {
  const std::vector<float> zeros(16, 0.0F);
  const convert::extents shape{1, 16};
  const convert::host_tensor in = convert::tensor_of(value_type(), shape, zeros);
  return *recipe_->quantize({where_, value_type(), shape}, in, given(), {}).parts.at("global_scale").data<float>();
}

// A reciprocal need not return: the form that the recipe does not have is made of the range as well.
float weight_coder::tensor_scale() const {
  return coding_.rule.divides ? div_rn(range_, nvfp4_range) : recipe_tensor_scale();
}
float weight_coder::tensor_divisor() const {
  if (coding_.rule.divides) return recipe_tensor_scale();
  return range_ > 0 ? div_rn(nvfp4_range, range_) : 1.0F;
}

float input_scale_of(const model_linear& linear, const layer_coding& coding) {
  const bool is_own = coding.rule.has_own_type;
  float most = e4m3_max;
  if (coding.format.input == input_kind::nvfp4) most = nvfp4_range;
  if (coding.format.input == input_kind::int8_tensor) most = is_own ? 127.5F : 127.0F;
  if (coding.input_amax == 0) return scale_of_zeros;
  const float scale = div_rn(coding.input_amax, most);
  return is_own ? rounded(scale, linear.type) : scale;
}

float input_divisor_of(const model_linear& linear, const layer_coding& coding) {
  if (coding.input_amax == 0) return 1.0F;
  const float divisor = div_rn(nvfp4_range, coding.input_amax);
  return coding.rule.has_own_type ? rounded(divisor, linear.type) : divisor;
}

}  // namespace qgrain::exports
