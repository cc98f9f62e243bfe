// Charts as SVG elements that stand in a page: positive values on a logarithmic scale against sizes.
#ifndef QGRAIN_SWEEP_SUMMARY_SVG_CHART_HPP
#define QGRAIN_SWEEP_SUMMARY_SVG_CHART_HPP

#include <optional>
#include <string>
#include <vector>

namespace qgrain::sweep {

struct chart_point {
  double x = 0;
  double y = 0;      ///< not negative; zero lies on the axis
  std::string text;  ///< shown beside the point where the series is labelled, and as its tooltip
};

/// Points with a colour and a shape of their own.
struct chart_series {
  std::string name;
  std::vector<chart_point> points;
  bool has_line = false;
  bool is_labelled = false;
};

struct chart {
  std::string id;  ///< of the element; its title and description are <id>-title and <id>-text
  std::string title;
  std::string description;
  std::string x_title;
  std::string y_title;
  std::vector<chart_series> series;
  std::optional<double> limit;  ///< a vertical line
  std::string limit_text;
};

/// One <svg> with title, description and legend. Series of the same names and numbers give the same text.
[[nodiscard]] std::string svg_chart(const chart& what);

}  // namespace qgrain::sweep

#endif
