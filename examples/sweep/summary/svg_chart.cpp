#include <common/html_text.hpp>
#include <sweep/summary/markdown_table.hpp>
#include <sweep/summary/svg_chart.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace qgrain::sweep {
namespace {

using common::html_text;

constexpr double width = 1000, height = 460, left = 80, right = 240, top = 16, bottom = 46;
constexpr double character = 6.6;  // width of one, about

// Wong's colours, told apart with any colour vision; shapes repeat the distinction.
constexpr std::array<const char*, 8> colours{"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                             "#56b4e9", "#d55e00", "#8f7f1b", "#7f7f7f"};
constexpr std::array<const char*, 10> shapes{"M-5,0a5,5 0 1,0 10,0a5,5 0 1,0 -10,0Z",
                                             "M-4.5,-4.5h9v9h-9Z",
                                             "M0,-6L5.5,4.5H-5.5Z",
                                             "M0,-6.5L5.5,0L0,6.5L-5.5,0Z",
                                             "M0,6L5.5,-4.5H-5.5Z",
                                             "M-2,-6h4v4h4v4h-4v4h-4v-4h-4v-4h4Z",
                                             "M-5,-6H5L-5,6H5Z",
                                             "M-7,-2.5h14v5h-14Z",
                                             "M-2.5,-7h5v14h-5Z",
                                             "M-6,-5L6,5V-5L-6,5Z"};

std::string place(double x, double y) { return formatted("%.1f,%.1f", x, y); }

std::string label_at(double x, double y, std::string_view attributes, std::string_view text) {
  return formatted("<text x=\"%.1f\" y=\"%.1f\"", x, y) + std::string(attributes) + ">" + html_text(text) + "</text>\n";
}

std::string mark_at(double x, double y, std::size_t series, std::string_view title) {
  std::string mark = "<path class=\"mark\" d=\"" + std::string(shapes[series % shapes.size()]) + "\" fill=\"" +
                     colours[series % colours.size()] + "\" transform=\"translate(" + place(x, y) + ")\">";
  if (!title.empty()) mark += "<title>" + html_text(title) + "</title>";
  return mark + "</path>\n";
}

struct axes {
  double low_x = std::numeric_limits<double>::infinity(), high_x = -low_x;
  double low_y = low_x, high_y = -low_x;  // common logarithms

  explicit axes(const chart& what) {
    for (const chart_series& series : what.series) {
      for (const chart_point& point : series.points) {
        include_x(point.x);
        if (!(point.y > 0)) continue;
        low_y = std::min(low_y, std::log10(point.y));
        high_y = std::max(high_y, std::log10(point.y));
      }
    }
    if (what.limit) include_x(*what.limit);
    if (!(low_x <= high_x)) low_x = high_x = 0;
    if (!(low_y <= high_y)) low_y = high_y = 0;
    const double span = high_x > low_x ? high_x - low_x : 1;
    low_x -= 0.05 * span;
    high_x += 0.05 * span;
    low_y -= 0.1;
    high_y += 0.1;
  }

  [[nodiscard]] double x(double value) const {
    return left + (value - low_x) / (high_x - low_x) * (width - left - right);
  }
  [[nodiscard]] double y(double value) const {
    if (!(value > 0)) return height - bottom;
    return top + (high_y - std::log10(value)) / (high_y - low_y) * (height - top - bottom);
  }

 private:
  void include_x(double value) {
    low_x = std::min(low_x, value);
    high_x = std::max(high_x, value);
  }
};

// Round numbers from `low` to `high`, about eight of them.
std::vector<double> linear_ticks(double low, double high) {
  const double raw = (high - low) / 8;
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = power;
  for (const double factor : {2.0, 5.0, 10.0}) {
    if (step < raw) step = factor * power;
  }
  std::vector<double> ticks;
  for (double i = std::ceil(low / step); i * step <= high; ++i) ticks.push_back(i * step);
  return ticks;
}

// Powers of ten, with 2 and 5 times them where there are few.
std::vector<double> logarithmic_ticks(double low, double high) {
  std::vector<double> ticks;
  for (double power = std::floor(low); power <= high; ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * std::pow(10.0, power);
      const bool is_shown = factor == 1 || high - low < 2;
      if (is_shown && std::log10(value) >= low && std::log10(value) <= high) ticks.push_back(value);
    }
  }
  return ticks;
}

std::string frame(const chart& what, const axes& scale) {
  std::string out;
  for (const double tick : linear_ticks(scale.low_x, scale.high_x)) {
    const double x = scale.x(tick);
    out += formatted("<path class=\"axis\" d=\"M%.1f,%.1fV%.1f\"/>\n", x, top, height - bottom);
    out += label_at(x, height - bottom + 17, R"( text-anchor="middle" class="quiet")", formatted("%g", tick));
  }
  for (const double tick : logarithmic_ticks(scale.low_y, scale.high_y)) {
    const double y = scale.y(tick);
    out += formatted("<path class=\"axis\" d=\"M%.1f,%.1fH%.1f\"/>\n", left, y, width - right);
    out += label_at(left - 7, y + 4, R"( text-anchor="end" class="quiet")", formatted("%g", tick));
  }
  out +=
      "<path class=\"axis\" d=\"M" + place(left, top) + formatted("V%.1fH%.1f\"/>\n", height - bottom, width - right);
  out += label_at((left + width - right) / 2, height - 8, R"( text-anchor="middle")", what.x_title);
  out += label_at(0, 0, formatted(R"x( text-anchor="middle" transform="translate(16,%.1f) rotate(-90)")x", height / 2),
                  what.y_title);
  if (what.limit) {
    const double x = scale.x(*what.limit);
    out += formatted("<path class=\"front\" d=\"M%.1f,%.1fV%.1f\"/>\n", x, top, height - bottom);
    out += label_at(x + 5, top + 12, "", what.limit_text);
  }
  return out;
}

std::string line_through(const chart_series& series, const axes& scale, std::size_t index) {
  std::string path;
  for (const chart_point& point : series.points) {
    path.append(path.empty() ? "M" : "L").append(place(scale.x(point.x), scale.y(point.y)));
  }
  return "<path class=\"line\" d=\"" + path + "\" stroke=\"" + colours[index % colours.size()] + "\"/>\n";
}

// Beside the mark, on the side where it ends before the legend.
std::string label_of(const chart_point& point, const axes& scale) {
  const double x = scale.x(point.x), y = scale.y(point.y) - 5;
  const bool fits = x + 9 + character * static_cast<double>(point.text.size()) < width - right + 10;
  return fits ? label_at(x + 9, y, "", point.text) : label_at(x - 9, y, R"( text-anchor="end")", point.text);
}

}  // namespace

std::string svg_chart(const chart& what) {
  const axes scale(what);
  const std::string id = html_text(what.id);
  std::string out = "<svg id=\"" + id + "\" viewBox=\"0 0 " + formatted("%.0f %.0f", width, height) +
                    "\" role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-text\">\n<title id=\"" + id +
                    "-title\">" + html_text(what.title) + "</title>\n<desc id=\"" + id + "-text\">" +
                    html_text(what.description) + "</desc>\n" + frame(what, scale);
  for (std::size_t s = 0; s < what.series.size(); ++s) {
    if (what.series[s].has_line && what.series[s].points.size() > 1) out += line_through(what.series[s], scale, s);
  }
  double legend = top + 14;
  for (std::size_t s = 0; s < what.series.size(); ++s) {
    const chart_series& series = what.series[s];
    if (series.points.empty()) continue;
    for (const chart_point& point : series.points) {
      out += mark_at(scale.x(point.x), scale.y(point.y), s, point.text);
      if (series.is_labelled) out += label_of(point, scale);
    }
    out += mark_at(width - right + 20, legend, s, "");
    out += label_at(width - right + 32, legend + 4, "", series.name);
    legend += 19;
  }
  return out + "</svg>\n";
}

}  // namespace qgrain::sweep
