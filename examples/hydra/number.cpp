#include <common/number_text.hpp>
#include <hydra/number.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace qgrain::hydra {
namespace {

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

[[noreturn]] void refuse_integer(const std::string& digits) {
  throw error(errc::invalid_argument, "cannot hold the integer " + digits + ", which needs more than 64 bits");
}

// Every double below this size has an integer as its whole part.
constexpr double two_to_63 = 0x1p63;

std::partial_ordering compare_mixed(whole_number a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  if (b >= two_to_63) return std::partial_ordering::less;
  if (b < -two_to_63) return std::partial_ordering::greater;
  const auto whole = static_cast<whole_number>(b);
  return a != whole ? a <=> whole : static_cast<double>(whole) <=> b;
}

}  // namespace

std::partial_ordering compare(const number& a, const number& b) {
  const auto* integer_a = std::get_if<whole_number>(&a);
  const auto* integer_b = std::get_if<whole_number>(&b);
  if (integer_a && integer_b) return *integer_a <=> *integer_b;
  if (integer_a) return compare_mixed(*integer_a, std::get<double>(b));
  if (integer_b) return 0 <=> compare_mixed(*integer_b, std::get<double>(a));
  return std::get<double>(a) <=> std::get<double>(b);
}

number add(const number& a, const number& b) {
  const auto* integer_a = std::get_if<whole_number>(&a);
  const auto* integer_b = std::get_if<whole_number>(&b);
  if (!integer_a || !integer_b) return to_double(a) + to_double(b);
  whole_number sum = 0;
  if (__builtin_add_overflow(*integer_a, *integer_b, &sum)) refuse_integer(text_of(a) + " + " + text_of(b));
  return sum;
}

number negated(const number& a) {
  const auto* whole = std::get_if<whole_number>(&a);
  if (whole == nullptr) return -std::get<double>(a);
  if (*whole == std::numeric_limits<whole_number>::min()) refuse_integer("9223372036854775808");
  return -*whole;
}

number magnitude(const number& a) {
  if (const auto* whole = std::get_if<whole_number>(&a)) return *whole < 0 ? negated(a) : a;
  return std::abs(std::get<double>(a));
}

double to_double(const number& a) {
  const auto* whole = std::get_if<whole_number>(&a);
  return whole ? static_cast<double>(*whole) : std::get<double>(a);
}

std::optional<whole_number> to_integer(const number& a) {
  if (const auto* whole = std::get_if<whole_number>(&a)) return *whole;
  const double value = std::get<double>(a);
  if (!std::isfinite(value)) return std::nullopt;
  if (value >= two_to_63 || value < -two_to_63) refuse_integer(text_of(a));
  return static_cast<whole_number>(value);
}

std::string text_of(const number& a) {
  if (const auto* whole = std::get_if<whole_number>(&a)) return std::to_string(*whole);
  const double value = std::get<double>(a);
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  return common::number_text(value);
}

std::optional<whole_number> read_integer(std::string_view text) {
  auto digits = without_underscores(trimmed(text));
  if (!digits || digits->empty()) return std::nullopt;
  if (digits->front() == '+') digits->erase(0, 1);
  const auto first = digits->begin() + (!digits->empty() && digits->front() == '-' ? 1 : 0);
  if (first == digits->end() || !std::all_of(first, digits->end(), is_digit)) return std::nullopt;
  whole_number value = 0;
  const auto read = std::from_chars(digits->data(), digits->data() + digits->size(), value);
  if (read.ec != std::errc{}) refuse_integer(*digits);
  return value;
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
