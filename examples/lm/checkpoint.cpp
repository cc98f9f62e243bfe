#include <common/json.hpp>
#include <lm/checkpoint.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <set>

namespace qgrain::lm {

checkpoint::checkpoint(const std::filesystem::path& model) : name_(model.string()) {
  if (is_gguf(model)) {
    gguf_.emplace(model);
    warnings_ = gguf_->warnings();
  } else {
    open_folder(model);
    if (const auto config = read_quantization_config(model)) {
      stored_parts all;
      for (const auto& [tensor, file] : file_of_) all[tensor] = {&files_[file], files_[file].find(tensor)};
      quantized_.emplace(*config, all);
    }
  }
}

void checkpoint::open_folder(const std::filesystem::path& folder) {
  const std::filesystem::path index_path = folder / "model.safetensors.index.json";
  const std::filesystem::path whole_path = folder / "model.safetensors";
  const bool has_index = std::filesystem::exists(index_path);
  if (!has_index || std::filesystem::exists(whole_path)) {
    if (has_index) {
      warnings_.push_back(index_path.string() + " is not looked at: " + whole_path.filename().string() +
                          " holds the weights");
    }
    files_.emplace_back(whole_path);
    for (const tensor_info& tensor : files_[0].tensors()) file_of_.emplace(tensor.name, 0);
    return;
  }
  const common::json_document index = common::read_json_document(index_path);
  constexpr auto missing = static_cast<std::size_t>(-1);
  std::map<std::string, std::size_t> shards;
  for (const auto& [tensor, shard] : common::json_field(index).at("weight_map").members()) {
    const std::string file(shard.string());
    if (std::filesystem::path(file).filename() != file) shard.must_be("a plain file name");
    const auto [entry, is_new] = shards.emplace(file, files_.size());
    if (is_new && !std::filesystem::exists(folder / file)) entry->second = missing;
    if (is_new && entry->second != missing) files_.emplace_back(folder / file);
    if (entry->second == missing) {
      broken_promises_.emplace(tensor, index_path.string() + ": shard \"" + file + "\", which holds \"" +
                                           std::string(tensor) + "\", does not exist");
    } else if (files_[entry->second].find(tensor) == nullptr) {
      broken_promises_.emplace(tensor, (folder / file).string() + ": tensor \"" + std::string(tensor) +
                                           "\" is missing, though " + index_path.filename().string() +
                                           " places it here");
    } else {
      file_of_.emplace(tensor, entry->second);
    }
  }
}

const weight_source* checkpoint::source_of(std::string_view tensor) const noexcept {
  return source() != nullptr && source()->info_of(tensor) != nullptr ? source() : nullptr;
}

const tensor_info* checkpoint::find(std::string_view tensor) const noexcept {
  if (const weight_source* source = source_of(tensor)) return source->info_of(tensor);
  const auto found = file_of_.find(tensor);
  return found == file_of_.end() ? nullptr : files_[found->second].find(tensor);
}

std::string_view checkpoint::counts_as(std::string_view stored) const noexcept {
  const std::string_view weight = quantized_ ? quantized_->weight_of(stored) : std::string_view();
  return weight.empty() ? stored : weight;
}

void checkpoint::require(std::string_view tensor, std::span<const std::int64_t> shape) const {
  const tensor_info* info = find(tensor);
  if (const auto broken = broken_promises_.find(tensor); broken != broken_promises_.end())
    throw error(errc::bad_file, broken->second);
  if (info == nullptr) {
    throw error(errc::bad_file, name_ + ": tensor \"" + std::string(tensor) + "\" of shape " + shape_text(shape) +
                                    " is missing from the checkpoint");
  }
  const weight_source* source = source_of(tensor);
  if (source != nullptr) source->require_readable(tensor);
  if (!std::equal(shape.begin(), shape.end(), info->shape.begin(), info->shape.end())) {
    throw error(errc::bad_file, name_ + ": tensor \"" + std::string(tensor) + "\" has shape " +
                                    shape_text(info->shape) + ", but the configuration asks for " + shape_text(shape));
  }
  if (source != nullptr) return;
  if (info->type != dtype::f32 && info->type != dtype::f16 && info->type != dtype::bf16) {
    throw error(errc::bad_file, name_ + ": tensor \"" + std::string(tensor) + "\" is " +
                                    std::string(name_of(info->type)) + ", where F32, F16 or BF16 is needed");
  }
}

void checkpoint::read(std::string_view tensor, std::int64_t first, std::span<float> out) const {
  if (const weight_source* source = source_of(tensor)) return source->read(tensor, first, out);
  const safetensors_file& file = files_.at(file_of_.find(tensor)->second);
  file.read_f32(*file.find(tensor), first, out);
}

void checkpoint::will_read(std::string_view tensor) const noexcept {
  if (const weight_source* source = source_of(tensor)) return source->will_read(tensor);
  const auto found = file_of_.find(tensor);
  if (found == file_of_.end()) return;
  const safetensors_file& file = files_[found->second];
  file.will_read(*file.find(tensor));
}

}  // namespace qgrain::lm
