#include <lm/tokenizer/regex.hpp>
#include <lm/tokenizer/text_parts.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <utility>

namespace qgrain::lm {

text_pattern pattern_of_text(std::string wanted) {
  return [wanted = std::move(wanted)]() -> text_scanner {
    return [wanted](std::string_view text, const part_visitor& visit) {
      std::size_t seen = 0;
      for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, seen)) {
        if (seen < at) visit(text.substr(seen, at - seen), false);
        visit(text.substr(at, wanted.size()), true);
        seen = at + wanted.size();
      }
      if (seen < text.size()) visit(text.substr(seen), false);
    };
  };
}

text_pattern pattern_of_characters(bool (*belongs)(char32_t code_point)) {
  return [belongs]() -> text_scanner {
    return [belongs](std::string_view text, const part_visitor& visit) {
      std::size_t seen = 0;
      for (std::size_t position = 0; position < text.size();) {
        const std::size_t begin = position;
        if (!belongs(next_code_point(text, position))) continue;
        if (seen < begin) visit(text.substr(seen, begin - seen), false);
        visit(text.substr(begin, position - begin), true);
        seen = position;
      }
      if (seen < text.size()) visit(text.substr(seen), false);
    };
  };
}

text_pattern read_text_pattern(const common::json_field& field) {
  if (const auto literal = field.find("String")) {
    if (literal->string().empty()) literal->fail(errc::bad_file, "is empty");
    return pattern_of_text(std::string(literal->string()));
  }
  const common::json_field pattern = field.at("Regex");
  try {
    return [compiled = regex::from_pattern(pattern.string())] { return compiled.scanner(); };
  } catch (const error& failure) {
    pattern.fail(failure.code(), std::string("is not a valid regular expression: ") + failure.what());
  }
}

std::string replaced(std::string_view text, const text_scanner& scan, std::string_view content) {
  std::string result;
  result.reserve(text.size());
  scan(text, [&](std::string_view part, bool matched) { result.append(matched ? content : part); });
  return result;
}

}  // namespace qgrain::lm
