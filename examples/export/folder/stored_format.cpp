#include <array>
#include <export/folder/stored_format.hpp>
#include <utility>

namespace qgrain::exports {
namespace {

constexpr std::array<std::pair<std::string_view, input_kind>, 15> activations{{
    {"int8/per_token_dynamic", input_kind::int8_token},
    {"int8/per_tensor_static", input_kind::int8_tensor},
    {"fp8/per_token_dynamic", input_kind::fp8_token},
    {"fp8/per_tensor_static", input_kind::fp8_tensor},
    {"fp8/group128", input_kind::fp8_group},
    {"nvfp4_modelopt", input_kind::nvfp4},
    {"nvfp4_modelopt_kernel", input_kind::nvfp4},
    {"nvfp4_torchao", input_kind::nvfp4},
    {"mxfp4_ocp", input_kind::mxfp4},
    {"mxfp4_even", input_kind::mxfp4},
    {"mxfp4_rceil", input_kind::mxfp4},
    {"mxfp4_modelopt", input_kind::mxfp4},
    {"mxfp8_e4m3_ocp", input_kind::mxfp8},
    {"mxfp8_e4m3_rceil", input_kind::mxfp8},
    {"mxfp8_e4m3_modelopt", input_kind::mxfp8},
}};

std::string grouping_name(const stored_format& format) {
  switch (format.groups) {
    case granularity_kind::per_tensor:
      return " per_tensor";
    case granularity_kind::per_group:
      return " group" + std::to_string(format.size.cols);
    case granularity_kind::per_tile:
      return " tile" + std::to_string(format.size.rows) + "x" + std::to_string(format.size.cols);
    default:
      return "";
  }
}

std::string_view input_suffix(input_kind input) {
  switch (input) {
    case input_kind::none:
      return "A16";
    case input_kind::int8_token:
      return "A8";
    case input_kind::int8_tensor:
      return "A8_STATIC";
    case input_kind::fp8_token:
      return "AFP8";
    case input_kind::fp8_tensor:
      return "AFP8_STATIC";
    case input_kind::fp8_group:
      return "AFP8_GROUP";
    case input_kind::nvfp4:
      return "ANVFP4";
    case input_kind::mxfp4:
      return "AMXFP4";
    case input_kind::mxfp8:
      return "AMXFP8";
  }
  return "";
}

// A format whose elements and inputs are of one kind has the kind's name.
std::string with_input(std::string name, input_kind input, input_kind own) {
  return input == own ? name : name.append(input_suffix(input));
}

}  // namespace

std::optional<input_kind> find_input_kind(std::string_view activation) {
  if (activation.empty()) return input_kind::none;
  for (const auto& [name, kind] : activations) {
    if (name == activation) return kind;
  }
  return std::nullopt;
}

std::string name_of(const stored_format& f) {
  switch (f.element) {
    case element_kind::nvfp4:
      return with_input("NVFP4", f.input, input_kind::nvfp4);
    case element_kind::mxfp4:
      return with_input("MXFP4", f.input, input_kind::mxfp4);
    case element_kind::mxfp8:
      return with_input("MXFP8", f.input, input_kind::mxfp8);
    case element_kind::fp8:
      if (f.groups == granularity_kind::per_tensor && f.input == input_kind::fp8_tensor) return "FP8";
      if (f.groups == granularity_kind::per_out_channel && f.input == input_kind::fp8_token) return "FP8_DYNAMIC";
      if (f.is_tile_of(128) && f.input == input_kind::fp8_group) return "FP8_BLOCK";
      return "FP8" + std::string(input_suffix(f.input)) + grouping_name(f);
    case element_kind::integer:
      break;
  }
  return "W" + std::to_string(f.bits) + std::string(input_suffix(f.input)) + (f.symmetric ? "" : "_ASYM") +
         grouping_name(f);
}

}  // namespace qgrain::exports
