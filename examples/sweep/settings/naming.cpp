#include <sweep/settings/naming.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <set>

namespace qgrain::sweep {
namespace {

namespace json = boost::json;

constexpr std::string_view hex = "0123456789ABCDEF";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._-+").find(c) != std::string_view::npos;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_plain(c)) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', hex[byte >> 4U], hex[byte & 15U]};
    }
  }
  return result;
}

// FNV-1a, 64 bits.
std::string hash_text(std::string_view text) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  std::string digits;
  for (int shift = 60; shift >= 0; shift -= 4) digits += hex[(hash >> static_cast<unsigned>(shift)) & 15U];
  return digits;
}

constexpr std::size_t longest_component = 200;

// What is wrong with a part of a path, or nothing.
std::string component_fault(std::string_view name) {
  if (name.empty()) return "is empty";
  if (name == "." || name == "..") return "leads to another folder";
  if (name == ".sweep") return "is that of a run's state";
  if (name.find('/') != std::string_view::npos) return "holds a slash";
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (std::any_of(name.begin(), name.end(), is_control)) return "holds a control character";
  if (name.size() <= longest_component) return {};
  return "has " + std::to_string(name.size()) + " bytes, of which " + std::to_string(longest_component) +
         " are allowed";
}

[[noreturn]] void refuse_component(std::string_view key, std::string_view name, const std::string& fault) {
  constexpr std::size_t shown = 60;
  throw error(errc::invalid_argument, std::string(key) + " becomes the name of a folder or file of results, but " +
                                          json::serialize(json::value(json::string(name.substr(0, shown)))) +
                                          (name.size() > shown ? "... " : " ") + fault);
}

}  // namespace

std::string scheme_name(std::string_view pair, std::string_view chosen) {
  return chosen.empty() ? std::string(pair) + "_autoquant_lm" : std::string(chosen);
}

std::string pair_dir(std::string_view weight, std::string_view activation, std::string_view chosen) {
  if (!chosen.empty()) return std::string(chosen);
  return "weight-" + std::string(weight) + "-act-" + std::string(activation);
}

std::string run_dir(std::string_view model, std::string_view pair, std::string_view size, std::string_view chosen) {
  if (!chosen.empty()) return std::string(chosen);
  return std::string(model) + "_autoquant_" + std::string(pair) + "_lm_" + std::string(size);
}

std::string manifest_name(std::string_view scheme) { return std::string(scheme) + "_quant_manifest.json"; }

std::string time_text(const std::tm& time) {
  std::array<char, 64> buffer{};
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), "%Y-%m-%d_%H-%M-%S", &time);
  return {buffer.data(), size};
}

std::int64_t num_score_steps(std::int64_t score_size, std::int64_t batch_size, std::int64_t batches) noexcept {
  constexpr std::int64_t one = 1;
  const std::int64_t steps = std::max(std::max(score_size, one) / std::max(batch_size, one), one);
  return std::min(steps, std::max(batches, one));
}

std::string swept_dir(std::span<const std::pair<std::string, std::string>> swept) {
  std::string name;
  for (const auto& [key, value] : swept) {
    if (!name.empty()) name += ',';
    name.append(escaped(key)).append("=").append(escaped(value));
  }
  if (name.size() <= longest_component) return name;
  const std::string hash = hash_text(name);
  return name.substr(0, longest_component - hash.size() - 1) + "-" + hash;
}

void check_component(std::string_view key, std::string_view name) {
  if (const std::string fault = component_fault(name); !fault.empty()) refuse_component(key, name, fault);
}

void check_components(std::string_view key, std::string_view names) {
  for (std::string_view rest = names;;) {
    const std::size_t slash = rest.find('/');
    if (const std::string fault = component_fault(rest.substr(0, slash)); !fault.empty())
      refuse_component(key, names, names.starts_with('/') ? "leads to another folder" : fault);
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

void check_distinct(std::span<const std::filesystem::path> folders) {
  std::set<std::filesystem::path> seen;
  for (const auto& folder : folders) {
    if (!seen.insert(folder.lexically_normal()).second) {
      throw error(errc::invalid_argument, "two jobs would write to " + folder.string());
    }
  }
}

}  // namespace qgrain::sweep
