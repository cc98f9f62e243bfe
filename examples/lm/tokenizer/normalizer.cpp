#include <lm/tokenizer/normalizer.hpp>
#include <lm/tokenizer/precompiled.hpp>
#include <lm/tokenizer/text_parts.hpp>
#include <lm/tokenizer/utf8.hpp>

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

namespace qgrain::lm {
namespace {

using form_getter = const icu::Normalizer2* (*)(UErrorCode&);

template <form_getter Getter>
step<std::string> make_form(const common::json_field& component) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = Getter(status);  // owned by ICU, lives as long as the program
  if (U_FAILURE(status)) component.fail(errc::unsupported, std::string("is missing in ICU: ") + u_errorName(status));
  return [form](std::string text) {
    UErrorCode outcome = U_ZERO_ERROR;
    const icu::StringPiece source(text.data(), static_cast<std::int32_t>(text.size()));
    std::string normalized;
    icu::StringByteSink<std::string> sink(&normalized, source.length());
    form->normalizeUTF8(0, source, sink, nullptr, outcome);
    if (U_FAILURE(outcome)) {
      throw error(errc::invalid_argument, std::string("ICU cannot normalize the text: ") + u_errorName(outcome));
    }
    return normalized;
  };
}

step<std::string> make_prepend(const common::json_field& component) {
  return [prefix = std::string(component.at("prepend").string())](std::string text) {
    return text.empty() ? text : prefix + text;
  };
}

step<std::string> make_replace(const common::json_field& component) {
  return [pattern = read_text_pattern(component.at("pattern")),
          content = std::string(component.at("content").string())](const std::string& text) {
    return replaced(text, pattern(), content);
  };
}

step<std::string> make_strip(const common::json_field& component) {
  const bool left = component.at("strip_left").boolean();
  const bool right = component.at("strip_right").boolean();
  return [left, right](const std::string& text) {
    const std::size_t begin = left ? skip_space_right(text, 0) : 0;
    const std::size_t end = right ? skip_space_left(text, text.size()) : text.size();
    return begin < end ? text.substr(begin, end - begin) : std::string();
  };
}

}  // namespace

pipeline<std::string> read_normalizer(const common::json_field& component) {
  static constexpr step_type<std::string> types[] = {
      {"NFC", make_form<icu::Normalizer2::getNFCInstance>},
      {"NFD", make_form<icu::Normalizer2::getNFDInstance>},
      {"NFKC", make_form<icu::Normalizer2::getNFKCInstance>},
      {"NFKD", make_form<icu::Normalizer2::getNFKDInstance>},
      {"Prepend", make_prepend},
      {"Replace", make_replace},
      {"Strip", make_strip},
      {"Precompiled", make_precompiled},
  };
  return read_pipeline<std::string>(component, "normalizers", types);
}

}  // namespace qgrain::lm
