#include <common/json.hpp>
#include <lm/checkpoint.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <set>

namespace qgrain::lm {

checkpoint::checkpoint(const std::filesystem::path& folder) : name_(folder.string()) {
  const std::filesystem::path index_path = folder / "model.safetensors.index.json";
  if (!std::filesystem::exists(index_path)) {
    files_.emplace_back(folder / "model.safetensors");
    for (const tensor_info& tensor : files_[0].tensors()) file_of_.emplace(tensor.name, 0);
    return;
  }
  const common::json_document index = common::read_json_document(index_path);
  std::map<std::string, std::size_t> shards;
  for (const auto& [tensor, shard] : common::json_field(index).at("weight_map").members()) {
    const std::string file(shard.string());
    if (std::filesystem::path(file).filename() != file) shard.must_be("a plain file name");
    const auto [entry, is_new] = shards.emplace(file, files_.size());
    if (is_new) {
      if (!std::filesystem::exists(folder / file)) {
        throw error(errc::bad_file, index_path.string() + ": shard \"" + file + "\", which holds \"" +
                                        std::string(tensor) + "\", does not exist");
      }
      files_.emplace_back(folder / file);
    }
    if (files_[entry->second].find(tensor) == nullptr) {
      throw error(errc::bad_file, (folder / file).string() + ": tensor \"" + std::string(tensor) +
                                      "\" is missing, though " + index_path.filename().string() + " places it here");
    }
    file_of_.emplace(tensor, entry->second);
  }
}

const tensor_info* checkpoint::find(std::string_view tensor) const noexcept {
  const auto found = file_of_.find(tensor);
  return found == file_of_.end() ? nullptr : files_[found->second].find(tensor);
}

void checkpoint::require(std::string_view tensor, std::span<const std::int64_t> shape) const {
  const tensor_info* info = find(tensor);
  if (info == nullptr) {
    throw error(errc::bad_file, name_ + ": tensor \"" + std::string(tensor) + "\" of shape " + shape_text(shape) +
                                    " is missing from the checkpoint");
  }
  if (!std::equal(shape.begin(), shape.end(), info->shape.begin(), info->shape.end())) {
    throw error(errc::bad_file, name_ + ": tensor \"" + std::string(tensor) + "\" has shape " +
                                    shape_text(info->shape) + ", but the configuration asks for " + shape_text(shape));
  }
  if (info->type != dtype::f32 && info->type != dtype::f16 && info->type != dtype::bf16) {
    throw error(errc::bad_file, name_ + ": tensor \"" + std::string(tensor) + "\" is " +
                                    std::string(name_of(info->type)) + ", where F32, F16 or BF16 is needed");
  }
}

void checkpoint::read(std::string_view tensor, std::int64_t first, std::span<float> out) const {
  const safetensors_file& file = files_.at(file_of_.find(tensor)->second);
  file.read_f32(*file.find(tensor), first, out);
}

}  // namespace qgrain::lm
