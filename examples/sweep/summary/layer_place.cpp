#include <sweep/summary/layer_place.hpp>

#include <algorithm>
#include <charconv>
#include <vector>

namespace qgrain::sweep {
namespace {

std::vector<std::string_view> parts_of(std::string_view name) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    parts.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<std::int64_t> number_in(std::string_view part) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), value);
  const bool is_number = code == std::errc() && end == part.data() + part.size() && value >= 0;
  return is_number ? std::optional(value) : std::nullopt;
}

}  // namespace

layer_place place_of(std::string_view name) {
  layer_place place;
  for (const std::string_view part : parts_of(name)) {
    const std::optional<std::int64_t> number = number_in(part);
    if (!place.depth) {
      place.depth = number;
      continue;
    }
    if (!place.kind.empty()) place.kind += '.';
    place.kind += number ? std::string_view("*") : part;
  }
  if (place.kind.empty()) return {std::string(name), std::nullopt};
  return place;
}

}  // namespace qgrain::sweep
