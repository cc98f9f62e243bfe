// The report of one job's search, made from its manifest.
#include <sweep/autoquant_manifest.hpp>
#include <sweep/reference_json.hpp>
#include <sweep/results/format_choice.hpp>
#include <sweep/scratch_folder.hpp>
#include <sweep/summary/autoquant_report.hpp>
#include <sweep/summary/bits_picture.hpp>
#include <sweep/summary/svg_chart.hpp>

#include <qgrain/core/status.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <regex>
#include <set>

namespace json = boost::json;
using namespace qgrain::sweep;
using namespace qgrain::test;

namespace {

// Empty where `page` is well-formed XML (the part of it that the report uses), else what is wrong first.
std::string xml_fault(std::string_view page) {
  static const std::regex entity("&(amp|lt|gt|quot|#39);");
  static const std::regex attributes(R"x(( [a-zA-Z-]+="[^"<]*")*)x");
  constexpr std::string_view doctype = "<!DOCTYPE html>\n";
  if (!page.starts_with(doctype)) return "no doctype";
  page.remove_prefix(doctype.size());
  std::vector<std::string> open;
  std::size_t roots = 0;
  while (!page.empty()) {
    const std::size_t end = page.starts_with('<') ? page.find('>') : page.find('<') - 1;
    if (end == std::string_view::npos && page.starts_with('<')) return "a tag does not end";
    const std::string piece(page.substr(0, end == std::string_view::npos ? end : end + 1));
    page.remove_prefix(piece.size());
    const std::string without_entities = std::regex_replace(piece, entity, "");
    if (without_entities.find('&') != std::string::npos) return "a bare & in " + piece;
    if (!piece.starts_with('<')) {
      if (open.empty() && piece.find_first_not_of('\n') != std::string::npos) return "text outside: " + piece;
      continue;
    }
    const bool closes = piece.starts_with("</");
    const bool is_empty = piece.ends_with("/>");
    const std::size_t begin = closes ? 2 : 1;
    const std::string name = piece.substr(begin, piece.find_first_of(" />", begin) - begin);
    const std::size_t rest = begin + name.size();
    const std::string inner = piece.substr(rest, piece.size() - rest - (is_empty ? 2 : 1));
    if (name.empty() || !std::regex_match(inner, attributes)) return "bad tag " + piece;
    if (closes) {
      if (open.empty() || open.back() != name) return piece + " closes nothing";
      open.pop_back();
    } else {
      roots += open.empty() ? 1U : 0U;
      if (!is_empty) open.push_back(name);
    }
  }
  if (!open.empty()) return open.back() + " stays open";
  return roots == 1 ? "" : "not one root";
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::multiset<std::string> all_matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::multiset<std::string> found;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at) found.insert((*at)[1]);
  return found;
}

void check_page(const std::string& page) {
  BOOST_TEST(xml_fault(page) == "");
  // every reference is to an element of the page, and ids are unique
  const auto ids = all_matches(page, " id=\"([^\"]*)\"");
  BOOST_TEST((std::set<std::string>(ids.begin(), ids.end()).size() == ids.size()));
  for (const std::string& target : all_matches(page, " href=\"#([^\"]*)\""))
    BOOST_TEST(ids.count(target) == 1U, target);
  for (const std::string& labels : all_matches(page, " aria-labelledby=\"([^\"]*)\"")) {
    for (const std::string& target : all_matches(labels, "([^ ]+)")) BOOST_TEST(ids.count(target) == 1U, target);
  }
  BOOST_TEST(count_of(page, " href=") == count_of(page, " href=\"#"));
  for (const char* loads :
       {"http:", "https:", "<link", "<img", " src=\"", "@import", "url(", "<script", " onerror=\""}) {
    BOOST_TEST(count_of(page, loads) == 0U, loads);
  }
}

struct point {
  double x;
  double y;
};

// Where the marks of a page's chart lie; those of the legend come behind each series.
std::vector<point> marks_of(const std::string& page, const std::string& id) {
  const std::size_t begin = page.find("<svg id=\"" + id + "\"");
  BOOST_REQUIRE(begin != std::string::npos);
  const std::string chart = page.substr(begin, page.find("</svg>", begin) - begin);
  static const std::regex place(R"x(translate\(([0-9.]+),([0-9.]+)\)"><title>)x");
  std::vector<point> points;
  for (std::sregex_iterator at(chart.begin(), chart.end(), place), end; at != end; ++at)
    points.push_back({std::stod((*at)[1]), std::stod((*at)[2])});
  return points;
}

