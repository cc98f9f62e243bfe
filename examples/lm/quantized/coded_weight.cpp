#include <lm/quantized/coded_weight.hpp>

#include <qgrain/core/config.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>

namespace qgrain::lm {
namespace {

using interop::compressed_tensors_words;
using interop::word_packing;

/// Parts of the activations of a Linear, which its values do not depend on.
constexpr std::array<std::string_view, 6> activation_parts{"input_scale",  "input_zero_point", "input_global_scale",
                                                           "output_scale", "k_scale",          "v_scale"};
constexpr std::array<std::string_view, 9> weight_parts{"weight_packed",     "weight_scale",        "weight_shape",
                                                       "weight_zero_point", "weight_global_scale", "weight_scale_2",
                                                       "weight_g_idx",      "pre_quant_scale",     "weight_scale_inv"};

constexpr std::int64_t e2m1_group_two_level = 16;
constexpr std::int64_t mx_group = 32;

/// The storage of one module on its way from its tensors.
class storage_builder {
 public:
  storage_builder(const std::string& module, const stored_parts& parts, const quantization_config& config)
      : module_(module), parts_(parts), config_(config) {}

  weight_storage build() {
    for (const auto& [part, tensor] : parts_) {
      if (part == "weight" || part == "bias" || is_quantization_part(part)) continue;
      throw error(errc::unsupported, place(tensor) + ": values of " + module_ + " depend on it, but \"" + part +
                                         "\" is no part of a weight that is read");
    }
    if (parts_.contains("weight_packed")) {
      if (need("weight_packed").info->type == dtype::i32) {
        words();
      } else {
        e2m1(need("weight_packed"));
      }
    } else {
      plain(need("weight"));
    }
    factors();
    return std::move(out_);
  }

 private:
  [[nodiscard]] static std::string place(const stored_tensor& tensor) {
    return tensor.file->path() + ": tensor \"" + tensor.info->name + "\"";
  }
  [[nodiscard]] static std::string described(const stored_tensor& tensor) {
    return std::string(name_of(tensor.info->type)) + " " + shape_text(tensor.info->shape);
  }
  [[noreturn]] static void refuse(const stored_tensor& tensor, const std::string& wanted) {
    throw error(errc::bad_file, place(tensor) + " is " + described(tensor) + ", where " + wanted + " is needed");
  }

