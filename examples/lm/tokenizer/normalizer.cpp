#include <lm/tokenizer/normalizer.hpp>
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

}  // namespace

pipeline<std::string> read_normalizer(const common::json_field& component) {
  static constexpr step_type<std::string> types[] = {
      {"NFC", make_form<icu::Normalizer2::getNFCInstance>},
      {"NFD", make_form<icu::Normalizer2::getNFDInstance>},
      {"NFKC", make_form<icu::Normalizer2::getNFKCInstance>},
      {"NFKD", make_form<icu::Normalizer2::getNFKDInstance>},
  };
  return read_pipeline<std::string>(component, "normalizers", types);
}

}  // namespace qgrain::lm
