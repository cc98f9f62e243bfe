#include <lm/tokenizer/byte_level.hpp>
#include <lm/tokenizer/metaspace.hpp>
#include <lm/tokenizer/pre_tokenizer.hpp>
#include <lm/tokenizer/regex.hpp>
#include <lm/tokenizer/utf8.hpp>

namespace qgrain::lm {
namespace {

constexpr std::string_view gpt2_pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

step<pieces> make_split(const common::json_field& component) {
  return cut_by(read_text_pattern(component.at("pattern")), read_cut_behaviour(component.at("behavior")),
                component.flag("invert"));
}

step<pieces> make_digits(const common::json_field& component) {
  return cut_by(pattern_of_characters(is_number),
                component.flag("individual_digits") ? cut_behaviour::isolated : cut_behaviour::contiguous);
}

step<pieces> make_punctuation(const common::json_field& component) {
  const auto behaviour = component.find("behavior");
  return cut_by(pattern_of_characters(is_punctuation),
                behaviour ? read_cut_behaviour(*behaviour) : cut_behaviour::isolated);
}

step<pieces> make_white_space(const common::json_field&) {
  return cut_by(pattern_of_characters(is_white_space), cut_behaviour::removed);
}

step<pieces> make_byte_level_pieces(const common::json_field& component) {
  const bool prefix_space = component.at("add_prefix_space").boolean();
  const auto use_regex = component.find("use_regex");  // absent in files older than the option, which always cut
  step<pieces> cut;
  if (!use_regex || use_regex->boolean()) {
    const regex pattern = regex::from_pattern(gpt2_pattern);
    cut = cut_by([pattern] { return pattern.scanner(); }, cut_behaviour::isolated);
  }
  return [prefix_space, cut](pieces texts) {
    if (prefix_space) {
      for (piece& part : texts) {
        if (!part.text.starts_with(' ')) part.text.insert(part.text.begin(), ' ');
      }
    }
    if (cut) texts = cut(std::move(texts));
    for (piece& part : texts) part.text = to_byte_alphabet(part.text);
    return texts;
  };
}

}  // namespace

pipeline<pieces> read_pre_tokenizer(const common::json_field& component) {
  static constexpr step_type<pieces> types[] = {
      {"ByteLevel", make_byte_level_pieces},
      {"Split", make_split},
      {"Digits", make_digits},
      {"Punctuation", make_punctuation},
      {"WhitespaceSplit", make_white_space},
      {"Metaspace", make_metaspace_pieces},
  };
  return read_pipeline<pieces>(component, "pretokenizers", types);
}

}  // namespace qgrain::lm
