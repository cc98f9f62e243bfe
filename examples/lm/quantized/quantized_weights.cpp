#include <lm/quantized/quantized_weights.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <utility>

namespace qgrain::lm {
namespace {

// "model.layers.0.mlp.up_proj" and "weight_scale".
std::pair<std::string, std::string> taken_apart(const std::string& tensor) {
  const std::size_t dot = tensor.rfind('.');
  if (dot == std::string::npos) return {"", tensor};
  return {tensor.substr(0, dot), tensor.substr(dot + 1)};
}

bool has_codes(const stored_parts& parts) {
  if (parts.contains("weight_packed")) return true;
  return parts.contains("weight") && (parts.contains("weight_scale") || parts.contains("weight_scale_inv"));
}

}  // namespace

quantized_weights::quantized_weights(const quantization_config& config, const stored_parts& tensors) {
  std::map<std::string, stored_parts> modules;
  for (const auto& [name, tensor] : tensors) {
    auto [module, part] = taken_apart(name);
    modules[module].emplace(std::move(part), tensor);
  }
  for (auto& [module, parts] : modules) {
    if (!has_codes(parts)) continue;
    entry e;
    e.info.name = module + ".weight";
    const auto codes = parts.contains("weight_packed") ? parts.find("weight_packed") : parts.find("weight");
    e.info.shape = codes->second.info->shape;
    try {
      e.storage = storage_of(module, parts, config);
      e.info.shape = {e.storage.rows, e.storage.cols};
    } catch (const error& fault) {
      e.fault = fault.what();
      e.fault_code = fault.code();
    }
    e.info.end = static_cast<std::int64_t>(sizeof(float));
    for (const std::int64_t extent : e.info.shape) e.info.end *= extent;
    for (const auto& [part, tensor] : parts) {
      if (part == "weight" || is_quantization_part(part)) weight_of_.emplace(tensor.info->name, e.info.name);
    }
    e.parts = std::move(parts);
    entries_.emplace(e.info.name, std::move(e));
  }
}

const tensor_info* quantized_weights::info_of(std::string_view weight) const noexcept {
  const auto found = entries_.find(weight);
  return found == entries_.end() ? nullptr : &found->second.info;
}

stored_form quantized_weights::form_of(std::string_view weight) const {
  const entry& e = entries_.find(weight)->second;
  stored_form form{text_of(e.storage), 0};
  for (const auto& [part, tensor] : e.parts) {
    if (is_weight_part(part)) form.bytes += tensor.info->end - tensor.info->begin;
  }
  return form;
}

void quantized_weights::require_readable(std::string_view weight) const {
  const entry& e = entries_.find(weight)->second;
  if (!e.fault.empty()) throw error(e.fault_code, e.fault);
}

void quantized_weights::read(std::string_view weight, std::int64_t first, std::span<float> out) const {
  const weight_storage& storage = entries_.find(weight)->second.storage;
  std::vector<float> part;
  while (!out.empty()) {
    const std::int64_t row = first / storage.cols;
    const std::int64_t col = first % storage.cols;
    const std::size_t count = std::min(out.size(), static_cast<std::size_t>(storage.cols - col));
    if (count == static_cast<std::size_t>(storage.cols)) {
      read_row(storage, row, out.first(count));
    } else {
      part.resize(static_cast<std::size_t>(storage.cols));
      read_row(storage, row, part);
      std::copy_n(part.begin() + col, count, out.begin());
    }
    first += static_cast<std::int64_t>(count);
    out = out.subspan(count);
  }
}

void quantized_weights::will_read(std::string_view weight) const noexcept {
  for (const auto& [part, tensor] : entries_.find(weight)->second.parts) tensor.file->will_read(*tensor.info);
}

std::string_view quantized_weights::weight_of(std::string_view tensor) const noexcept {
  const auto found = weight_of_.find(tensor);
  return found == weight_of_.end() ? std::string_view() : std::string_view(found->second);
}

std::vector<std::string> quantized_weights::names() const {
  std::vector<std::string> all;
  for (const auto& [name, e] : entries_) all.push_back(name);
  return all;
}

}  // namespace qgrain::lm