json::object& state_of(json::object& manifest) { return manifest.at("autoquant_state").as_object(); }

const std::string hostile = "</title><img src=x onerror=\"window.bad=1\">, 'q' | `c` \\ \n<!-- &amp; \xc3\xa4 ]]>";

}  // namespace

BOOST_AUTO_TEST_CASE(markdown_of_the_hand_written_manifest) {
  const std::string wanted = R"md(# AutoQuant: mixed_autoquant_lm

models/tiny, qgrain test

## Budget

| Quantity | Value |
| --- | --- |
| Scoring method | gradient |
| Cost model | stored |
| Asked | 7.000 bits per weight |
| Reached | 6.938 bits per weight |
| Least possible | 4.438 bits per weight |
| Score | 1.250e-02 |
| Lower bound of the score | 1.250e-02 |
| Gap | 0 (the optimum) |
| Solver | exact |
| Budget met | yes |

## Formats

Layers: how many got the format.

| Format | Pair | Granularity | Weights | Activations | Calibration | Layers |
| --- | --- | --- | --- | --- | --- | --- |
| INT4(effective-bits: 4.0) | wint4_afp16 | default | int4/group128 | fp16 | max | 4 |
| FP8(effective-bits: 8.0) | wfp8_afp8 | w_per_out_channel | fp8/per_out_channel | fp8/per_tensor_static | max | 3 |
| NONE |  |  |  |  |  | 2 |

## Pareto front

4 corners of the convex front: no mix of the formats lies below it. The score is what the search adds up: the expected harm.

| Effective bits | Score |
| --- | --- |
| 4.438 | 5.590e-01 |
| 5.500 | 5.000e-02 |
| 6.938 | 1.250e-02 |
| 16.000 | 0.000e+00 |

## Bits per layer

Bits per weight of the chosen format as the search books them; 16: not quantized (2 of 9 layers).

| Block | attn.q | attn.k | attn.v | mlp.down | lm_head |
| --- | --- | --- | --- | --- | --- |
| block 0 | 4.125 | 4.125 | 8 | 16 |  |
| block 1 | 8 | 8 | 4.125 | 4.125 |  |
| outside |  |  |  |  | 16 |

## Predicted and measured

The chosen mix in the whole model. Divergence: Kullback-Leibler, to the unquantized model's predictions, mean over positions. 256 positions, 240 targets.

| Quantity | Unquantized | Mix | Predicted for the mix |
| --- | --- | --- | --- |
| Loss | 2.5000 | 2.5156 | 2.5125 |
| Increase of the loss | - | 1.562e-02 | 1.250e-02 |
| Perplexity | 12.1825 | 12.3743 | - |
| Mean divergence | - | 1.380e-02 | - |
| Top-1 agreement | - | 96.88 % | - |
| Score | - | - | 1.250e-02 |

## Measured divergence against size

Mean divergence from the unquantized model, of mixes and of each format for all layers.

| What | Effective bits | Mean divergence | Loss |
| --- | --- | --- | --- |
| chosen mix | 6.938 | 1.380e-02 | 2.5156 |
| INT4(effective-bits: 4.0) | 4.125 | 2.500e-01 | 2.7500 |
| FP8(effective-bits: 8.0) | 8.000 | 3.125e-02 | 2.5300 |

## Study of the scoring methods

Mean divergence of the mix that each method picks for a budget, in brackets its effective bits.

| Method | 5 bits | 7 bits |
| --- | --- | --- |
| gradient | 9.000e-02 (4.990) | 1.380e-02 (6.938) |
| weight_mse | 1.250e-01 (4.980) | - |

## Agreement of the scoring methods

Rank correlation with the measured divergence of the tokens, over all groups and formats; 1: the same order.

| Method | Spearman |
| --- | --- |
| gradient | 0.9688 |
| weight_mse | -0.2500 |
)md";
  const std::string made = autoquant_markdown(autoquant_manifest());
  BOOST_TEST(made == wanted);
}

