// Writes a quantized checkpoint folder, shard by shard.
#ifndef QGRAIN_EXPORT_FOLDER_FOLDER_EXPORT_HPP
#define QGRAIN_EXPORT_FOLDER_FOLDER_EXPORT_HPP

#include <qgrain/host/parallel.hpp>

#include <cstdint>
#include <export/folder/folder_plan.hpp>
#include <filesystem>

namespace qgrain::exports {

/// Writes the plan, whose refusals are empty: the shards of the model folder with their weights coded, an index where
/// the model has several, config.json with its keys in their order, and every other file that holds no weights, byte
/// for byte. The folder appears under its name when it is whole; until then it is `<out>.partial`, with which a call
/// with `resume` goes on after the last finished shard; where `out` is this very export already, such a call has
/// nothing to do. In memory at once: some rows of one tensor per thread. The bytes do not depend on the number of
/// threads nor on how often a run was stopped.
/// @throws error errc::io_failure for files; errc::invalid_argument where `out` exists or another export was stopped
/// there; errc::non_finite for NaN or infinity in a tensor that is quantized; errc::bad_file where a source file
/// changed while it was read
/// @return bytes of the tensors in all shards
std::int64_t write_folder(const lm::model& model, const folder_plan& plan, const std::filesystem::path& out,
                          thread_pool& pool, bool resume = false);

}  // namespace qgrain::exports

#endif
