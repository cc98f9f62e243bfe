// What a user sees of a plan.
#ifndef QGRAIN_EXPORT_PLAN_PLAN_REPORT_HPP
#define QGRAIN_EXPORT_PLAN_PLAN_REPORT_HPP

#include <boost/json.hpp>

#include <export/plan/plan.hpp>
#include <iosfwd>

namespace qgrain::exports {

/// A line for each Linear, then the sum, the notes and the refusals.
void print_plan(std::ostream& out, const export_plan& plan);
/// The same with all tensors.
[[nodiscard]] boost::json::object plan_json(const export_plan& plan);
/// "- note: ..." and "- refused: ..." lines.
void print_remarks(std::ostream& out, const export_plan& plan);

}  // namespace qgrain::exports

#endif
