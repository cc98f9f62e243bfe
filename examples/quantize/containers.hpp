// Coded weights of model folders and GGUF files: listed, and decoded into one safetensors file.
#ifndef QGRAIN_QUANTIZE_CONTAINERS_HPP
#define QGRAIN_QUANTIZE_CONTAINERS_HPP

#include <quantize/convert.hpp>

#include <filesystem>
#include <iosfwd>
#include <vector>

namespace qgrain::convert {

/// Whether a place is a folder or a GGUF file, whose weights qgrain-lm reads, rather than a safetensors file.
[[nodiscard]] bool is_container(const std::filesystem::path& place);

/// The coded weights of a container that match job.tensors, as `<weight>.dequant` (F32) in job.out. In memory are some
/// rows per thread.
/// @throws error errc::unsupported where there are no coded weights, where the job names a recipe, shape or type, which
/// the container says itself, and as lm::checkpoint does
[[nodiscard]] std::vector<tensor_report> decode_container(const convert_job& job);

/// A table, or JSON: name, shape, how it is stored, bits per element with all scales.
void list_container(std::ostream& out, const std::filesystem::path& place, const std::string& tensors, bool json);

}  // namespace qgrain::convert

#endif
