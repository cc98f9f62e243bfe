#include <hydra/override.hpp>
#include <sweep/run/swept_keys.hpp>

#include <algorithm>
#include <string_view>

namespace qgrain::sweep {
namespace {

bool has_own_folder(std::string_view key) {
  return key == "quant_pair" || key == "quant_format" || key == "quant_granularity" || key == "dataset.size";
}

}  // namespace

std::vector<std::string> swept_keys(std::span<const std::string> overrides) {
  std::vector<std::string> keys;
  for (const std::string& text : overrides) {
    const hydra::config_override parsed = hydra::parse_override(text);
    if (hydra::swept_value(parsed) != nullptr) keys.push_back(hydra::key_text(parsed));
  }
  return keys;
}

std::vector<std::pair<std::string, std::string>> swept_values(std::span<const std::string> overrides,
                                                              std::span<const std::string> keys) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const std::string& text : overrides) {
    const std::string key = hydra::key_text(hydra::parse_override(text));
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) continue;
    values.emplace_back(key, text.substr(std::min(text.find('=') + 1, text.size())));
  }
  return values;
}

std::string swept_text(std::span<const std::string> overrides, std::span<const std::string> keys) {
  std::string text;
  for (const auto& [key, value] : swept_values(overrides, keys))
    text.append(text.empty() ? "[" : ", ").append(key).append("=").append(value);
  return text.empty() ? text : text.append("] ");
}

std::vector<std::pair<std::string, std::string>> further_values(std::span<const std::string> overrides,
                                                                std::span<const std::string> keys) {
  std::vector<std::pair<std::string, std::string>> values = swept_values(overrides, keys);
  std::erase_if(values, [](const auto& swept) { return has_own_folder(swept.first); });
  return values;
}

}  // namespace qgrain::sweep
