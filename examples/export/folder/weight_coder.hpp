// Bytes of a quantized Linear, some rows at a time.
#ifndef QGRAIN_EXPORT_FOLDER_WEIGHT_CODER_HPP
#define QGRAIN_EXPORT_FOLDER_WEIGHT_CODER_HPP

#include <quantize/host_tensor.hpp>
#include <quantize/recipe.hpp>

#include <qgrain/host/fake_recipe.hpp>

#include <cstddef>
#include <export/folder/folder_plan.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace qgrain::exports {

/// Rows of a weight in the form of each tensor that holds them.
struct coded_rows {
  std::vector<std::byte> codes;           ///< a byte per element, or two codes in a byte where elements have 4 bits
  std::vector<float> scales;              ///< of floating-point scales
  std::vector<std::byte> scale_codes;     ///< of E4M3 and E8M0 scales
  std::vector<std::int64_t> zero_points;  ///< [rows, groups of a row], or none
};

/// Codes the rows of one Linear; const members may be called by several threads at once.
class weight_coder {
 public:
  /// `where` names file and tensor in errors. range: the largest magnitude of the weight, or of all weights that share
  /// it, where the format has one number for the tensor; else unused.
  weight_coder(const model_linear& linear, const layer_coding& coding, std::string where, float range);

  /// values: [rows, cols], divided by the input scale; the first row is a multiple of `row_alignment`.
  [[nodiscard]] coded_rows code(std::span<const float> values, std::int64_t first_row) const;
  /// Of NVFP4: the tensor's scale, as it multiplies and as it divides.
  [[nodiscard]] float tensor_scale() const;
  [[nodiscard]] float tensor_divisor() const;

  static constexpr std::int64_t row_alignment = 128;

 private:
  [[nodiscard]] coded_rows code_by_catalogue(std::span<const float> values) const;
  [[nodiscard]] coded_rows code_scored(std::span<const float> values, std::int64_t first_row) const;
  [[nodiscard]] lm::dtype value_type() const noexcept;
  [[nodiscard]] convert::tensor_parts given() const;
  [[nodiscard]] float recipe_tensor_scale() const;

  const model_linear& linear_;
  const layer_coding& coding_;
  std::string where_;
  float range_;
  std::unique_ptr<convert::recipe> recipe_;
  std::optional<fake_recipe> scored_;
};

/// The scale of a static input, as it multiplies and as it divides, in the tool's arithmetic or the sweep's.
[[nodiscard]] float input_scale_of(const model_linear& linear, const layer_coding& coding);
[[nodiscard]] float input_divisor_of(const model_linear& linear, const layer_coding& coding);

}  // namespace qgrain::exports

#endif
