// Searching a candidate table under budgets.
#ifndef QGRAIN_SWEEP_SEARCH_TABLE_SEARCH_HPP
#define QGRAIN_SWEEP_SEARCH_TABLE_SEARCH_HPP

#include <sweep/search/candidates.hpp>
#include <sweep/search/pareto.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace qgrain::sweep {

/// What a budget counts. effective_bits: 16 cost / weights of the table; bytes: 2 cost; latency_ms: of all layers.
enum class budget_unit : std::uint8_t { effective_bits, bytes, latency_ms };

/// "effective_bits", "bytes", "latency_ms".
[[nodiscard]] std::string_view name_of(budget_unit unit) noexcept;
/// @throws error errc::unknown_name.
[[nodiscard]] budget_unit budget_unit_from(std::string_view name);

struct search_budget {
  budget_unit unit = budget_unit::effective_bits;
  double amount = 16;
};

/// A budget, what the choice takes of it, and the least that any choice takes (for the second of two budgets: under the
/// first one).
struct budget_use {
  budget_unit unit = budget_unit::effective_bits;
  double budget = 16;
  double reached = 16;
  double least = 0;
};

/// The choice for each row.
struct search_outcome {
  std::vector<std::size_t> picks;
  double effective_bits = 16;  ///< 16 chosen cost / total weights
  double score = 0;
  bool is_satisfied = true;              ///< within all budgets
  double lower_bound = 0;                ///< no choice within the budgets has a smaller score
  double gap = 0;                        ///< score - lower_bound; 0: proven optimal
  std::string_view solver = "exact";     ///< or "two_budgets", "threshold"
  std::vector<budget_use> budgets = {};  ///< in the order asked for
};

/// A table with the choice from it.
struct searched_table {
  std::vector<candidate_row> rows;
  search_outcome outcome;
};

/// The least sum of scores within one budget (exact; among equal scores the least cost, then the first choices in row
/// order) or within a size and a latency at once (see gap).
/// @throws error errc::invalid_argument for other combinations of budgets or a latency that the table does not know,
/// errc::out_of_range for effective_bits outside (0, 16] and for budgets below what the table can meet: the sentence
/// names the smallest feasible number, which is itself feasible.
[[nodiscard]] search_outcome search_table(std::span<const candidate_row> rows, std::span<const search_budget> budgets);
/// Many amounts of one budget. Errors as in search_table.
[[nodiscard]] std::vector<search_outcome> search_table(std::span<const candidate_row> rows, budget_unit unit,
                                                       std::span<const double> amounts);
/// One budget in effective bits.
[[nodiscard]] search_outcome search_bits(std::span<const candidate_row> rows, double effective_bits);

/// ModelOpt's search for kl_div: the largest score of a row as low as possible (qgrain/search/threshold.hpp). The
/// outcome may be above the budget: is_satisfied is false then. lower_bound and gap are those of the sum of scores,
/// where its choice is within the budget, else the score itself and 0.
/// @throws error errc::out_of_range for bits outside (0, 16].
[[nodiscard]] search_outcome search_threshold(std::span<const candidate_row> rows, double effective_bits);

/// The corners of the convex hull of the Pareto front over all choices of a table: effective bits (rising) and score.
/// Between them the front may hold more points.
[[nodiscard]] std::vector<size_and_score> front_corners(std::span<const candidate_row> rows);

}  // namespace qgrain::sweep

#endif
