#include <common/html_text.hpp>
#include <sweep/summary/bits_picture.hpp>
#include <sweep/summary/layer_place.hpp>
#include <sweep/summary/markdown_table.hpp>

#include <algorithm>
#include <map>

namespace qgrain::sweep {
namespace {

using common::html_text;

constexpr double cell_height = 22, head_height = 40, row_titles = 80, character = 6.8;
constexpr const char* outside = "outside";

struct cell_layers {
  std::vector<const layer_choice*> layers;
};

bits_cell cell_of(const cell_layers& members, const std::string& kind, const std::string& row) {
  bits_cell cell;
  if (members.layers.empty()) return cell;
  const auto less = [](const layer_choice* a, const layer_choice* b) { return a->bits < b->bits; };
  const auto [least, most] = std::minmax_element(members.layers.begin(), members.layers.end(), less);
  if (!(*least)->bits) {
    cell.text = std::string("?");  // assigning the literal makes g++ 12 warn of an overlap
  } else {
    cell.bits = *(*most)->bits;
    cell.text = bits_text(cell.bits);
    if (const std::string from = bits_text(*(*least)->bits); from != cell.text) cell.text = from + "-" + cell.text;
  }
  const layer_choice& first = *members.layers.front();
  cell.title = members.layers.size() == 1
                   ? first.layer + ": " + first.label
                   : std::to_string(members.layers.size()) + " layers " + kind + " (" + row + ")";
  cell.title += ", " + cell.text + " bits";
  return cell;
}

// "self_attn.q_proj": what stands before the last dot, and the rest.
std::pair<std::string, std::string> split_kind(const std::string& kind) {
  const std::size_t dot = kind.rfind('.');
  if (dot == std::string::npos) return {"", kind};
  return {kind.substr(0, dot), kind.substr(dot + 1)};
}

double column_width(const bits_picture& picture, std::size_t column) {
  const auto [front, back] = split_kind(picture.columns[column]);
  std::size_t longest = std::max({front.size(), back.size(), std::size_t{6}});
  for (const auto& row : picture.cells) longest = std::max(longest, row[column].text.size());
  return character * static_cast<double>(longest) + 12;
}

std::string centred(double x, double y, const char* attributes, const std::string& text) {
  return formatted("<text x=\"%.1f\" y=\"%.1f\" ", x, y) + attributes + ">" + html_text(text) + "</text>";
}

}  // namespace

std::string bits_text(double bits) { return formatted("%.4g", bits); }

bits_picture bits_picture_of(std::span<const layer_choice> choices) {
  bits_picture picture;
  std::map<std::int64_t, std::map<std::string, cell_layers>> blocks;
  std::map<std::string, cell_layers> others;
  for (const layer_choice& choice : choices) {
    const layer_place place = place_of(choice.layer);
    if (std::find(picture.columns.begin(), picture.columns.end(), place.kind) == picture.columns.end())
      picture.columns.push_back(place.kind);
    (place.depth ? blocks[*place.depth] : others)[place.kind].layers.push_back(&choice);
  }
  const auto add_row = [&](const std::string& title, std::map<std::string, cell_layers>& members) {
    picture.rows.push_back(title);
    auto& row = picture.cells.emplace_back();
    for (const std::string& kind : picture.columns) row.push_back(cell_of(members[kind], kind, title));
  };
  for (auto& [depth, members] : blocks) add_row("block " + std::to_string(depth), members);
  if (!others.empty()) add_row(outside, others);
  return picture;
}

std::string svg_bits(const bits_picture& picture, const std::string& id, const std::string& description) {
  std::vector<double> edges{row_titles};
  for (std::size_t c = 0; c < picture.columns.size(); ++c) edges.push_back(edges.back() + column_width(picture, c));
  const double height = head_height + cell_height * static_cast<double>(picture.rows.size()) + 2;
  std::string out = "<svg id=\"" + id + "\" class=\"bits\" " +
                    formatted("width=\"%.0f\" height=\"%.0f\"", edges.back() + 2, height) +
                    formatted(" viewBox=\"0 0 %.0f %.0f\"", edges.back() + 2, height) +
                    " role=\"img\" aria-labelledby=\"" + id + "-title " + id + "-text\">\n<title id=\"" + id +
                    "-title\">Bits per weight by block and kind of layer</title>\n<desc id=\"" + id + "-text\">" +
                    html_text(description) + "</desc>\n";
  for (std::size_t c = 0; c < picture.columns.size(); ++c) {
    const double middle = (edges[c] + edges[c + 1]) / 2;
    const auto [front, back] = split_kind(picture.columns[c]);
    if (!front.empty()) out += centred(middle, 14, "text-anchor=\"middle\" class=\"quiet\"", front);
    out += centred(middle, 30, "text-anchor=\"middle\"", back) + "\n";
  }
  for (std::size_t r = 0; r < picture.rows.size(); ++r) {
    const double y = head_height + cell_height * static_cast<double>(r);
    out += centred(row_titles - 8, y + 15, "text-anchor=\"end\" class=\"quiet\"", picture.rows[r]) + "\n";
    for (std::size_t c = 0; c < picture.columns.size(); ++c) {
      const bits_cell& cell = picture.cells[r][c];
      if (cell.text.empty()) continue;
      const double tint = 0.05 + 0.35 * std::clamp((cell.bits - 2) / 14, 0.0, 1.0);
      out += "<g><title>" + html_text(cell.title) + "</title><rect class=\"cell\" " +
             formatted("x=\"%.1f\" y=\"%.1f\" ", edges[c], y) +
             formatted("width=\"%.1f\" height=\"%.1f\" ", edges[c + 1] - edges[c], cell_height) +
             formatted("fill-opacity=\"%.2f\"/>", tint) +
             centred((edges[c] + edges[c + 1]) / 2, y + 15, "text-anchor=\"middle\"", cell.text) + "</g>\n";
    }
  }
  return out + "</svg>\n";
}

}  // namespace qgrain::sweep
