#include <lm/tokenizer/byte_level.hpp>
#include <lm/tokenizer/pre_tokenizer.hpp>
#include <lm/tokenizer/regex.hpp>

namespace qgrain::lm {
namespace {

constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

enum class kept_parts { all, matches, gaps };

pieces split(const regex& pattern, kept_parts kept, const pieces& texts) {
  pieces parts;
  pattern.for_each_part(texts, [&](std::string_view part, bool matched) {
    if (kept == kept_parts::all || matched == (kept == kept_parts::matches)) parts.emplace_back(part);
  });
  return parts;
}

regex read_pattern(const common::json_field& field) {
  if (const auto literal = field.find("String")) return regex::from_literal(literal->string());
  const common::json_field pattern = field.at("Regex");
  try {
    return regex::from_pattern(pattern.string());
  } catch (const error& failure) {
    pattern.fail(failure.code(), std::string("is not a valid regular expression: ") + failure.what());
  }
}

kept_parts read_behaviour(const common::json_field& component) {
  const common::json_field behaviour = component.at("behavior");
  if (behaviour.string() == "Isolated") return kept_parts::all;
  if (behaviour.string() == "Removed") {
    return component.flag("invert") ? kept_parts::matches : kept_parts::gaps;
  }
  behaviour.fail(errc::unsupported,
                 "is \"" + std::string(behaviour.string()) + "\"; supported are Isolated and Removed");
}

step<pieces> make_split(const common::json_field& component) {
  return [pattern = read_pattern(component.at("pattern")), kept = read_behaviour(component)](const pieces& texts) {
    return split(pattern, kept, texts);
  };
}

step<pieces> make_byte_level_pieces(const common::json_field& component) {
  const bool prefix_space = component.at("add_prefix_space").boolean();
  const auto use_regex = component.find("use_regex");  // absent in files older than the option, which always cut
  std::optional<regex> pattern;
  if (!use_regex || use_regex->boolean()) pattern = regex::from_pattern(gpt2_pattern);
  return [prefix_space, pattern](pieces texts) {
    if (prefix_space) {
      for (std::string& text : texts) {
        if (!text.starts_with(' ')) text.insert(text.begin(), ' ');
      }
    }
    if (pattern) texts = split(*pattern, kept_parts::all, texts);
    for (std::string& text : texts) text = to_byte_alphabet(text);
    return texts;
  };
}

}  // namespace

pipeline<pieces> read_pre_tokenizer(const common::json_field& component) {
  static constexpr step_type<pieces> types[] = {{"ByteLevel", make_byte_level_pieces}, {"Split", make_split}};
  return read_pipeline<pieces>(component, "pretokenizers", types);
}

}  // namespace qgrain::lm
