// Writes a model as a GGUF file, tensor by tensor.
#ifndef QGRAIN_EXPORT_GGUF_GGUF_EXPORT_HPP
#define QGRAIN_EXPORT_GGUF_GGUF_EXPORT_HPP

#include <qgrain/host/parallel.hpp>

#include <export/gguf/gguf_keys.hpp>
#include <export/gguf/gguf_plan.hpp>
#include <filesystem>

namespace qgrain::exports {

/// Writes the plan of `plan_gguf`, made with the same settings, whose refusals are empty. The
/// file appears under its name when it is whole. In memory at once: some rows of one tensor per thread. The bytes do
/// not depend on the number of threads.
/// @throws error errc::io_failure for files; errc::non_finite for NaN or infinity in a tensor that is quantized
/// @return bytes of the file
std::int64_t write_gguf(const lm::model& model, const export_plan& plan, const gguf_settings& settings,
                        const std::filesystem::path& out, thread_pool& pool);

}  // namespace qgrain::exports

#endif
