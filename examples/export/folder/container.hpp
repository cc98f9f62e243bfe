// What is particular to each folder target: which formats it holds, its tensors, its metadata.
#ifndef QGRAIN_EXPORT_FOLDER_CONTAINER_HPP
#define QGRAIN_EXPORT_FOLDER_CONTAINER_HPP

#include <boost/json.hpp>

#include <export/folder/folder_plan.hpp>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::exports {

struct folder_metadata {
  boost::json::object quantization_config;  ///< goes into config.json
  boost::json::object hf_quant_config;      ///< a file of its own; empty: none
};

/// Functions, as containers hold no state.
struct folder_container {
  /// The container's name of a format; nothing where it has no place for it.
  std::optional<std::string> (*scheme_of)(const stored_format& format);
  /// Tensors of a Linear in the order of the file.
  std::vector<planned_tensor> (*tensors_of)(const model_linear& linear, const layer_coding& coding);
  folder_metadata (*metadata_of)(const folder_plan& plan, const lm::model& model);
};

[[nodiscard]] const folder_container& container_of(target to);

/// The folder targets that hold a format.
[[nodiscard]] std::vector<std::string> targets_with(const stored_format& format);

[[nodiscard]] const folder_container& compressed_tensors_container();
[[nodiscard]] const folder_container& modelopt_container();
[[nodiscard]] const folder_container& deepseek_container();

/// Numbers of Linears that stay as they are.
[[nodiscard]] std::vector<std::string> unquantized_linears(const folder_plan& plan);

/// Groups along rows and columns as a shape: [1] per tensor, [rows, groups] else.
[[nodiscard]] std::vector<std::int64_t> scale_shape_of(const model_linear& linear, const stored_format& format);

/// A tensor `<linear>.<suffix>`, its bytes counted.
[[nodiscard]] planned_tensor tensor_named(const model_linear& linear, std::string_view suffix, lm::dtype type,
                                          std::vector<std::int64_t> shape, tensor_role role);

}  // namespace qgrain::exports

#endif
