#include <quantize/granularity.hpp>

#include <array>
#include <export/folder/folder_schemes.hpp>
#include <export/folder/weight_rule.hpp>
#include <span>

namespace qgrain::exports {
namespace {

struct scheme_row {
  std::string_view name;
  std::string_view weight;
  std::string_view activation;
  std::string_view groups = {};  // usual ones, where they are open
};

constexpr std::string_view int8_token = "int8/per_token_dynamic";
constexpr std::string_view fp8_token = "fp8/per_token_dynamic";
constexpr std::string_view fp8_tensor = "fp8/per_tensor_static";
constexpr std::string_view nvfp4 = "nvfp4_modelopt";
constexpr std::string_view channel = "per_out_channel";

constexpr std::array<scheme_row, 18> compressed_tensors{{
    {"W4A16", "ct_int4", "", "group128"},
    {"W4A16_ASYM", "ct_int4_asymmetric", "", "group128"},
    {"W8A16", "ct_int8", "", channel},
    {"W8A16_ASYM", "ct_int8_asymmetric", "", channel},
    {"W8A8", "ct_int8/per_out_channel", int8_token},
    {"W8A8_STATIC", "ct_int8/per_out_channel", "int8/per_tensor_static"},
    {"W4A8", "ct_int4", int8_token, "group128"},
    {"W4AFP8", "ct_int4/group128", fp8_token},
    {"FP8", "ct_fp8/per_tensor", fp8_tensor},
    {"FP8_DYNAMIC", "ct_fp8/per_out_channel", fp8_token},
    {"FP8_BLOCK", "ct_fp8/tile128x128", "fp8/group128"},
    {"FP8A16", "ct_fp8", "", channel},
    {"NVFP4", "ct_nvfp4", nvfp4},
    {"NVFP4A16", "ct_nvfp4", ""},
    {"MXFP4", "torchao_mxfp4/even", "mxfp4_even"},
    {"MXFP4A16", "torchao_mxfp4/even", ""},
    {"MXFP8", "ct_mxfp8", "mxfp8_e4m3_rceil"},
    {"MXFP8A16", "ct_mxfp8", ""},
}};
constexpr std::array<scheme_row, 8> modelopt{{
    {"FP8", modelopt_fp8_name, fp8_tensor},
    {"FP8_DYNAMIC", "deepseek_fp8/per_out_channel", fp8_token},
    {"FP8_BLOCK", "deepseek_fp8/tile128x128", ""},
    {"NVFP4", "modelopt_nvfp4_packed", nvfp4},
    {"NVFP4A16", "modelopt_nvfp4_packed", ""},
    {"MXFP8", "modelopt_mxfp8_packed", "mxfp8_e4m3_modelopt"},
    // As quant_algo spells them.
    {"FP8_PER_CHANNEL_PER_TOKEN", "deepseek_fp8/per_out_channel", fp8_token},
    {"W4A16_NVFP4", "modelopt_nvfp4_packed", ""},
}};
constexpr std::array<scheme_row, 1> deepseek{{{"FP8_BLOCK", "deepseek_fp8/tile128x128", "fp8/group128"}}};

std::span<const scheme_row> rows_of(target to) {
  switch (to) {
    case target::compressed_tensors:
      return compressed_tensors;
    case target::modelopt:
      return modelopt;
    case target::deepseek_fp8:
      return deepseek;
    case target::gguf:
      break;
  }
  return {};
}

}  // namespace

std::optional<folder_scheme> find_folder_scheme(target to, std::string_view name) {
  const std::size_t slash = name.find('/');
  const std::string_view stem = name.substr(0, slash);
  for (const scheme_row& row : rows_of(to)) {
    if (row.name != stem) continue;
    if (row.groups.empty()) {
      if (slash != std::string_view::npos) return std::nullopt;
      return folder_scheme{std::string(row.weight), std::string(row.activation)};
    }
    const std::string_view groups = slash == std::string_view::npos ? row.groups : name.substr(slash + 1);
    if (!convert::parse_granularity(groups)) return std::nullopt;
    return folder_scheme{std::string(row.weight) + "/" + std::string(groups), std::string(row.activation)};
  }
  return std::nullopt;
}

std::vector<std::string> folder_scheme_names(target to) {
  std::vector<std::string> names;
  for (const scheme_row& row : rows_of(to)) {
    names.emplace_back(row.name);
    if (!row.groups.empty()) names.push_back(std::string(row.name) + "/<granularity>");
  }
  return names;
}

}  // namespace qgrain::exports
