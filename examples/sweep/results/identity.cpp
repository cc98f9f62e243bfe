#include <common/json_text.hpp>
#include <common/xxhash64.hpp>
#include <sweep/results/identity.hpp>
#include <sweep/results/output_folder.hpp>

#include <qgrain/core/nearest_names.hpp>

#include <array>
#include <utility>

namespace qgrain::sweep {
namespace {

struct identity_part {
  std::string_view key;
  const char* name;
  bool of_scores;
};

constexpr std::array<identity_part, 8> parts{{
    {"weights", "the weights", true},
    {"model_config", "the model's config.json", true},
    {"tokenizer", "the tokenizer's files", true},
    {"texts", "the texts (token ids)", true},
    {"configuration", "the configuration", false},
    {"formats", "the formats that the configuration names", false},
    {"latency_table", "the latency table", false},
    {"numerics", "the version of the numerics", true},
}};

std::string shown_part(const json::object& identity, std::string_view key) {
  const json::value* value = identity.if_contains(key);
  if (value == nullptr) return "none";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

}  // namespace

std::string configuration_hash(const json::object& config) {
  json::object shaping = shaping_keys(config);
  shaping.erase("jobs");  // a file of them, as a rule: what it holds is part of the formats
  return common::xxhash64_text(json::serialize(common::with_sorted_keys(shaping)));
}

json::object scores_identity(const json::object& identity) {
  json::object scores;
  for (const identity_part& part : parts) {
    const json::value* value = identity.if_contains(part.key);
    if (part.of_scores && value != nullptr) scores[part.key] = *value;
  }
  return scores;
}

json::object identity_in(const json::object& result) {
  const json::value* found = result.if_contains(identity_key);
  return found != nullptr && found->is_object() ? found->get_object() : json::object();
}

std::vector<std::string> differing_parts(const json::object& there, const json::object& here) {
  std::vector<std::string> found;
  for (const identity_part& part : parts) {
    const std::string one = shown_part(there, part.key), other = shown_part(here, part.key);
    if (one == other) continue;
    found.push_back(std::string(part.name).append(" (").append(one).append(" there, ").append(other).append(" here)"));
  }
  return found;
}

std::string identity_fault(std::string_view where, const json::object& there, const json::object& here) {
  if (there.empty()) {
    return std::string(where).append(
        " does not say which weights and texts it was made from, as results of older versions");
  }
  const std::vector<std::string> different = differing_parts(there, here);
  if (different.empty()) return {};
  return std::string(where).append(" was made from other input; these differ: ").append(join_names(different));
}

}  // namespace qgrain::sweep