BOOST_AUTO_TEST_CASE(the_page_is_whole_and_stands_alone) {
  const json::object manifest = autoquant_manifest();
  const std::string page = autoquant_html(manifest);
  check_page(page);
  BOOST_TEST(autoquant_html(manifest) == page);
  for (const char* heading :
       {"Budget", "Formats", "Pareto front", "Bits per layer", "Predicted and measured",
        "Measured divergence against size", "Study of the scoring methods", "Agreement of the scoring methods"}) {
    BOOST_TEST(count_of(page, std::string(heading) + "</h2>") == 1U, heading);
  }
  // one cell per layer, with its bits as text
  BOOST_TEST((all_matches(page, R"x(class="cell"[^>]*/><text[^>]*>([^<]*)<)x") ==
              std::multiset<std::string>{"4.125", "4.125", "4.125", "4.125", "8", "8", "8", "16", "16"}));
  for (const layer_choice& choice : layer_choices(manifest)) {
    BOOST_TEST(count_of(page, "<title>" + choice.layer + ": " + choice.label + ", ") == 1U, choice.layer);
  }
  // what the charts show is there as text, too
  BOOST_TEST(count_of(page, "<details>") == 3U);
  BOOST_TEST(count_of(page, "role=\"img\"") == 3U);
  BOOST_TEST(count_of(page, "<desc ") == 3U);
}

