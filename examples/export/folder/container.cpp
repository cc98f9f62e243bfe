#include <qgrain/core/status.hpp>

#include <export/folder/container.hpp>

namespace qgrain::exports {

const folder_container& container_of(target to) {
  switch (to) {
    case target::compressed_tensors:
      return compressed_tensors_container();
    case target::modelopt:
      return modelopt_container();
    case target::deepseek_fp8:
      return deepseek_container();
    case target::gguf:
      break;
  }
  throw error(errc::invalid_argument, std::string(name_of(to)) + " is no folder");
}

std::vector<std::string> targets_with(const stored_format& format) {
  std::vector<std::string> names;
  for (const target to : {target::compressed_tensors, target::modelopt, target::deepseek_fp8}) {
    if (container_of(to).scheme_of(format)) names.emplace_back(name_of(to));
  }
  return names;
}

std::vector<std::string> unquantized_linears(const folder_plan& plan) {
  std::vector<std::string> names;
  for (std::size_t l = 0; l < plan.codings.size(); ++l) {
    if (!plan.codings[l]) names.push_back(plan.table.layers[l].linear.name);
  }
  return names;
}

std::vector<std::int64_t> scale_shape_of(const model_linear& linear, const stored_format& format) {
  if (format.groups == granularity_kind::per_tensor) return {1};
  const shape2d scales = format.scales({linear.rows, linear.cols});
  return {scales.rows, scales.cols};
}

planned_tensor tensor_named(const model_linear& linear, std::string_view suffix, lm::dtype type,
                            std::vector<std::int64_t> shape, tensor_role role) {
  std::int64_t bytes = lm::bytes_of(type);
  for (const std::int64_t extent : shape) bytes *= extent;
  return {linear.name + "." + std::string(suffix), type, std::move(shape), bytes, role};
}

}  // namespace qgrain::exports
