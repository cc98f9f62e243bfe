#include <lm/config.hpp>
#include <lm/gguf/gguf_weights.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <set>

namespace qgrain::lm {
namespace {

float factor_of(const gguf_file& file, const gguf_tensor& scale) {
  if (scale.elements() != 1 || scale.type->name != "F32") {
    throw error(errc::bad_file, file.path() + ": tensor \"" + scale.name + "\" is " + std::string(scale.type->name) +
                                    " " + shape_text(scale.shape) + ", where one F32 is needed");
  }
  float factor = 0;
  file.read_values(scale, 0, std::span(&factor, 1));
  return factor;
}

}  // namespace

gguf_weights::gguf_weights(const std::filesystem::path& path) : file_(path) {
  const model_config config = read_config(file_);
  const gguf_family& family = *gguf_family_of(config.family.name);
  std::set<std::string> used{"rope_freqs.weight"};
  for (std::size_t t = 0; t < file_.tensors().size(); ++t) {
    const gguf_tensor& tensor = file_.tensors()[t];
    gguf_weight weight;
    weight.info.name = hugging_face_name_of(family, tensor.name);
    if (weight.info.name.empty()) continue;
    weight.info.shape = tensor.shape;
    weight.info.end = tensor.elements() * static_cast<std::int64_t>(sizeof(float));
    weight.tensor = t;
    weight.holds_one_more = holds_one_more(family, tensor.name);
    if (has_permuted_rows(family, tensor.name)) {
      weight.head_size = config.head_size;
      if (tensor.shape.empty() || tensor.shape[0] % config.head_size != 0) {
        throw error(errc::bad_file, file_.path() + ": tensor \"" + tensor.name + "\" has shape " +
                                        shape_text(tensor.shape) + ", whose rows are no whole heads of " +
                                        std::to_string(config.head_size));
      }
    }
    used.insert(tensor.name);
    const std::string scale = gguf_scale_name_of(tensor.name);
    if (const gguf_tensor* found = tensor.name.ends_with(".weight") ? file_.find(scale) : nullptr) {
      weight.factor = factor_of(file_, *found);
      used.insert(scale);
    }
    index_.emplace(weight.info.name, weights_.size());
    weights_.push_back(std::move(weight));
  }
  for (const gguf_tensor& tensor : file_.tensors()) {
    if (!used.contains(tensor.name)) unread_.push_back(tensor.name);
  }
}

const gguf_weight* gguf_weights::find(std::string_view hugging_face) const noexcept {
  const auto found = index_.find(hugging_face);
  return found == index_.end() ? nullptr : &weights_[found->second];
}

const tensor_info* gguf_weights::info_of(std::string_view hugging_face) const noexcept {
  const gguf_weight* weight = find(hugging_face);
  return weight == nullptr ? nullptr : &weight->info;
}

std::vector<std::string> gguf_weights::names() const {
  std::vector<std::string> all;
  for (const gguf_weight& weight : weights_) all.push_back(weight.info.name);
  return all;
}

stored_form gguf_weights::form_of(std::string_view hugging_face) const {
  const gguf_weight& weight = *find(hugging_face);
  const gguf_tensor& tensor = file_.tensors()[weight.tensor];
  const gguf_tensor* scale = file_.find(gguf_scale_name_of(tensor.name));
  const bool has_scale = scale != nullptr && tensor.name.ends_with(".weight");
  return {std::string(tensor.type->name) + (has_scale ? " with a tensor scale" : ""),
          tensor.bytes + (has_scale ? scale->bytes : 0)};
}

void gguf_weights::read(const gguf_weight& weight, std::int64_t first, std::span<float> out) const {
  if (weight.head_size > 0) {
    read_permuted(weight, first, out);
  } else {
    file_.read_values(file_.tensors()[weight.tensor], first, out);
  }
  if (weight.factor != 1) {
    for (float& value : out) value *= weight.factor;
  }
  // Exact for every 1 + w that was rounded to float32.
  if (weight.holds_one_more) {
    for (float& value : out) value -= 1.0F;
  }
}

void gguf_weights::read_permuted(const gguf_weight& weight, std::int64_t first, std::span<float> out) const {
  const gguf_tensor& tensor = file_.tensors()[weight.tensor];
  const std::int64_t cols = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
  while (!out.empty()) {
    const std::int64_t row = first / cols;
    const std::int64_t col = first % cols;
    const std::size_t count = std::min(out.size(), static_cast<std::size_t>(cols - col));
    file_.read_values(tensor, permuted_row(row, weight.head_size) * cols + col, out.first(count));
    first += static_cast<std::int64_t>(count);
    out = out.subspan(count);
  }
}

std::vector<std::string> gguf_weights::warnings() const {
  if (unread_.empty()) return {};
  constexpr std::size_t shown = 3;
  std::string text = file_.path() + ": " + std::to_string(unread_.size()) + " tensors are not read: ";
  for (std::size_t i = 0; i < std::min(shown, unread_.size()); ++i) text.append(i > 0 ? ", " : "").append(unread_[i]);
  return {text + (unread_.size() > shown ? ", ..." : "")};
}

}  // namespace qgrain::lm
