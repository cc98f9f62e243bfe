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

// A running sum in decimal arithmetic of 28 digits, and its end. Both and the step are multiples of one power of ten,
// so that no step of the sum computes a power anew.
class running_sum {
 public:
  running_sum(const number& start, const number& stop, const number& step) {
    const decimal exact[] = {exact_decimal(start), exact_decimal(stop), exact_decimal(step)};
    exponent_ = std::min({exact[0].exponent, exact[1].exponent, exact[2].exponent});
    const auto multiple = [this](const decimal& value) {
      return big_integer(value.coefficient * power_of_ten(value.exponent - exponent_));
    };
    sum_ = multiple(exact[0]);
    stop_ = multiple(exact[1]);
    step_ = multiple(exact[2]);
  }

  [[nodiscard]] bool before_stop() const { return step_ > 0 ? sum_ < stop_ : sum_ > stop_; }

  // Adds the step and rounds, half to even; false where the sum is so large that it stays what it was.
  bool advance() {
    big_integer next = sum_ + step_;
    const big_integer size = abs(next);
    if (size < least_ || size >= beyond_) measure(size);
    quotient_ = size;
    if (unit_ > 1) {
      big_integer remainder;
      divide_qr(size, unit_, quotient_, remainder);
      const big_integer twice = remainder * 2;
      if (twice > unit_ || (twice == unit_ && quotient_ % 2 != 0)) ++quotient_;
      next = next < 0 ? big_integer(-quotient_ * unit_) : big_integer(quotient_ * unit_);
    }
    const bool moved = next != sum_;
    sum_ = std::move(next);
    return moved;
  }

  // The double nearest to what `advance` made.
  [[nodiscard]] double value() const {
    const double size = std::strtod((quotient_.str() + "e" + std::to_string(exponent_ + excess_)).c_str(), nullptr);
    return sum_ < 0 ? -size : size;
  }

 private:
  // The decimal digits of `size`, and so the unit that 28 digits leave.
  void measure(const big_integer& size) {
    constexpr int precision = 28;
    const int digits = static_cast<int>(size.str().size());
    excess_ = std::max(digits - precision, 0);
    unit_ = power_of_ten(excess_);
    least_ = digits == 1 ? big_integer(0) : power_of_ten(digits - 1);
    beyond_ = power_of_ten(digits);
  }

  int exponent_ = 0, excess_ = 0;
  big_integer sum_, stop_, step_, quotient_, unit_, least_, beyond_;
};

[[noreturn]] void refuse_range(const number& start, const number& stop, const number& step, const std::string& reason) {
  throw error(errc::invalid_argument,
              "range(" + text_of(start) + "," + text_of(stop) + "," + text_of(step) + ") " + reason);
}

bool is_finite(const number& value) {
  const auto* real = std::get_if<double>(&value);
  return real == nullptr || std::isfinite(*real);
}

[[noreturn]] void refuse_length(const number& start, const number& stop, const number& step, std::size_t most) {
  refuse_range(start, stop, step, "has more than " + std::to_string(most) + " elements");
}

}  // namespace

void require_range(const number& start, const number& stop, const number& step, std::size_t most) {
  if (!is_finite(start) || !is_finite(stop) || !is_finite(step))
    refuse_range(start, stop, step, "has an end or a step that is not finite");
  if (compare(step, whole_number(0)) == 0) refuse_range(start, stop, step, "has a step of zero");
  // Rounding changes a step by less than its half or stops the sum, so twice as many steps are too many for certain.
  const double steps = to_double(stop) / to_double(step) - to_double(start) / to_double(step);
  if (steps > 2.0 * static_cast<double>(most)) refuse_length(start, stop, step, most);
}

std::vector<number> range_elements(const number& start, const number& stop, const number& step, std::size_t most) {
  require_range(start, stop, step, most);
  const auto is_integer = [](const number& value) { return std::holds_alternative<whole_number>(value); };
  std::vector<number> elements;
  const auto take = [&](const number& element) {
    if (elements.size() == most) refuse_length(start, stop, step, most);
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
  running_sum sum(start, stop, step);
  if (!sum.before_stop()) return elements;
  take(to_double(start));
  for (;;) {
    if (!sum.advance()) refuse_length(start, stop, step, most);
    if (!sum.before_stop()) break;
    take(sum.value());
  }
  return elements;
}

}  // namespace qgrain::hydra
