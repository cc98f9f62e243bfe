#include <hydra/override.hpp>

namespace qgrain::hydra {

std::string key_text(const config_override& parsed) {
  constexpr const char* operators[] = {"", "+", "++", "~"};
  return operators[static_cast<std::size_t>(parsed.type)] + parsed.key + (parsed.package ? "@" + *parsed.package : "");
}

const element* plain_value(const config_override& parsed) noexcept {
  return parsed.value ? std::get_if<element>(&*parsed.value) : nullptr;
}

const sweep_value* swept_value(const config_override& parsed) noexcept {
  return parsed.value ? std::get_if<sweep_value>(&*parsed.value) : nullptr;
}

}  // namespace qgrain::hydra
