// The report of one job's search: budget, front, chosen formats, and how well the scores predicted what was measured.
#ifndef QGRAIN_SWEEP_SUMMARY_AUTOQUANT_REPORT_HPP
#define QGRAIN_SWEEP_SUMMARY_AUTOQUANT_REPORT_HPP

#include <boost/json.hpp>

#include <filesystem>
#include <string>

namespace qgrain::sweep {

namespace json = boost::json;

inline constexpr const char* autoquant_markdown_name = "autoquant-report.md";
inline constexpr const char* autoquant_html_name = "autoquant-report.html";

// Both are made from a manifest and the entries of exports.json and leave out the parts that there are none of. They
// throw errc::bad_file or errc::invalid_argument naming the part that is damaged.

/// Tables: budget and solver, formats, corners of the Pareto front, bits by block and kind of layer, predicted against
/// measured, uniform formats, study, agreement of the scoring methods, checkpoints that were written.
[[nodiscard]] std::string autoquant_markdown(const json::object& manifest, const json::array& exports = {});

/// The same with charts, as a page that needs nothing but a browser, no script either. It is well-formed XML.
[[nodiscard]] std::string autoquant_html(const json::object& manifest, const json::array& exports = {});

/// Writes both into `folder`, each in one step; nothing where the manifest is damaged.
void write_autoquant_report(const json::object& manifest, const json::array& exports,
                            const std::filesystem::path& folder);

}  // namespace qgrain::sweep

#endif
