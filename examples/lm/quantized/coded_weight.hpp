// One weight of a quantized folder: the tensors that hold its codes and scales, and its values row by row.
#ifndef QGRAIN_LM_QUANTIZED_CODED_WEIGHT_HPP
#define QGRAIN_LM_QUANTIZED_CODED_WEIGHT_HPP

#include <lm/quantized/quantization_config.hpp>
#include <lm/safetensors.hpp>

#include <qgrain/interop/compressed_tensors.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::lm {

/// A tensor in its file; both outlive it.
struct stored_tensor {
  const safetensors_file* file = nullptr;
  const tensor_info* info = nullptr;
};
/// The tensors of a module by the last part of their names: "weight_packed", "weight_scale".
using stored_parts = std::map<std::string, stored_tensor, std::less<>>;

/// How codes lie in their tensor.
enum class code_layout : std::uint8_t {
  e4m3,       ///< a byte each
  int8,       ///< a byte each
  words,      ///< compressed-tensors' 32-bit words
  e2m1,       ///< two of a row in a byte, the first in the low bits
  int4_rows,  ///< of two rows in a byte, the first in the low bits, two's complement
};

/// What holds the values, and how: value = (code - zero point) * scale, each scale over `rows_per_scale` rows and
/// `cols_per_scale` columns.
struct weight_storage {
  code_layout layout = code_layout::e4m3;
  stored_tensor codes;
  stored_tensor scales;
  std::optional<stored_tensor> zero_points;  ///< words along dimension 0
  int bits = 8;                              ///< of `words`
  interop::word_packing packing = interop::word_packing::dense;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t rows_per_scale = 1;
  std::int64_t cols_per_scale = 1;
  std::int64_t scale_cols = 1;
  float multiplier = 1;               ///< of all scales: ModelOpt's `weight_scale_2`
  float divisor = 1;                  ///< of all scales: compressed-tensors' `weight_global_scale`
  std::vector<std::int32_t> groups;   ///< [cols] the scale of each column (`weight_g_idx`), or empty
  std::vector<float> column_factors;  ///< [cols] ModelOpt's `pre_quant_scale`, or empty
};

/// The storage of the module whose tensors are `parts`, or errc::unsupported, errc::bad_file with a sentence that names
/// module and tensor. Data is read of tensors of one value or one per column alone. Tensors of the module's activations
/// are passed over: values are those of the weight.
[[nodiscard]] weight_storage storage_of(const std::string& module, const stored_parts& parts,
                                        const quantization_config& config);

/// Whether a part belongs to a weight's codes, scales or activations: "weight_scale", "input_scale".
[[nodiscard]] bool is_quantization_part(std::string_view part) noexcept;

/// Whether a part holds codes or scales: "weight", "weight_scale".
[[nodiscard]] bool is_weight_part(std::string_view part) noexcept;

/// "int4 in words, BF16 scales of 1x64, zero points"
[[nodiscard]] std::string text_of(const weight_storage& weight);

/// All columns of a row: out [cols].
void read_row(const weight_storage& weight, std::int64_t row, std::span<float> out);

}  // namespace qgrain::lm

#endif
