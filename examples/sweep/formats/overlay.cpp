#include <sweep/formats/overlay.hpp>

#include <array>
#include <optional>

namespace qgrain::sweep {
namespace {

struct fault_entry {
  std::string_view reason;
  bool is_type;
};

constexpr std::array<fault_entry, 10> faults{{
    {"the base has no quant_cfg mapping", true},
    {"only weight, input and default entries can be overridden", false},
    {"the override of a quantizer is no mapping", true},
    {"the base entry is neither a mapping nor a list of mappings", true},
    {"the base entry is an empty list", false},
    {"the override sets axis and block_sizes", false},
    {"axis and block_sizes both present after the merge (the base had both)", false},
    {"block_sizes of the override is no mapping", true},
    {"block_sizes of the base is no mapping", true},
    {"scale_block_sizes is no mapping", true},
}};

constexpr std::array<std::string_view, 3> overridable{"*weight_quantizer", "*input_quantizer", "default"};
constexpr std::array<std::string_view, 3> block_words{"type", "scale_bits", "scale_block_sizes"};

template <std::size_t Size>
bool contains(const std::array<std::string_view, Size>& words, std::string_view word) {
  for (const auto candidate : words) {
    if (candidate == word) return true;
  }
  return false;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits of `text` as Python's int(text) reads them: blanks around, one sign, single underscores between digits.
std::optional<std::string> python_integer(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\r\f\v";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(blanks) - first + 1);
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      if (!digits.empty() && digits == "0") digits.clear();
      digits += text[i];
    } else if (text[i] != '_' || i == 0 || !is_digit(text[i - 1]) || i + 1 == text.size()) {
      return std::nullopt;
    }
  }
  if (digits.empty()) return std::nullopt;
  return negative && digits != "0" ? "-" + digits : digits;
}

json::object normalised_block_sizes(const json::object& block_sizes, const std::string& where) {
  json::object result;
  for (const auto& entry : block_sizes) {
    const std::string_view key = entry.key();
    if (key == "scale_block_sizes") {
      if (!entry.value().is_object()) throw overlay_error(overlay_fault::scale_block_sizes_not_a_mapping, where);
      result[key] = normalised_block_sizes(entry.value().get_object(), where);
    } else if (contains(block_words, key)) {
      result[key] = entry.value();
    } else {
      result[python_integer(key).value_or(std::string(key))] = entry.value();
    }
  }
  return result;
}

void remove_key(json::object& object, std::string_view key) {
  // stable: the order of the remaining attributes is part of the result
  if (const auto found = object.find(key); found != object.end()) object.stable_erase(found);
}

json::object merged_block_sizes(const json::object& base, const json::value& override_value, const std::string& where) {
  if (!override_value.is_object()) throw overlay_error(overlay_fault::override_block_sizes_not_a_mapping, where);
  json::object result;
  if (const auto* present = base.if_contains("block_sizes"); present != nullptr && !present->is_null()) {
    if (!present->is_object()) throw overlay_error(overlay_fault::base_block_sizes_not_a_mapping, where);
    result = normalised_block_sizes(present->get_object(), where);
  }
  for (const auto& entry : normalised_block_sizes(override_value.get_object(), where))
    result[entry.key()] = entry.value();
  return result;
}

json::object merged_attributes(json::object attributes, const json::object& changes, const std::string& where) {
  const auto* axis = changes.if_contains("axis");
  const auto* blocks = changes.if_contains("block_sizes");
  if (axis != nullptr && blocks != nullptr) throw overlay_error(overlay_fault::axis_and_block_sizes, where);
  if (blocks != nullptr) attributes["block_sizes"] = merged_block_sizes(attributes, *blocks, where);
  for (const auto& entry : changes) {
    if (entry.key() != "block_sizes") attributes[entry.key()] = entry.value();
  }
  if (axis != nullptr) remove_key(attributes, "block_sizes");
  if (blocks != nullptr) remove_key(attributes, "axis");

  auto* surviving = attributes.if_contains("block_sizes");
  if (surviving == nullptr) return attributes;
  if (attributes.contains("axis")) throw overlay_error(overlay_fault::axis_and_block_sizes_after_merge, where);
  if (!surviving->is_object()) throw overlay_error(overlay_fault::base_block_sizes_not_a_mapping, where);
  *surviving = normalised_block_sizes(surviving->get_object(), where);
  return attributes;
}

json::value merged_entry(const json::value& base, const json::object& changes, const std::string& where) {
  if (base.is_null()) return merged_attributes({}, changes, where);
  if (base.is_object()) return merged_attributes(base.get_object(), changes, where);
  if (!base.is_array()) throw overlay_error(overlay_fault::base_entry_not_a_mapping, where);
  const auto& elements = base.get_array();
  if (elements.empty()) throw overlay_error(overlay_fault::base_entry_empty_list, where);
  json::array result;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    result.push_back(merged_entry(elements[i], changes, where + "[" + std::to_string(i) + "]"));
  }
  return result;
}

}  // namespace

std::string_view reason(overlay_fault fault) noexcept { return faults[static_cast<std::size_t>(fault)].reason; }

bool is_type_fault(overlay_fault fault) noexcept { return faults[static_cast<std::size_t>(fault)].is_type; }

overlay_error::overlay_error(overlay_fault fault, const std::string& where)
    : error(errc::invalid_argument, where + ": " + std::string(reason(fault))), fault_(fault) {}

json::object merge_overlay(const json::object& base, const json::object& overrides) {
  json::object result = base;
  if (overrides.empty()) return result;
  auto* quant_cfg = result.if_contains("quant_cfg");
  if (quant_cfg == nullptr || !quant_cfg->is_object()) {
    throw overlay_error(overlay_fault::base_without_quant_cfg, "quant_cfg");
  }
  for (const auto& entry : overrides) {
    const std::string where = "quant_cfg[" + std::string(entry.key()) + "]";
    if (!contains(overridable, entry.key())) throw overlay_error(overlay_fault::unknown_entry, where);
    if (!entry.value().is_object()) throw overlay_error(overlay_fault::override_not_a_mapping, where);
    auto& merged = quant_cfg->get_object()[entry.key()];
    merged = merged_entry(merged, entry.value().get_object(), where);
  }
  return result;
}

}  // namespace qgrain::sweep
