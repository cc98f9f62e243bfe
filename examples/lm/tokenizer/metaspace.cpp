#include <lm/tokenizer/metaspace.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <cstddef>

namespace qgrain::lm {
namespace {

enum class prepend_scheme { always, first, never };

prepend_scheme read_scheme(const common::json_field& component) {
  const auto scheme = component.find("prepend_scheme");
  if (!scheme) return component.flag("add_prefix_space", true) ? prepend_scheme::always : prepend_scheme::never;
  if (scheme->string() == "always") return prepend_scheme::always;
  if (scheme->string() == "first") return prepend_scheme::first;
  if (scheme->string() == "never") return prepend_scheme::never;
  scheme->must_be("always, first or never");
}

std::string read_replacement(const common::json_field& component) {
  const common::json_field field = component.at("replacement");
  const std::string_view text = field.string();
  std::size_t end = 0;
  if (!text.empty()) next_code_point(text, end);
  if (text.empty() || end != text.size()) field.must_be("one character");
  return std::string(text);
}

}  // namespace

step<pieces> make_metaspace_pieces(const common::json_field& component) {
  const std::string mark = read_replacement(component);
  const prepend_scheme scheme = read_scheme(component);
  step<pieces> cut;
  if (component.flag("split", true)) cut = cut_by(pattern_of_text(mark), cut_behaviour::merged_with_next);
  return [mark, scheme, cut, spaces = pattern_of_text(" ")](pieces texts) {
    const text_scanner scan = spaces();
    for (piece& part : texts) {
      part.text = replaced(part.text, scan, mark);
      const bool wanted = scheme == prepend_scheme::always || (scheme == prepend_scheme::first && part.begins_text);
      if (wanted && !part.text.starts_with(mark)) part.text.insert(0, mark);
    }
    return cut ? cut(std::move(texts)) : texts;
  };
}

step<token_texts> make_metaspace_decoder(const common::json_field& component) {
  const bool drops_first = read_scheme(component) != prepend_scheme::never;
  return [drops_first, pattern = pattern_of_text(read_replacement(component))](token_texts tokens) {
    const text_scanner scan = pattern();
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = replaced(tokens[i], scan, i == 0 && drops_first ? "" : " ");
    }
    return tokens;
  };
}

}  // namespace qgrain::lm
