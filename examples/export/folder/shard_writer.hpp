// One file of the exported checkpoint, written by all threads.
#ifndef QGRAIN_EXPORT_FOLDER_SHARD_WRITER_HPP
#define QGRAIN_EXPORT_FOLDER_SHARD_WRITER_HPP

#include <qgrain/host/parallel.hpp>

#include <export/folder/shard_plan.hpp>
#include <filesystem>
#include <span>
#include <vector>

namespace qgrain::exports {

/// [Linear] largest magnitude of the weight, or of the weights that share the range; 0 where the format needs none.
[[nodiscard]] std::vector<float> weight_ranges(const lm::model& model, const folder_plan& plan, thread_pool& pool);

/// Writes the tensors of `source` as planned. ranges: of weight_ranges.
void write_shard(const lm::safetensors_file& source, const folder_plan& plan, std::span<const shard_tensor> tensors,
                 std::span<const float> ranges, const std::filesystem::path& out, thread_pool& pool);

}  // namespace qgrain::exports

#endif
