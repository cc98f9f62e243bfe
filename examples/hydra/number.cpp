#include <common/number_text.hpp>
#include <hydra/number.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace qgrain::hydra {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\n\r\f\v";
  const std::size_t first = text.find_first_not_of(white);
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(white) - first + 1);
}

// Without the underscores; empty where one does not stand between two digits.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      result += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return result;
}

std::partial_ordering compare_mixed(const big_integer& a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (std::isinf(b)) return 0.0 <=> b;
  const double whole = std::trunc(b);
  const int order = a.compare(big_integer(whole));
  return order != 0 ? order <=> 0 : whole <=> b;
}

}  // namespace

std::partial_ordering compare(const number& a, const number& b) {
  const auto* integer_a = std::get_if<big_integer>(&a);
  const auto* integer_b = std::get_if<big_integer>(&b);
  if (integer_a && integer_b) return integer_a->compare(*integer_b) <=> 0;
  if (integer_a) return compare_mixed(*integer_a, std::get<double>(b));
  if (integer_b) return 0 <=> compare_mixed(*integer_b, std::get<double>(a));
  return std::get<double>(a) <=> std::get<double>(b);
}

number add(const number& a, const number& b) {
  const auto* integer_a = std::get_if<big_integer>(&a);
  const auto* integer_b = std::get_if<big_integer>(&b);
  if (integer_a && integer_b) return big_integer(*integer_a + *integer_b);
  return to_double(a) + to_double(b);
}

number negated(const number& a) {
  if (const auto* integer = std::get_if<big_integer>(&a)) return big_integer(-*integer);
  return -std::get<double>(a);
}

number magnitude(const number& a) {
  if (const auto* integer = std::get_if<big_integer>(&a)) return big_integer(abs(*integer));
  return std::abs(std::get<double>(a));
}

double to_double(const number& a) {
  const auto* integer = std::get_if<big_integer>(&a);
  return integer ? std::strtod(integer->str().c_str(), nullptr) : std::get<double>(a);
}

std::optional<big_integer> to_integer(const number& a) {
  if (const auto* integer = std::get_if<big_integer>(&a)) return *integer;
  const double value = std::get<double>(a);
  if (!std::isfinite(value)) return std::nullopt;
  return big_integer(std::trunc(value));
}

std::string text_of(const number& a) {
  if (const auto* integer = std::get_if<big_integer>(&a)) return integer->str();
  const double value = std::get<double>(a);
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return common::number_text(value);
}

std::optional<big_integer> read_integer(std::string_view text) {
  auto digits = without_underscores(trimmed(text));
  if (!digits || digits->empty()) return std::nullopt;
  const bool negative = digits->front() == '-';
  if (negative || digits->front() == '+') digits->erase(0, 1);
  if (digits->empty() || !std::all_of(digits->begin(), digits->end(), is_digit)) return std::nullopt;
  // a leading zero would make cpp_int read the digits as octal
  digits->erase(0, std::min(digits->find_first_not_of('0'), digits->size() - 1));
  const big_integer value(*digits);
  return negative ? big_integer(-value) : value;
}

std::optional<double> read_double(std::string_view text) {
  const auto digits = without_underscores(trimmed(text));
  // strtod also knows hexadecimal digits and nan(...), and skips white space that may have stood before an underscore
  if (!digits || digits->empty() || digits->find_first_of("xX( \t") != std::string::npos) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(digits->c_str(), &end);
  if (end != digits->c_str() + digits->size()) return std::nullopt;
  return value;
}

}  // namespace qgrain::hydra
