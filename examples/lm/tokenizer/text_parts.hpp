// Consecutive parts of a text: what a pattern matches and the gaps between.
#ifndef QGRAIN_LM_TOKENIZER_TEXT_PARTS_HPP
#define QGRAIN_LM_TOKENIZER_TEXT_PARTS_HPP

#include <common/json.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace qgrain::lm {

using part_visitor = std::function<void(std::string_view part, bool matched)>;

/// Shows the parts that together are the text, from left to right. Empty parts are left out, but an empty match still
/// separates. For one thread.
using text_scanner = std::function<void(std::string_view text, const part_visitor& visit)>;

/// A pattern, which threads may share: it makes scanners.
using text_pattern = std::function<text_scanner()>;

/// `{"String": ...}` matches exactly this text, `{"Regex": ...}` a regular expression. Throws `bad_file` or
/// `unsupported` for one that cannot be compiled, `bad_file` for an empty string.
[[nodiscard]] text_pattern read_text_pattern(const common::json_field& field);

[[nodiscard]] text_pattern pattern_of_text(std::string text);

/// Matches each character of a class by itself.
[[nodiscard]] text_pattern pattern_of_characters(bool (*belongs)(char32_t code_point));

/// The text with `content` in the place of each match.
[[nodiscard]] std::string replaced(std::string_view text, const text_scanner& scan, std::string_view content);

}  // namespace qgrain::lm

#endif