BOOST_AUTO_TEST_CASE(charts_put_numbers_where_they_belong) {
  json::object manifest = autoquant_manifest();
  json::array& corners = state_of(manifest).at("pareto").as_array();
  corners.clear();
  for (const auto& [bits, score] : {std::pair{4.0, 1.0}, {6.0, 0.1}, {8.0, 0.01}, {16.0, 0.0}})
    corners.push_back({{"effective_bits", bits}, {"score", score}});
  const std::vector<point> marks = marks_of(autoquant_html(manifest), "front-chart");
  BOOST_REQUIRE(marks.size() == 5U);
  // equal steps in bits, equal ratios of scores; coordinates have one decimal
  BOOST_TEST(marks[1].x > marks[0].x);
  BOOST_TEST(std::abs((marks[2].x - marks[1].x) - (marks[1].x - marks[0].x)) < 0.25);
  BOOST_TEST(std::abs((marks[3].x - marks[2].x) - 4 * (marks[1].x - marks[0].x)) < 0.5);
  BOOST_TEST(marks[1].y > marks[0].y);
  BOOST_TEST(std::abs((marks[2].y - marks[1].y) - (marks[1].y - marks[0].y)) < 0.25);
  BOOST_TEST(marks[3].y == 414.0);  // zero: on the axis
  // the chosen mix: 6.9375 bits, 0.0125
  BOOST_TEST(std::abs(marks[4].x - (marks[1].x + 0.46875 * (marks[2].x - marks[1].x))) < 0.25);
  BOOST_TEST(std::abs(marks[4].y - (marks[1].y + std::log10(8) * (marks[2].y - marks[1].y))) < 0.25);

  // study: two methods with two and one mixes, two uniform formats, the mix
  BOOST_TEST(marks_of(autoquant_html(manifest), "measured-chart").size() == 6U);
  manifest.erase("study");
  BOOST_TEST(marks_of(autoquant_html(manifest), "measured-chart").size() == 3U);
  manifest.erase("verification");
  BOOST_TEST(autoquant_html(manifest).find("measured-chart") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_point_is_a_chart) {
  for (const double y : {0.0, 1.0, 1e-300, 1e300}) {
    const std::string made = svg_chart({"c", "t", "d", "x", "y", {{"s", {{4, y, "p"}}, true, false}}, {}, {}});
    BOOST_TEST(xml_fault("<!DOCTYPE html>\n" + made) == "");
    BOOST_TEST((made.find("nan") == std::string::npos && made.find("inf") == std::string::npos), made);
  }
}

BOOST_AUTO_TEST_CASE(series_differ_by_shape_and_labels_end_before_the_legend) {
  chart many{"c", "t", "d", "x", "y", {}, {}, {}};
  for (const char* name : {"a", "b", "c", "d", "e", "f", "g", "h", "i"}) {
    many.series.push_back({name, {{1, 1, "left"}, {2, 1, "a text of some length on the right"}}, true, true});
  }
  const std::string made = svg_chart(many);
  const auto shapes = all_matches(made, "class=\"mark\" d=\"([^\"]*)\"");
  BOOST_TEST(shapes.size() == 27U);  // two points and one in the legend
  BOOST_TEST((std::set<std::string>(shapes.begin(), shapes.end()).size() == 9U));
  BOOST_TEST(count_of(made, "text-anchor=\"end\">a text of some length on the right<") == 9U);
  BOOST_TEST(count_of(made, "text-anchor=\"end\">left<") == 0U);
}

BOOST_AUTO_TEST_CASE(names_cannot_leave_their_place) {
  const std::string text = json::serialize(autoquant_manifest());
  const std::string quoted = json::serialize(json::string(hostile));
  for (const std::string name :
       {"l.0.attn.v", "INT4(effective-bits: 4.0)", "gradient", "weight_mse", "models/tiny", "exact", "wint4_afp16",
        "mixed_autoquant_lm", "attn", "qgrain test", "\"effective_bits\","}) {
    BOOST_TEST_CONTEXT(name) {
      // inside of texts; the last one is the unit of the budget
      const std::string with = name.front() == '"' ? quoted + "," : quoted.substr(1, quoted.size() - 2);
      std::string changed = text;
      for (std::size_t at = changed.find(name); at != std::string::npos; at = changed.find(name, at + with.size()))
        changed.replace(at, name.size(), with);
      BOOST_REQUIRE(changed != text);
      const json::object odd = json::parse(changed).as_object();
      const std::string page = autoquant_html(odd);
      check_page(page);
      BOOST_TEST(count_of(page, "<!--") == 0U);
      BOOST_TEST(count_of(page, "&lt;img") > 0U);
      const std::string markdown = autoquant_markdown(odd);
      BOOST_TEST(count_of(markdown, "<img") == count_of(markdown, "\\<img"));
      for (std::size_t begin = 0, columns = 0; begin < markdown.size();) {
        const std::string line = markdown.substr(begin, markdown.find('\n', begin) - begin);
        begin += line.size() + 1;
        const std::size_t bars = count_of(line, "|") - count_of(line, "\\|");
        if (columns > 0 && line.starts_with('|')) BOOST_TEST(bars == columns, line);
        columns = line.starts_with('|') ? bars : 0;
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(parts_that_are_absent_are_left_out) {
  const auto headings = [](const json::object& manifest) {
    check_page(autoquant_html(manifest));
    std::string all;
    const std::string markdown = autoquant_markdown(manifest);
    for (std::size_t at = markdown.find("\n## "); at != std::string::npos; at = markdown.find("\n## ", at + 1))
      all += markdown.substr(at + 4, markdown.find('\n', at + 4) - at - 4) + ";";
    return all;
  };
  const json::object whole = autoquant_manifest();
  json::object manifest = whole;
  for (const char* key : {"formats", "study", "method_agreement", "verification"}) manifest.erase(key);
  BOOST_TEST(headings(manifest) == "Budget;Pareto front;Bits per layer;");
  for (const char* key : {"pareto", "candidate_stats", "search", "method"}) state_of(manifest).erase(key);
  BOOST_TEST(headings(manifest) == "Budget;");
  // as manifests were before there was more than one format
  const std::string markdown = autoquant_markdown(manifest);
  for (const char* row : {"| Asked | 7.000 bits per weight |", "| Effective bits | 6.938 |", "| Score | 1.250e-02 |"})
    BOOST_TEST(markdown.find(row) != std::string::npos, row);
  BOOST_TEST(markdown.find("Solver") == std::string::npos);

  manifest = whole;
  manifest.at("verification").as_object().erase("uniform");
  manifest.at("verification").as_object().erase("predicted");
  manifest.erase("study");
  const std::string measured = autoquant_markdown(manifest);
  BOOST_TEST(measured.find("| Loss | 2.5000 | 2.5156 | - |") != std::string::npos);
  BOOST_TEST(measured.find("| chosen mix | 6.938 | 1.380e-02 | 2.5156 |") != std::string::npos);
  BOOST_TEST(measured.find("one format") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(other_units_of_a_budget) {
  json::object manifest = autoquant_manifest();
  json::object& search = state_of(manifest).at("search").as_object();
  search["unit"] = "ms";
  search["budget"] = 1.5;
  search["gap"] = 0.00125;
  const std::string latency = autoquant_markdown(manifest);
  BOOST_TEST(latency.find("| Asked | 1.5 ms |") != std::string::npos);
  BOOST_TEST(latency.find("| Effective bits | 6.938 |") != std::string::npos);
  BOOST_TEST(latency.find("| Gap | 1.250e-03 |") != std::string::npos);
  BOOST_TEST(latency.find("| block 1 | 8 | 8 | 4 | 4 |") != std::string::npos);  // nominal: a latency is no size
  BOOST_TEST(autoquant_html(manifest).find(">budget<") == std::string::npos);
  search["unit"] = "bytes";
  search["budget"] = 1048576;
  BOOST_TEST(autoquant_markdown(manifest).find("| Asked | 1048576 bytes |") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(experts_share_a_cell) {
  const std::vector<layer_choice> choices{{"l.10.mlp.experts.0.up", "A(effective-bits: 4.0)", 4.125},
                                          {"l.10.mlp.experts.1.up", "B(effective-bits: 8.0)", 8.0},
                                          {"l.2.mlp.experts.0.up", "A(effective-bits: 4.0)", 4.125},
                                          {"l.2.mlp.experts.1.up", "A(effective-bits: 4.0)", 4.125},
                                          {"l.2.o", "C", {}}};
  const bits_picture picture = bits_picture_of(choices);
  BOOST_TEST((picture.columns == std::vector<std::string>{"mlp.experts.*.up", "o"}));
  BOOST_TEST((picture.rows == std::vector<std::string>{"block 2", "block 10"}));
  BOOST_TEST(picture.cells[0][0].text == "4.125");
  BOOST_TEST(picture.cells[0][1].text == "?");
  BOOST_TEST(picture.cells[1][0].text == "4.125-8");
  BOOST_TEST(picture.cells[1][0].title == "2 layers mlp.experts.*.up (block 10), 4.125-8 bits");
  BOOST_TEST(picture.cells[1][1].text == "");
}

BOOST_AUTO_TEST_CASE(long_fronts_have_short_tables) {
  json::object manifest = autoquant_manifest();
  json::array corners;
  for (int i = 0; i < 1000; ++i) corners.push_back({{"effective_bits", 4 + 0.001 * i}, {"score", 1.0 / (1 + i)}});
  state_of(manifest)["pareto"] = corners;
  const std::string markdown = autoquant_markdown(manifest);
  const std::size_t begin = markdown.find("## Pareto front");
  const std::string part = markdown.substr(begin, markdown.find("\n## ", begin) - begin);
  BOOST_TEST(part.find("1000 corners") != std::string::npos);
  BOOST_TEST(count_of(part, "\n| ") == 22U);
  BOOST_TEST(part.find("| 4.000 | 1.000e+00 |") != std::string::npos);
  BOOST_TEST(part.find("| 4.999 | 1.000e-03 |") != std::string::npos);
  BOOST_TEST(marks_of(autoquant_html(manifest), "front-chart").size() == 1001U);
}

BOOST_AUTO_TEST_CASE(damaged_manifests_write_nothing) {
  const scratch_folder folder;
  json::object manifest = autoquant_manifest();
  write_autoquant_report(manifest, {}, folder.path);
  BOOST_TEST(file_text(folder.path / "autoquant-report.md") == autoquant_markdown(manifest));
  BOOST_TEST(file_text(folder.path / "autoquant-report.html") == autoquant_html(manifest));
  for (const char* name : {"autoquant-report.md", "autoquant-report.html"}) std::filesystem::remove(folder.path / name);
  manifest["study"] = json::array{json::object{{"method", "gradient"}}};
  BOOST_CHECK_THROW(write_autoquant_report(manifest, {}, folder.path), qgrain::error);
  manifest["study"] = "none";
  BOOST_CHECK_THROW(write_autoquant_report(manifest, {}, folder.path), qgrain::error);
  BOOST_TEST(std::filesystem::is_empty(folder.path));
}
