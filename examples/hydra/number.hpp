// Numbers of override values: integers of 64 bits, doubles, and Python's rules between them. Python's integers have no
// end; where a larger one is written or would come out, errc::invalid_argument names it ("cannot hold the integer
// ...").
#ifndef QGRAIN_HYDRA_NUMBER_HPP
#define QGRAIN_HYDRA_NUMBER_HPP

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace qgrain::hydra {

using whole_number = std::int64_t;
using number = std::variant<whole_number, double>;

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The exact order of two numbers of either kind; NaN is unordered.
[[nodiscard]] std::partial_ordering compare(const number& a, const number& b);

/// Integer where both are integers, else the rounded sum of the doubles.
[[nodiscard]] number add(const number& a, const number& b);
[[nodiscard]] number negated(const number& a);
[[nodiscard]] number magnitude(const number& a);

/// The nearest double.
[[nodiscard]] double to_double(const number& a);

/// An integer, towards zero; empty for NaN and infinities.
[[nodiscard]] std::optional<whole_number> to_integer(const number& a);

/// "7", "8.0", "1e-05", "inf", "nan": as Python prints it.
[[nodiscard]] std::string text_of(const number& a);

/// What Python's int() and float() read in a text: outer white space, a sign, single underscores between digits;
/// float() also inf, infinity and nan in any case. Empty where they would refuse.
[[nodiscard]] std::optional<whole_number> read_integer(std::string_view text);
[[nodiscard]] std::optional<double> read_double(std::string_view text);

}  // namespace qgrain::hydra

#endif
