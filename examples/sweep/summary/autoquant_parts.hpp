// What the report of a search says, before it is Markdown or HTML.
#ifndef QGRAIN_SWEEP_SUMMARY_AUTOQUANT_PARTS_HPP
#define QGRAIN_SWEEP_SUMMARY_AUTOQUANT_PARTS_HPP

#include <sweep/summary/bits_picture.hpp>
#include <sweep/summary/markdown_table.hpp>
#include <sweep/summary/svg_chart.hpp>

#include <boost/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

/// A section; all texts are plain.
struct report_part {
  std::string id;
  std::string title;
  std::string text;
  std::optional<chart> curve;
  std::optional<bits_picture> picture;
  table_cells head;  ///< of the table; empty: none
  std::vector<table_cells> rows;
};

struct autoquant_content {
  std::string title;
  std::string facts;
  std::vector<report_part> parts;
};

// Parts from what was measured; without rows and curve where the manifest has nothing of the kind.
[[nodiscard]] report_part prediction_part(const boost::json::object& manifest);
[[nodiscard]] report_part measured_part(const boost::json::object& manifest);
[[nodiscard]] report_part study_part(const boost::json::object& manifest);
[[nodiscard]] report_part agreement_part(const boost::json::object& manifest);

/// Parts that the manifest does not have are left out.
/// exports: entries of exports.json.
[[nodiscard]] autoquant_content autoquant_content_of(const boost::json::object& manifest,
                                                     const boost::json::array& exports);

}  // namespace qgrain::sweep

#endif
