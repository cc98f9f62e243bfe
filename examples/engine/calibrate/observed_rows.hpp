// What is known of packed rows, for the rows of one input: all of a run, or those that were sent to an expert.
#ifndef QGRAIN_ENGINE_CALIBRATE_OBSERVED_ROWS_HPP
#define QGRAIN_ENGINE_CALIBRATE_OBSERVED_ROWS_HPP

#include <lm/visitor.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace qgrain::engine {

/// Values of packed rows, seen by the rows of an input. A view where these lie together, else a copy.
class observed_rows {
 public:
  /// values: of all packed rows; they must outlive the object.
  observed_rows(const lm::linear_input& input, std::span<const std::int32_t> values) {
    if (input.rows.empty()) {
      all_ = values.subspan(static_cast<std::size_t>(input.first_row), static_cast<std::size_t>(input.x.rows()));
      return;
    }
    for (const std::int32_t row : input.rows) chosen_.push_back(values[static_cast<std::size_t>(row)]);
    all_ = chosen_;
  }
  observed_rows(const observed_rows&) = delete;
  observed_rows& operator=(const observed_rows&) = delete;

  /// [rows of the input]
  [[nodiscard]] std::span<const std::int32_t> all() const noexcept { return all_; }

 private:
  std::vector<std::int32_t> chosen_;
  std::span<const std::int32_t> all_;
};

/// How many rows of an input, its first ones, are packed rows in front of `end`.
[[nodiscard]] inline lm::index_t rows_in_front(const lm::linear_input& input, lm::index_t end) {
  if (input.rows.empty()) return std::clamp<lm::index_t>(end - input.first_row, 0, input.x.rows());
  return std::lower_bound(input.rows.begin(), input.rows.end(), end) - input.rows.begin();
}

/// The number of a row of an input among the packed rows.
[[nodiscard]] inline lm::index_t number_of(const lm::linear_input& input, lm::index_t row) {
  return input.rows.empty() ? input.first_row + row : input.rows[static_cast<std::size_t>(row)];
}

/// Rows [begin, end) of an input.
[[nodiscard]] inline lm::linear_input part_of(const lm::linear_input& input, lm::index_t begin, lm::index_t end) {
  lm::linear_input part{input.first_linear, input.linears, number_of(input, begin), lm::rows_of(input.x, begin, end),
                        input.rows};
  if (!input.rows.empty())
    part.rows = input.rows.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  return part;
}

}  // namespace qgrain::engine

#endif
