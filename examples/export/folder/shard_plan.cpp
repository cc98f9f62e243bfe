#include <algorithm>
#include <export/folder/shard_plan.hpp>
#include <map>
#include <tuple>

namespace qgrain::exports {
namespace {

constexpr const char* head_tensor = "lm_head.weight";

bool goes_first(const shard_tensor& a, const shard_tensor& b) {
  const auto key = [](const shard_tensor& t) {
    return std::tuple(-lm::bits_of(t.out.type), -static_cast<int>(t.out.type));
  };
  return key(a) != key(b) ? key(a) < key(b) : a.out.name < b.out.name;
}

}  // namespace

std::vector<shard_tensor> shard_tensors_of(const lm::model& model, const folder_plan& plan,
                                           const lm::safetensors_file& source) {
  const std::size_t head = plan.table.layers.size() - 1;
  const bool is_untied = plan.table.layers[head].linear.is_tied && plan.settings.untie;
  std::map<std::string, std::size_t> linears;
  for (std::size_t l = 0; l < plan.table.layers.size(); ++l)
    linears.emplace(plan.table.layers[l].linear.name + ".weight", l);
  const std::string embedding = std::string(model.config().family.tensor_prefix) + "embed_tokens.weight";

  std::vector<shard_tensor> all;
  const auto copy = [&](const lm::tensor_info& tensor, const std::string& name) {
    if (const auto factors = plan.norm_factors.find(tensor.name); factors != plan.norm_factors.end()) {
      constexpr auto size = static_cast<std::int64_t>(sizeof(float));
      all.push_back({{name, lm::dtype::f32, tensor.shape, tensor.elements() * size}, &tensor, {}, &factors->second});
      return;
    }
    all.push_back({{name, tensor.type, tensor.shape, tensor.end - tensor.begin}, &tensor, {}});
  };
  const auto code = [&](const lm::tensor_info& tensor, std::size_t l) {
    if (!plan.codings[l]) return copy(tensor, plan.table.layers[l].linear.name + ".weight");
    for (const planned_tensor& out : plan.table.layers[l].tensors) all.push_back({out, &tensor, l});
  };
  for (const lm::tensor_info& tensor : source.tensors()) {
    if (is_untied && tensor.name == head_tensor) continue;  // the embedding makes it
    if (const auto found = linears.find(tensor.name); found != linears.end()) {
      code(tensor, found->second);
    } else {
      copy(tensor, tensor.name);
    }
    if (is_untied && tensor.name == embedding) code(tensor, head);
  }
  std::sort(all.begin(), all.end(), goes_first);
  return all;
}

}  // namespace qgrain::exports
