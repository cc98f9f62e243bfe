// Which tensors a file of the exported checkpoint holds, and what each comes from.
#ifndef QGRAIN_EXPORT_FOLDER_SHARD_PLAN_HPP
#define QGRAIN_EXPORT_FOLDER_SHARD_PLAN_HPP

#include <lm/safetensors.hpp>

#include <export/folder/folder_plan.hpp>
#include <optional>
#include <string>
#include <vector>

namespace qgrain::exports {

struct shard_tensor {
  planned_tensor out;
  const lm::tensor_info* source = nullptr;  ///< of the source shard
  std::optional<std::size_t> linear;        ///< that is coded into it; none: the source's bytes
  /// Of the plan: what the source's values are multiplied by; null: nothing.
  const std::vector<float>* factors = nullptr;
};

/// The tensors of one file in the order in which the safetensors package writes them: larger elements first, so that
/// all of them are aligned, then by name.
[[nodiscard]] std::vector<shard_tensor> shard_tensors_of(const lm::model& model, const folder_plan& plan,
                                                         const lm::safetensors_file& source);

}  // namespace qgrain::exports

#endif
