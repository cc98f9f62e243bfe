#include <hydra/casts.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>

namespace qgrain::hydra {
namespace {

[[noreturn]] void refuse_cast(const std::string& reason) { throw error(errc::invalid_argument, reason); }

element cast_scalar(cast_type type, const element& value);

number integer_of(const element& value) {
  if (const auto* text = std::get_if<text_value>(&value.value)) {
    if (auto integer = read_integer(text->characters)) return *integer;
  } else if (const auto real = numeric(value)) {
    if (auto integer = to_integer(*real)) return *integer;
  }
  refuse_cast("cannot make an integer of " + canonical_text(value));
}

number floating_of(const element& value) {
  if (const auto* text = std::get_if<text_value>(&value.value)) {
    if (const auto real = read_double(text->characters)) return *real;
  } else if (const auto real = numeric(value)) {
    return to_double(*real);
  }
  refuse_cast("cannot make a floating-point number of " + canonical_text(value));
}

text_value text_of_scalar(const element& value) {
  if (const auto* text = std::get_if<text_value>(&value.value)) return {text->characters};
  if (const auto* flag = std::get_if<bool>(&value.value)) return {*flag ? "true" : "false"};
  if (const auto real = numeric(value)) return {text_of(*real)};
  refuse_cast("cannot make text of " + canonical_text(value));
}

bool truth_of(const element& value) {
  if (const auto* text = std::get_if<text_value>(&value.value)) {
    std::string lower = text->characters;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    if (lower == "true" || lower == "false") return lower == "true";
    refuse_cast("cannot make true or false of " + canonical_text(value));
  }
  const auto real = numeric(value);
  return real && compare(*real, whole_number(0)) != 0;  // null is false, NaN is true
}

element cast_element(cast_type type, const element& value) {
  if (const auto* list = std::get_if<element_list>(&value.value)) {
    element_list result;
    for (const auto& item : *list) result.push_back(cast_element(type, item));
    return {std::move(result)};
  }
  if (const auto* dictionary = std::get_if<element_dictionary>(&value.value)) {
    auto result = *dictionary;
    for (auto& entry : result) entry.value = cast_element(type, entry.value);
    return {std::move(result)};
  }
  return cast_scalar(type, value);
}

element cast_scalar(cast_type type, const element& value) {
  switch (type) {
    case cast_type::integer:
      return {integer_of(value)};
    case cast_type::floating:
      return {floating_of(value)};
    case cast_type::text:
      return {text_of_scalar(value)};
    case cast_type::boolean:
      return {truth_of(value)};
  }
  return value;
}

number cast_number(cast_type type, const number& value) {
  if (type == cast_type::integer) return integer_of({value});
  if (type == cast_type::floating) return floating_of({value});
  refuse_cast("takes no range or interval; int and float do");
}

}  // namespace

override_value cast(cast_type type, const override_value& value) {
  if (const auto* plain = std::get_if<element>(&value)) return cast_element(type, *plain);
  const auto& sweep = std::get<sweep_value>(value);
  if (const auto* choices = std::get_if<choice_sweep>(&sweep)) {
    auto elements = std::get<element_list>(cast_element(type, {choices->choices}).value);
    return sweep_value(choice_sweep{.choices = std::move(elements), .written_as = choices->written_as});
  }
  if (const auto* range = std::get_if<range_sweep>(&sweep)) {
    return sweep_value(range_sweep{.start = cast_number(type, range->start),
                                   .stop = cast_number(type, range->stop),
                                   .step = cast_number(type, range->step)});
  }
  if (const auto* interval = std::get_if<interval_sweep>(&sweep)) {
    return sweep_value(interval_sweep{
        .start = cast_number(type, interval->start), .end = cast_number(type, interval->end), .tags = interval->tags});
  }
  refuse_cast("takes no glob");
}

}  // namespace qgrain::hydra