  [[nodiscard]] const stored_tensor* find(std::string_view part) const {
    const auto found = parts_.find(part);
    return found == parts_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const stored_tensor& need(std::string_view part) const {
    if (const stored_tensor* found = find(part)) return *found;
    throw error(errc::bad_file, place(parts_.begin()->second) + " is there, but \"" + module_ + "." +
                                    std::string(part) + "\" is missing");
  }
  void set_matrix(const stored_tensor& codes, std::int64_t rows_factor, std::int64_t cols_factor) {
    if (codes.info->shape.size() != 2) refuse(codes, "a matrix");
    out_.codes = codes;
    out_.rows = codes.info->shape[0] * rows_factor;
    out_.cols = codes.info->shape[1] * cols_factor;
  }

  // One scale, one per row, or groups of columns; [R], [R, 1] and [R, G] are the same order of numbers.
  void scales_by_rows(const stored_tensor& scales) {
    const std::vector<std::int64_t>& shape = scales.info->shape;
    out_.scales = scales;
    if (scales.info->elements() == 1) {
      out_.rows_per_scale = std::max<std::int64_t>(out_.rows, 1);
      out_.cols_per_scale = std::max<std::int64_t>(out_.cols, 1);
      return;
    }
    const bool by_rows = (shape.size() == 1 || shape.size() == 2) && shape[0] == out_.rows;
    const std::int64_t groups = shape.size() == 2 ? shape[1] : 1;
    if (!by_rows || groups < 1 || out_.cols % groups != 0) {
      refuse(scales, "one scale, one per row or one per group of whole columns of " +
                         shape_text(std::array{out_.rows, out_.cols}));
    }
    out_.scale_cols = groups;
    out_.cols_per_scale = out_.cols / groups;
  }
  // Tiles, of 128 x 128 as a rule: [R / 128, C / 128], or ModelOpt's [R / 128, 1, C / 128, 1].
  [[nodiscard]] bool scales_by_tiles(const stored_tensor& scales) {
    const quantization_group* group = config_.group_of(module_);
    const auto [tile_rows, tile_cols] = group == nullptr ? config_.tile : group->tile;
    std::vector<std::int64_t> shape = scales.info->shape;
    if (shape.size() == 4 && shape[1] == 1 && shape[3] == 1) shape = {shape[0], shape[2]};
    const std::vector<std::int64_t> tiles{ceil_div(out_.rows, tile_rows), ceil_div(out_.cols, tile_cols)};
    if (shape != tiles) return false;
    out_.scales = scales;
    out_.rows_per_scale = tile_rows;
    out_.cols_per_scale = tile_cols;
    out_.scale_cols = tiles[1];
    return true;
  }
  static void require_type(const stored_tensor& tensor, std::initializer_list<dtype> types, const char* wanted) {
    if (std::find(types.begin(), types.end(), tensor.info->type) == types.end()) refuse(tensor, wanted);
  }
  void require_group(std::int64_t size) const {
    if (out_.scale_cols * size == out_.cols && out_.rows_per_scale == 1) return;
    refuse(out_.scales,
           "a scale for every " + std::to_string(size) + " columns of " + shape_text(std::array{out_.rows, out_.cols}));
  }

  // E2M1 under E4M3 bytes of 16 and a tensor scale, or E8M0 bytes of 32.
  void e2m1(const stored_tensor& codes) {
    require_type(codes, {dtype::u8}, "U8");
    set_matrix(codes, 1, 2);
    out_.layout = code_layout::e2m1;
    const stored_tensor& scales = need("weight_scale");
    require_type(scales, {dtype::f8_e4m3, dtype::u8, dtype::f8_e8m0}, "F8_E4M3 or U8");
    scales_by_rows(scales);
    require_group(scales.info->type == dtype::f8_e4m3 ? e2m1_group_two_level : mx_group);
    if (scales.info->type != dtype::f8_e4m3) return;
    const bool divides = config_.method == quantization_method::compressed_tensors;
    (void)need(divides ? "weight_global_scale" : "weight_scale_2");
  }

  void words() {
    const quantization_group* group = config_.group_of(module_);
    const stored_tensor& codes = need("weight_packed");
    if (group == nullptr) {
      throw error(errc::bad_file, place(codes) + " holds codes, but no group of " + config_.where + " has " + module_);
    }
    if (!group->is_integer || group->bits < 2 || group->bits > 8) {
      throw error(errc::bad_file, place(codes) + " holds words, but " + config_.where + ".config_groups." +
                                      group->name + " is no integer type of 2 to 8 bits");
    }
    const stored_tensor& extents = need("weight_shape");
    if (extents.info->elements() != 2) refuse(extents, "I64 [2]");
    std::array<std::int32_t, 2> shape{};
    extents.file->read_i32(*extents.info, 0, shape);
    if (shape[0] < 1 || shape[1] < 1) refuse(extents, "two positive numbers");
    out_.layout = code_layout::words;
    out_.codes = codes;
    out_.bits = group->bits;
    out_.rows = shape[0];
    out_.cols = shape[1];
    out_.packing = packing_of(codes, out_.rows, out_.cols, 1);
    const stored_tensor& scales = need("weight_scale");
    require_type(scales, {dtype::f32, dtype::bf16, dtype::f16}, "F32, BF16 or F16");
    scales_by_rows(scales);
    if (const stored_tensor* zeros = find("weight_zero_point")) {
      if (zeros->info->shape.size() != 2) refuse(*zeros, "words of zero points");
      (void)packing_of(*zeros, out_.rows, out_.scale_cols, 0);
      out_.zero_points = *zeros;
    }
  }
  // What lies along `axis` decides how codes are packed; where both ways have as many words the version does.
  [[nodiscard]] word_packing packing_of(const stored_tensor& tensor, std::int64_t rows, std::int64_t cols,
                                        std::size_t axis) const {
    const std::int64_t along = axis == 0 ? rows : cols;
    const word_packing likely = config_.is_dense ? word_packing::dense : word_packing::whole_codes;
    const word_packing other = config_.is_dense ? word_packing::whole_codes : word_packing::dense;
    for (const word_packing packing : std::array{likely, other}) {
      const std::int64_t words = compressed_tensors_words(along, out_.bits, packing);
      const std::vector<std::int64_t> wanted = axis == 0 ? std::vector{words, cols} : std::vector{rows, words};
      if (tensor.info->type == dtype::i32 && tensor.info->shape == wanted) return packing;
    }
    refuse(tensor, "I32 with " + std::to_string(out_.bits) + " bits of each of " + shape_text(std::array{rows, cols}));
  }

  // A tensor "weight" that holds codes.
  void plain(const stored_tensor& codes) {
    if (const stored_tensor* inverse = find("weight_scale_inv")) return fp8(codes, *inverse);
    const stored_tensor& scales = need("weight_scale");
    if (codes.info->type == dtype::f8_e4m3) return fp8(codes, scales);
    if (codes.info->type == dtype::u8) {
      if (scales.info->type == dtype::f32) return int4_rows(codes, scales);
      return e2m1(codes);
    }
    require_type(codes, {dtype::i8}, "F8_E4M3, I8 or U8");
    require_type(scales, {dtype::f32, dtype::bf16, dtype::f16}, "F32, BF16 or F16");
    set_matrix(codes, 1, 1);
    out_.layout = code_layout::int8;
    scales_by_rows(scales);
    if (const stored_tensor* zeros = find("weight_zero_point")) {
      throw error(errc::unsupported, place(*zeros) + ": zero points beside codes of a byte each are not read");
    }
  }
  void fp8(const stored_tensor& codes, const stored_tensor& scales) {
    require_type(codes, {dtype::f8_e4m3}, "F8_E4M3");
    require_type(scales, {dtype::f32, dtype::bf16, dtype::f16, dtype::u8, dtype::f8_e8m0}, "floats or E8M0 bytes");
    set_matrix(codes, 1, 1);
    out_.layout = code_layout::e4m3;
    const bool exponents = bytes_of(scales.info->type) == 1;
    if (exponents || scales.info->elements() == 1 || !scales_by_tiles(scales)) scales_by_rows(scales);
    if (exponents) require_group(mx_group);
  }
  void int4_rows(const stored_tensor& codes, const stored_tensor& scales) {
    set_matrix(codes, 2, 1);
    out_.layout = code_layout::int4_rows;
    scales_by_rows(scales);
  }

  [[nodiscard]] static float only_value(const stored_tensor& tensor) {
    if (tensor.info->elements() != 1) refuse(tensor, "one number");
    float value = 0;
    tensor.file->read_f32(*tensor.info, 0, std::span(&value, 1));
    return value;
  }
  void factors() {
    if (out_.layout == code_layout::e2m1) {
      if (const stored_tensor* divisor = find("weight_global_scale")) out_.divisor = only_value(*divisor);
      if (const stored_tensor* factor = find("weight_scale_2")) out_.multiplier = only_value(*factor);
    }
    if (const stored_tensor* inputs = find("pre_quant_scale")) {
      if (inputs->info->elements() != out_.cols)
        refuse(*inputs, "a factor for each of " + std::to_string(out_.cols) + " columns");
      out_.column_factors.resize(static_cast<std::size_t>(out_.cols));
      inputs->file->read_f32(*inputs->info, 0, out_.column_factors);
    }
    if (const stored_tensor* order = find("weight_g_idx")) {
      if (order->info->elements() != out_.cols)
        refuse(*order, "a group for each of " + std::to_string(out_.cols) + " columns");
      out_.groups.resize(static_cast<std::size_t>(out_.cols));
      order->file->read_i32(*order->info, 0, out_.groups);
      const auto beyond = [&](std::int32_t g) { return g < 0 || g >= out_.scale_cols; };
      if (std::any_of(out_.groups.begin(), out_.groups.end(), beyond))
        refuse(*order, "groups from 0 to " + std::to_string(out_.scale_cols - 1));
    }
  }

  const std::string& module_;
  const stored_parts& parts_;
  const quantization_config& config_;
  weight_storage out_;
};

}  // namespace

bool is_weight_part(std::string_view part) noexcept {
  return part == "weight" || std::find(weight_parts.begin(), weight_parts.end(), part) != weight_parts.end();
}

bool is_quantization_part(std::string_view part) noexcept {
  const bool of_activations =
      std::find(activation_parts.begin(), activation_parts.end(), part) != activation_parts.end();
  return of_activations || (part != "weight" && is_weight_part(part));
}

std::string text_of(const weight_storage& weight) {
  const auto codes = [&]() -> std::string {
    switch (weight.layout) {
      case code_layout::e4m3:
        return "float8_e4m3fn";
      case code_layout::int8:
        return "int8";
      case code_layout::words:
        return "int" + std::to_string(weight.bits) + " in words";
      case code_layout::e2m1:
        return "float4_e2m1fn in pairs";
      case code_layout::int4_rows:
        return "int4 in pairs of rows";
    }
    return "";
  };
  const bool exponents = weight.scales.info->type == dtype::u8;
  std::string text = codes() + ", " + (exponents ? "F8_E8M0" : std::string(name_of(weight.scales.info->type))) +
                     " scales of " + std::to_string(weight.rows_per_scale) + "x" +
                     std::to_string(weight.cols_per_scale);
  if (weight.multiplier != 1 || weight.divisor != 1) text += " and one of all";
  if (weight.zero_points) text += ", zero points";
  if (!weight.groups.empty()) text += ", columns in another order";
  if (!weight.column_factors.empty()) text += ", factors of the inputs";
  return text;
}

weight_storage storage_of(const std::string& module, const stored_parts& parts, const quantization_config& config) {
  return storage_builder(module, parts, config).build();
}

}  // namespace qgrain::lm
