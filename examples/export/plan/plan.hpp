// What an export is to write, before anything is written: a table from which both the metadata and the bytes come.
#ifndef QGRAIN_EXPORT_PLAN_PLAN_HPP
#define QGRAIN_EXPORT_PLAN_PLAN_HPP

#include <lm/model.hpp>
#include <lm/safetensors.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qgrain::exports {

/// The containers, by the names of `--to`.
enum class target : std::uint8_t { compressed_tensors, modelopt, deepseek_fp8, gguf };

[[nodiscard]] std::string_view name_of(target to) noexcept;
/// Throws errc::unknown_name, naming the nearest ones.
[[nodiscard]] target find_target(std::string_view name);

/// A Linear of the model as its checkpoint has it.
struct model_linear {
  std::string name;  ///< module name: that of its tensors without ".weight"
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  lm::dtype type = lm::dtype::f32;  ///< F32, BF16 or F16
  /// The layer that engines make of it and of others: ".../qkv_proj", ".../gate_up_proj"; its own name where it stays
  /// by itself.
  std::string fused;
  bool is_tied = false;  ///< the head whose weight is the embedding
  std::string experts;   ///< of an expert: what it and the others of its layer stand in; engines make one layer of them

  [[nodiscard]] std::int64_t elements() const noexcept { return rows * cols; }
};

/// In the order of lm::model::linears(), "lm_head" last.
/// @throws error errc::unsupported for a folder that is quantized already
[[nodiscard]] std::vector<model_linear> linears_of(const lm::model& model);

/// What was chosen for one Linear. Empty names: not quantized.
struct layer_choice {
  std::string weight;       ///< a recipe of the sweep or of qgrain-quantize's catalogue
  std::string activation;   ///< a recipe of the sweep
  std::string calibration;  ///< of what is missing below; empty: max
  /// Largest magnitude of the input: one value, one per channel, or none.
  std::vector<float> input_amax = {};
  /// Least and largest input, where a scheme needs both ends.
  std::optional<std::pair<float, float>> input_ends = std::nullopt;
  /// [cols] or empty: what the input is multiplied by and the weight's columns divided by.
  std::vector<float> input_scale = {};
  bool has_shared_range = false;  ///< its weight was scored with the range per tensor that the fused layer has

  [[nodiscard]] bool is_quantized() const noexcept { return !weight.empty() || !activation.empty(); }
};

/// What a tensor of a quantized Linear holds.
enum class tensor_role : std::uint8_t {
  values,   ///< of the weight itself
  codes,    ///< a byte each
  nibbles,  ///< two codes in a byte, even elements in the low bits
  words,    ///< codes plus half their number in 32-bit words without gaps, low bits first
  scales,
  zero_points,     ///< packed as words along the rows
  shape,           ///< rows and columns
  tensor_scale,    ///< of two levels of scales the one that multiplies the whole
  tensor_divisor,  ///< the same as a divisor
  input_scale,
  input_divisor,
};

/// A tensor of the container, without its data.
struct planned_tensor {
  std::string name;
  lm::dtype type = lm::dtype::f32;
  std::vector<std::int64_t> shape;
  /// Bytes as they stand in the file; block formats of GGUF have no dtype of safetensors and say it themselves.
  std::int64_t bytes = 0;
  tensor_role role = tensor_role::values;
};

/// One Linear on its way into the container.
struct planned_layer {
  model_linear linear;
  layer_choice choice;
  std::string scheme;  ///< as `--list` names them; empty: not quantized, written as the checkpoint has it
  std::string recipe;  ///< that makes the codes
  std::vector<planned_tensor> tensors;

  [[nodiscard]] std::int64_t stored_bytes() const noexcept;
};

/// Sentences about layers, in the order in which they were met; one that holds for many is said once.
class layer_remarks {
 public:
  void add(const std::string& layer, const std::string& sentence);
  /// "LAYER: ...", "31 layers (LAYER, ...): ..."
  [[nodiscard]] std::vector<std::string> sentences() const;

 private:
  struct remark {
    std::string sentence;
    std::string first;
    std::size_t layers = 0;
  };
  std::vector<remark> remarks_;
};

/// Everything that is wrong with an export, a sentence each, so that a user sees all of it at once.
struct refusal_list {
  std::vector<std::string> sentences;

  void add(std::string sentence) { sentences.push_back(std::move(sentence)); }
  [[nodiscard]] bool empty() const noexcept { return sentences.empty(); }
  /// Throws errc::unsupported with all sentences behind `where`.
  void raise(const std::string& where) const;
};

struct export_plan {
  target to = target::compressed_tensors;
  std::vector<planned_layer> layers;  ///< [Linear]
  refusal_list refusals;              ///< nothing is written unless it is empty
  std::vector<std::string> notes;     ///< what a user should know

  /// Of the Linears that the file holds on their own (a tied head is the embedding's).
  [[nodiscard]] std::int64_t stored_bytes() const noexcept;
  [[nodiscard]] std::int64_t elements() const noexcept;
  /// Bits per weight over those Linears, scales counted.
  [[nodiscard]] double effective_bits() const noexcept;
};

}  // namespace qgrain::exports

#endif
