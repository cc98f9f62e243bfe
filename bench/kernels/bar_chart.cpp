#include <common/html_text.hpp>
#include <common/number_text.hpp>
#include <kernels/bar_chart.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace qgrain::bench {
namespace {

using common::formatted;
using common::html_text;

constexpr double labels = 470, bars = 480, margin = 60, line = 16, top = 60;

/// From a ratio to a place: powers of two at equal distances.
struct axis {
  double low = -2;  // binary logarithms
  double high = 1;

  explicit axis(const std::vector<const row_result*>& rows) {
    for (const row_result* row : rows) {
      const number_range ratio = row->ratio();
      low = std::min(low, std::floor(std::log2(ratio.least)));
      high = std::max(high, std::ceil(std::log2(ratio.most)));
    }
  }
  [[nodiscard]] double place(double ratio) const { return labels + bars * (std::log2(ratio) - low) / (high - low); }
};

[[nodiscard]] std::string grid(const axis& scale, double bottom) {
  std::string text;
  for (double power = scale.low; power <= scale.high; ++power) {
    const double ratio = std::exp2(power);
    const double x = scale.place(ratio);
    text +=
        formatted("<path d=\"M%.1f,%.0fV%.0f\" stroke=\"%s\"/>\n", x, top - 6, bottom, power == 0 ? "#000" : "#ccc");
    text += formatted("<text x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">%g</text>\n", x, top - 10, ratio);
  }
  return text;
}

[[nodiscard]] std::string bar(const row_result& row, const axis& scale, double y) {
  const number_range ratio = row.ratio();
  const double x = scale.place(ratio.median);
  std::string text = formatted("<text x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">", labels - 6, y + 11) +
                     html_text(row.name) + "</text>\n";
  text += formatted("<rect x=\"%.0f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\" fill=\"%s\"/>\n", labels, y + 2,
                    x - labels, line - 4, row.by == "qgrain" ? "#0072b2" : "#e69f00");
  text += formatted("<path d=\"M%.1f,%.1fH%.1f\" stroke=\"#000\"/>\n", scale.place(ratio.least), y + line / 2,
                    scale.place(ratio.most));
  return text +
         formatted("<text x=\"%.1f\" y=\"%.0f\">%.2f</text>\n", scale.place(ratio.most) + 4, y + 11, ratio.median);
}

}  // namespace

std::string bar_chart(const bench_run& run) {
  std::vector<const row_result*> rows;
  for (const row_result& row : run.rows) {
    if (row.was_measured()) rows.push_back(&row);
  }
  const axis scale(rows);
  const double bottom = top + line * static_cast<double>(rows.size());
  std::string text = formatted("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" ",
                               labels + bars + margin, bottom + 10) +
                     "font-family=\"sans-serif\" font-size=\"11\">\n<title>Time in times of memcpy of the float32 "
                     "bytes</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  text +=
      "<text x=\"6\" y=\"16\" font-size=\"14\">Time in times of memcpy of the float32 bytes (qgrain blue, peers "
      "orange)</text>\n<text x=\"6\" y=\"32\">" +
      html_text(run.date + ", " + run.processor + ", " + run.instruction_set) + "</text>\n";
  text += grid(scale, bottom);
  double y = top;
  for (const row_result* row : rows) {
    text += bar(*row, scale, y);
    y += line;
  }
  return text + "</svg>\n";
}

}  // namespace qgrain::bench
