#include <hydra/decimal_range.hpp>

#include <qgrain/core/status.hpp>

#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

namespace qgrain::hydra {
namespace {

// The exact value of a double has up to 1075 decimal digits. The only file that pays for this header.
using big_integer = boost::multiprecision::cpp_int;

big_integer power_of_ten(int exponent) { return pow(big_integer(10), static_cast<unsigned>(exponent)); }

// coefficient * 10^exponent
struct decimal {
  big_integer coefficient;
  int exponent = 0;
};

decimal exact_decimal(const number& value) {
  if (const auto* whole = std::get_if<whole_number>(&value)) return {*whole, 0};
  int exponent = 0;
  const double mantissa = std::frexp(std::get<double>(value), &exponent);
  constexpr int digits = 53;
  const big_integer scaled(std::ldexp(mantissa, digits));
  exponent -= digits;
  if (exponent >= 0) return {scaled << exponent, 0};
  // m / 2^n = m * 5^n / 10^n
  return {scaled * pow(big_integer(5), static_cast<unsigned>(-exponent)), exponent};
}

void align(decimal& a, decimal& b) {
  decimal& finer = a.exponent < b.exponent ? a : b;
  decimal& coarser = a.exponent < b.exponent ? b : a;
  coarser.coefficient *= power_of_ten(coarser.exponent - finer.exponent);
  coarser.exponent = finer.exponent;
}

int compare_decimals(decimal a, decimal b) {
  align(a, b);
  const int order = a.coefficient.compare(b.coefficient);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

decimal rounded(const decimal& value) {
  constexpr int precision = 28;
  const big_integer size = abs(value.coefficient);
  const int excess = static_cast<int>(size.str().size()) - precision;
  if (excess <= 0) return value;
  const big_integer unit = power_of_ten(excess);
  big_integer quotient, remainder;
  divide_qr(size, unit, quotient, remainder);
  const big_integer twice = remainder * 2;
  if (twice > unit || (twice == unit && quotient % 2 != 0)) ++quotient;
  return {value.coefficient < 0 ? big_integer(-quotient) : quotient, value.exponent + excess};
}

decimal sum(decimal a, decimal b) {
  align(a, b);
  return rounded({a.coefficient + b.coefficient, a.exponent});
}

double nearest_double(const decimal& value) {
  return std::strtod((value.coefficient.str() + "e" + std::to_string(value.exponent)).c_str(), nullptr);
}

[[noreturn]] void refuse_range(const number& start, const number& stop, const number& step, const std::string& reason) {
  throw error(errc::invalid_argument,
              "range(" + text_of(start) + "," + text_of(stop) + "," + text_of(step) + ") " + reason);
}

bool is_finite(const number& value) {
  const auto* real = std::get_if<double>(&value);
  return real == nullptr || std::isfinite(*real);
}

}  // namespace

std::vector<number> range_elements(const number& start, const number& stop, const number& step, std::size_t most) {
  if (!is_finite(start) || !is_finite(stop) || !is_finite(step))
    refuse_range(start, stop, step, "has an end or a step that is not finite");
  const auto direction = compare(step, whole_number(0));
  if (direction == 0) refuse_range(start, stop, step, "has a step of zero");
  const auto is_integer = [](const number& value) { return std::holds_alternative<whole_number>(value); };
  std::vector<number> elements;
  const auto take = [&](const number& element) {
    if (elements.size() == most) refuse_range(start, stop, step, "has more than " + std::to_string(most) + " elements");
    elements.push_back(element);
  };
  if (is_integer(start) && is_integer(stop) && is_integer(step)) {
    const whole_number last = std::get<whole_number>(stop), increment = std::get<whole_number>(step);
    whole_number next = std::get<whole_number>(start);
    bool beyond = false;  // the largest integers, which `next` passed
    for (; !beyond && next != last && (next < last) == (increment > 0);
         beyond = __builtin_add_overflow(next, increment, &next)) {
      take(next);
    }
    return elements;
  }
  const decimal last = exact_decimal(stop), increment = exact_decimal(step);
  for (decimal next = exact_decimal(start); compare_decimals(next, last) == (direction > 0 ? -1 : 1);
       next = sum(next, increment))
    take(nearest_double(next));
  return elements;
}

}  // namespace qgrain::hydra
