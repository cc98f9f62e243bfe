#include <lm/tokenizer/byte_level.hpp>
#include <lm/tokenizer/decoder.hpp>
#include <lm/tokenizer/metaspace.hpp>
#include <lm/tokenizer/text_parts.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>

namespace qgrain::lm {
namespace {

std::string joined(const token_texts& tokens, std::string_view separator) {
  std::string text;
  for (const std::string& token : tokens) {
    if (&token != &tokens.front()) text += separator;
    text += token;
  }
  return text;
}

step<token_texts> make_byte_level_decoder(const common::json_field&) {
  return [](token_texts tokens) {
    for (std::string& token : tokens) token = from_byte_alphabet(token);
    return token_texts{repaired(joined(tokens, ""))};
  };
}

step<token_texts> make_fuse(const common::json_field&) {
  return [](const token_texts& tokens) { return token_texts{joined(tokens, "")}; };
}

step<token_texts> make_replace_decoder(const common::json_field& component) {
  return [pattern = read_text_pattern(component.at("pattern")),
          content = std::string(component.at("content").string())](token_texts tokens) {
    const text_scanner scan = pattern();
    for (std::string& token : tokens) token = replaced(token, scan, content);
    return tokens;
  };
}

std::optional<char> byte_of_token(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || !token.ends_with('>')) return std::nullopt;
  std::uint8_t byte = 0;
  const char* const end = token.data() + 5;
  const auto [stop, status] = std::from_chars(token.data() + 3, end, byte, 16);
  if (status != std::errc() || stop != end) return std::nullopt;
  return static_cast<char>(byte);
}

step<token_texts> make_byte_fallback(const common::json_field&) {
  return [](const token_texts& tokens) {
    token_texts result;
    std::string bytes;
    const auto flush = [&] {
      if (bytes.empty()) return;
      if (!first_ill_formed_byte(bytes)) {
        result.push_back(bytes);
      } else {
        result.insert(result.end(), bytes.size(), std::string(replacement_character));
      }
      bytes.clear();
    };
    for (const std::string& token : tokens) {
      if (const auto byte = byte_of_token(token)) {
        bytes += *byte;
        continue;
      }
      flush();
      result.push_back(token);
    }
    flush();
    return result;
  };
}

step<token_texts> make_strip_decoder(const common::json_field& component) {
  const std::string content(component.at("content").string());
  if (content.empty()) component.at("content").fail(errc::bad_file, "is empty");
  const std::int64_t start = component.at("start").count();
  const std::int64_t stop = component.at("stop").count();
  return [content, start, stop](token_texts tokens) {
    for (std::string& token : tokens) {
      std::string_view rest = token;
      for (std::int64_t i = 0; i < start && rest.starts_with(content); ++i) rest.remove_prefix(content.size());
      for (std::int64_t i = 0; i < stop && rest.ends_with(content); ++i) rest.remove_suffix(content.size());
      token = std::string(rest);
    }
    return tokens;
  };
}

}  // namespace

pipeline<token_texts> read_decoder(const std::optional<common::json_field>& component) {
  static constexpr step_type<token_texts> types[] = {
      {"ByteLevel", make_byte_level_decoder}, {"ByteFallback", make_byte_fallback},
      {"Replace", make_replace_decoder},      {"Fuse", make_fuse},
      {"Strip", make_strip_decoder},          {"Metaspace", make_metaspace_decoder},
  };
  if (!component) {
    return {[](const token_texts& tokens) { return token_texts{joined(tokens, " ")}; }};
  }
  return read_pipeline<token_texts>(*component, "decoders", types);
}

std::string byte_token(unsigned char byte) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte >> 4U], digits[byte & 15U], '>'};
}

}  // namespace qgrain::lm
