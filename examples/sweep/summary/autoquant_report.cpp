#include <common/file.hpp>
#include <common/html_text.hpp>
#include <sweep/summary/autoquant_parts.hpp>
#include <sweep/summary/autoquant_report.hpp>
#include <sweep/summary/page_parts.hpp>

#include <cctype>
#include <string_view>

namespace qgrain::sweep {
namespace {

using common::html_text;

// What the page of a whole sweep does not need.
constexpr std::string_view further_style =
    "svg.bits { width: auto; max-width: none; }\n"
    "svg .cell { fill: var(--accent); stroke: var(--line); }\n"
    "svg .line { fill: none; stroke-width: 1.5; }\n"
    "svg .mark { cursor: default; }\n"
    "details { margin: 6px 0; }\n";

std::string element(std::string_view tag, std::string_view attributes, std::string_view text) {
  std::string out = "<";
  out.append(tag).append(attributes.empty() ? "" : " ").append(attributes).append(">");
  return out.append(html_text(text)).append("</").append(tag).append(">");
}

bool looks_like_number(std::string_view text) {
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  return text == "-" || (first < text.size() && std::isdigit(static_cast<unsigned char>(text[first])) != 0);
}

std::string html_table(const report_part& part) {
  std::string out =
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"" + part.id + "\"><table>\n<thead><tr>";
  for (const std::string& cell : part.head) out += element("th", "scope=\"col\"", cell);
  out += "</tr></thead>\n<tbody>\n";
  for (const table_cells& row : part.rows) {
    out += "<tr>" + element("th", "scope=\"row\"", row.front());
    for (std::size_t c = 1; c < row.size(); ++c) {
      out += element("td", looks_like_number(row[c]) ? "" : "class=\"words\"", row[c]);
    }
    out += "</tr>\n";
  }
  return out + "</tbody>\n</table></div>\n";
}

std::string section(const report_part& part) {
  std::string out = "<section aria-labelledby=\"" + part.id + "\">\n" +
                    element("h2", "id=\"" + part.id + "\" tabindex=\"-1\"", part.title) + "\n";
  if (!part.text.empty()) out += element("p", "", part.text) + "\n";
  if (part.curve) out += svg_chart(*part.curve);
  if (part.picture) {
    out += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"" + part.id + "\">\n" +
           svg_bits(*part.picture, part.id + "-picture", part.text) + "</div>\n";
  }
  const bool is_shown_above = part.curve || part.picture;
  if (!part.rows.empty()) {
    out += is_shown_above ? "<details><summary>As a table</summary>\n" + html_table(part) + "</details>\n"
                          : html_table(part);
  }
  return out + "</section>\n";
}

std::string markdown_of(const autoquant_content& content) {
  std::string out = "# ";
  out.append(plain_markdown(content.title)).append("\n");
  if (!content.facts.empty()) out.append("\n").append(plain_markdown(content.facts)).append("\n");
  const auto escaped = [](table_cells row) {
    for (std::string& cell : row) cell = plain_markdown(cell);
    return row;
  };
  for (const report_part& part : content.parts) {
    if (part.rows.empty()) continue;
    out += "\n## " + part.title + "\n\n";
    if (!part.text.empty()) out += plain_markdown(part.text) + "\n\n";
    std::vector<table_cells> rows;
    for (const table_cells& row : part.rows) rows.push_back(escaped(row));
    append_table(out, escaped(part.head), rows);
  }
  return out;
}

std::string html_of(const autoquant_content& content) {
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n";
  out += element("title", "", content.title) + "\n<style>\n";
  out.append(page_css).append(further_style);
  out += "</style>\n</head>\n<body>\n<header>\n<div>\n" + element("h1", "", content.title) + "\n" +
         element("p", "", content.facts) + "\n</div>\n<nav aria-label=\"Parts of the report\">\n";
  for (const report_part& part : content.parts) out += element("a", "href=\"#" + part.id + "\"", part.title) + "\n";
  out += "</nav>\n</header>\n<main>\n";
  for (const report_part& part : content.parts) out += section(part);
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace

std::string autoquant_markdown(const json::object& manifest, const json::array& exports) {
  return markdown_of(autoquant_content_of(manifest, exports));
}

std::string autoquant_html(const json::object& manifest, const json::array& exports) {
  return html_of(autoquant_content_of(manifest, exports));
}

void write_autoquant_report(const json::object& manifest, const json::array& exports,
                            const std::filesystem::path& folder) {
  const autoquant_content content = autoquant_content_of(manifest, exports);
  const std::string as_markdown = markdown_of(content);
  const std::string as_html = html_of(content);
  common::write_text_file(folder / autoquant_markdown_name, as_markdown);
  common::write_text_file(folder / autoquant_html_name, as_html);
}

}  // namespace qgrain::sweep
