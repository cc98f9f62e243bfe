#include <common/number_text.hpp>
#include <sweep/settings/autoquant_settings.hpp>
#include <sweep/settings/config_access.hpp>

#include <qgrain/core/nearest_names.hpp>
#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace qgrain::sweep {
namespace {

double bits_from(double bits, std::string_view key) {
  if (!(bits > 0 && bits <= 16))
    throw error(errc::out_of_range, std::string(key) + " is " + common::number_text(bits) + "; it must lie in (0, 16]");
  return bits;
}

std::vector<double> bits_list_at(const json::object& config, std::string_view key) {
  const json::value* value = given(config, key);
  if (value == nullptr) return {};
  const auto is_number = [](const json::value& v) { return v.is_number(); };
  if (!value->is_array() || !std::all_of(value->get_array().begin(), value->get_array().end(), is_number))
    throw error(errc::invalid_argument, std::string(key) + ": must be a list of numbers");
  std::vector<double> bits;
  for (const json::value& number : value->get_array()) bits.push_back(bits_from(number.to_number<double>(), key));
  return bits;
}

std::optional<double> positive_at(const json::object& config, std::string_view key) {
  if (given(config, key) == nullptr) return std::nullopt;
  const double value = number_at(config, key);
  if (!(value > 0 && std::isfinite(value)))
    throw error(errc::out_of_range, std::string(key) + " is " + common::number_text(value) + "; it must be positive");
  return value;
}

std::vector<score_method> methods_at(const json::object& config, score_method first) {
  constexpr std::string_view key = "autoquant.methods";
  std::set<score_method> further;
  const std::vector<std::string> names = texts_at(config, key);
  if (names.size() == 1 && names.front() == "all") {
    for (std::size_t m = 0; m < score_methods; ++m) further.insert(static_cast<score_method>(m));
  } else {
    for (const std::string& name : names) further.insert(score_method_from(name, key));
  }
  std::vector<score_method> methods{first};
  for (const score_method method : further) {
    if (method != first) methods.push_back(method);
  }
  return methods;
}

std::vector<format_request> formats_at(const json::object& config) {
  constexpr std::string_view key = "autoquant.formats";
  std::vector<format_request> formats;
  std::set<std::string> seen;
  for (const std::string& text : texts_at(config, key)) {
    if (!seen.insert(text).second)
      throw error(errc::invalid_argument, std::string(key) + ": " + text + " stands twice");
    const std::size_t slash = text.find('/');
    if (slash == 0 || slash + 1 == text.size())
      throw error(errc::invalid_argument, std::string(key) + ": \"" + text + "\" is no \"<format>/<granularity>\"");
    formats.push_back({text.substr(0, slash), std::nullopt});
    if (slash != std::string::npos) formats.back().granularity = text.substr(slash + 1);
  }
  return formats;
}

cost_model cost_at(const json::object& config, cost_model otherwise) {
  const auto name = optional_text_at(config, "autoquant.cost");
  if (!name) return otherwise;
  try {
    return cost_model_from(*name);
  } catch (const error& fault) {
    throw error(fault.code(), std::string("autoquant.cost: ") + fault.what());
  }
}

}  // namespace

autoquant_settings autoquant_of(const json::object& config, bool is_modelopt) {
  autoquant_settings settings;
  settings.method = score_method_from(text_at(config, "autoquant.method"), "autoquant.method");
  settings.methods = methods_at(config, settings.method);
  settings.formats = formats_at(config);
  settings.effective_bits = bits_from(number_at(config, "autoquant.effective_bits"), "autoquant.effective_bits");
  settings.weight_bytes = positive_at(config, "autoquant.weight_bytes");
  settings.latency_ms = positive_at(config, "autoquant.latency_ms");
  if (const auto table = optional_text_at(config, "autoquant.latency_table")) settings.latency_table = *table;
  if (settings.latency_ms && settings.latency_table.empty())
    throw error(errc::invalid_argument, "autoquant.latency_ms needs autoquant.latency_table, a JSON file of times");
  const bool is_mix = !settings.formats.empty() && !is_modelopt;
  settings.cost = cost_at(config, is_mix ? cost_model::stored : cost_model::nominal);
  settings.groups.how = layer_fusion_from(text_at(config, "autoquant.grouping"));
  settings.groups.patterns = texts_at(config, "autoquant.group_rules");
  settings.disabled_layers = texts_at(config, "autoquant.disabled_layers");
  settings.exclude = texts_at(config, "autoquant.exclude");
  settings.kl_padding = flag_at(config, "autoquant.kl_padding");
  settings.fisher_draws = static_cast<std::uint64_t>(count_at(config, "autoquant.fisher.draws"));
  settings.fisher_seed = static_cast<std::uint64_t>(count_at(config, "autoquant.fisher.seed", 0));
  settings.shared_ranges =
      given(config, "autoquant.shared_ranges") != nullptr && flag_at(config, "autoquant.shared_ranges");
  settings.routers = given(config, "autoquant.routers") != nullptr ? flag_at(config, "autoquant.routers") : is_modelopt;
  settings.shared_experts = is_modelopt;
  settings.verify = flag_at(config, "autoquant.verify");
  settings.study_bits = bits_list_at(config, "autoquant.study_bits");
  return settings;
}

}  // namespace qgrain::sweep
