#include <lm/tokenizer/pieces.hpp>

#include <array>
#include <cstddef>

namespace qgrain::lm {
namespace {

constexpr std::array<std::string_view, 5> behaviour_names{"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext",
                                                          "Contiguous"};

struct text_part {
  std::size_t begin;
  std::size_t size;
  bool matched;
};

// Whether two neighbours stay together.
bool are_one(cut_behaviour behaviour, bool left_matched, bool right_matched) {
  switch (behaviour) {
    case cut_behaviour::merged_with_previous:
      return right_matched && !left_matched;
    case cut_behaviour::merged_with_next:
      return left_matched && !right_matched;
    case cut_behaviour::contiguous:
      return left_matched == right_matched;
    case cut_behaviour::removed:
    case cut_behaviour::isolated:
      break;
  }
  return false;
}

void append(const piece& whole, const std::vector<text_part>& parts, cut_behaviour behaviour, pieces& result) {
  const text_part* before = nullptr;
  for (const text_part& part : parts) {
    const std::string_view text = std::string_view(whole.text).substr(part.begin, part.size);
    if (before != nullptr && are_one(behaviour, before->matched, part.matched)) {
      result.back().text.append(text);
    } else if (behaviour != cut_behaviour::removed || !part.matched) {
      result.push_back({std::string(text), whole.begins_text && part.begin == 0});
    }
    before = &part;
  }
}

}  // namespace

cut_behaviour read_cut_behaviour(const common::json_field& name) {
  std::string known;
  for (std::size_t i = 0; i < behaviour_names.size(); ++i) {
    if (behaviour_names[i] == name.string()) return static_cast<cut_behaviour>(i);
    known.append(i == 0 ? "" : ", ").append(behaviour_names[i]);
  }
  name.fail(errc::unsupported, "is \"" + std::string(name.string()) + "\"; supported are " + known);
}

step<pieces> cut_by(text_pattern pattern, cut_behaviour behaviour, bool inverted) {
  return [pattern = std::move(pattern), behaviour, inverted](const pieces& texts) {
    const text_scanner scan = pattern();
    pieces result;
    std::vector<text_part> parts;
    for (const piece& whole : texts) {
      parts.clear();
      scan(whole.text, [&](std::string_view part, bool matched) {
        parts.push_back({static_cast<std::size_t>(part.data() - whole.text.data()), part.size(), matched != inverted});
      });
      append(whole, parts, behaviour, result);
    }
    return result;
  };
}

}  // namespace qgrain::lm
