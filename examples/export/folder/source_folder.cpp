#include <common/file.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <export/folder/source_folder.hpp>

namespace qgrain::exports {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t copied_at_once = std::int64_t{1} << 20;

bool holds_weights(const fs::path& name) {
  constexpr std::array<std::string_view, 10> kinds{".safetensors", ".bin",  ".pt", ".pth",     ".gguf",
                                                   ".ckpt",        ".onnx", ".h5", ".msgpack", ".index.json"};
  const std::string text = name.filename().string();
  return std::any_of(kinds.begin(), kinds.end(), [&](std::string_view kind) { return text.ends_with(kind); });
}

bool is_written_anew(const fs::path& name) { return name == "config.json" || name == "hf_quant_config.json"; }

}  // namespace

source_folder::source_folder(const lm::model& model) : path_(model.tensors().name()) {
  const auto remember = [&](const fs::path& path) {
    files_.push_back({path, fs::file_size(path), fs::last_write_time(path)});
  };
  remember(path_ / "config.json");
  for (const lm::safetensors_file& shard : model.tensors().files()) remember(shard.path());
}

boost::json::array source_folder::state() const {
  boost::json::array state;
  for (const remembered& file : files_) {
    state.push_back(
        {{"name", file.path.filename().string()}, {"size", file.size}, {"time", file.time.time_since_epoch().count()}});
  }
  return state;
}

void source_folder::require_unchanged() const {
  for (const remembered& file : files_) {
    if (fs::file_size(file.path) == file.size && fs::last_write_time(file.path) == file.time) continue;
    throw error(errc::bad_file, file.path.string() + ": the file was changed while it was read");
  }
}

void source_folder::require_outside(const fs::path& out) const {
  const fs::path inside = fs::weakly_canonical(out).lexically_relative(fs::canonical(path_));
  if (inside.empty() || *inside.begin() == "..") return;
  throw error(errc::invalid_argument, out.string() + ": --out lies in the model folder, whose files are copied");
}

std::vector<fs::path> source_folder::other_files() const {
  std::vector<fs::path> names;
  for (auto entry = fs::recursive_directory_iterator(path_); entry != fs::recursive_directory_iterator(); ++entry) {
    const fs::path name = entry->path().lexically_relative(path_);
    if (entry->is_directory()) {
      if (name.filename().string().starts_with('.')) entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_regular_file() && !holds_weights(name) && !is_written_anew(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

void source_folder::copy(const fs::path& name, const fs::path& to) const {
  const common::input_file in(path_ / name);
  common::atomic_file out(to);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(copied_at_once, in.size())));
  for (std::int64_t offset = 0; offset < in.size(); offset += copied_at_once) {
    const auto count = static_cast<std::size_t>(std::min(copied_at_once, in.size() - offset));
    in.read(offset, std::span(bytes).first(count));
    out.write(offset, std::span<const std::byte>(bytes).first(count));
  }
  out.commit();
}

}  // namespace qgrain::exports
