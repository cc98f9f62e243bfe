#include <sweep/settings/naming.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <set>

namespace qgrain::sweep {
namespace {

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
  constexpr std::size_t longest = 200;
  std::string name;
  for (const auto& [key, value] : swept) {
    if (!name.empty()) name += ',';
    name.append(escaped(key)).append("=").append(escaped(value));
  }
  if (name.size() <= longest) return name;
  const std::string hash = hash_text(name);
  return name.substr(0, longest - hash.size() - 1) + "-" + hash;
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
