#include <common/number_text.hpp>
#include <common/text_table.hpp>
#include <quantize/recipe.hpp>
#include <quantize/reports.hpp>

#include <qgrain/core/nearest_names.hpp>

#include <boost/json.hpp>

#include <cmath>
#include <ostream>

namespace qgrain::convert {
namespace {

std::string bits_text(const recipe_description& d) {
  if (d.bits_per_element) return common::formatted("%.4g", *d.bits_per_element);
  std::string text = std::to_string(d.code_bits);
  if (d.scale_bits > 0) text += " + " + std::to_string(d.scale_bits) + "/group";
  return text;
}

boost::json::value json_of(const recipe_description& d) {
  boost::json::value bits;
  if (d.bits_per_element) bits = *d.bits_per_element;
  return boost::json::object{{"name", d.name},
                             {"format", d.format},
                             {"granularity", d.granularity},
                             {"scale", d.scale},
                             {"rounding", d.rounding},
                             {"tail", d.tail},
                             {"bits_per_element", bits},
                             {"code_bits", d.code_bits},
                             {"scale_bits_per_group", d.scale_bits},
                             {"scale_bits_per_tensor", d.tensor_bits},
                             {"source", d.source},
                             {"takes", boost::json::value_from(d.takes)},
                             {"gives", boost::json::value_from(d.gives)}};
}

boost::json::value finite_or_null(double value) {
  return std::isfinite(value) ? boost::json::value(value) : boost::json::value();
}

boost::json::value json_of(const tensor_report& report) {
  boost::json::object fields{{"tensor", report.name},
                             {"recipe", report.recipe},
                             {"dtype", lm::name_of(report.type)},
                             {"shape", boost::json::array(report.shape.begin(), report.shape.end())}};
  if (report.stored_bytes > 0) fields["stored_bytes"] = report.stored_bytes;
  if (report.errors) {
    fields["mse"] = finite_or_null(report.errors->mse());
    fields["sqnr_db"] = finite_or_null(report.errors->sqnr_db());
    fields["max_error"] = finite_or_null(report.errors->max_error());
    fields["cosine"] = finite_or_null(report.errors->cosine());
    fields["clipped"] = report.clipped_known ? boost::json::value(report.errors->clipped) : boost::json::value();
  }
  return fields;
}

std::string line_of(const tensor_report& report) {
  std::string line = report.name + "  " + text_of(report.type, report.shape) + "  " + report.recipe;
  if (!report.errors) return line;
  line += "  mse " + common::formatted("%.6g", report.errors->mse()) + "  sqnr_db " +
          common::formatted("%.4f", report.errors->sqnr_db()) + "  max_error " +
          common::formatted("%.6g", report.errors->max_error()) + "  cosine " +
          common::formatted("%.8f", report.errors->cosine()) + "  clipped ";
  return line + (report.clipped_known ? std::to_string(report.errors->clipped) : "unknown");
}

}  // namespace

void list_catalogue(std::ostream& out, const std::string& recipe_name, bool json) {
  std::vector<recipe_description> recipes;
  if (recipe_name.empty()) {
    recipes = list_recipes();
  } else {
    recipes.push_back(find_recipe(recipe_name)->describe());
  }
  if (json) {
    boost::json::array list;
    for (const recipe_description& d : recipes) list.push_back(json_of(d));
    out << boost::json::serialize(list) << '\n';
    return;
  }
  std::vector<std::vector<std::string>> rows{
      {"name", "format", "granularity", "scale", "rounding", "tail", "bits per element", "source"}};
  for (const recipe_description& d : recipes) {
    rows.push_back({d.name, d.format, d.granularity, d.scale, d.rounding, d.tail, bits_text(d), d.source});
  }
  common::print_table(out, rows);
}

void print_reports(std::ostream& out, const std::vector<tensor_report>& reports, const std::string& file, bool json) {
  if (json) {
    boost::json::array tensors;
    for (const tensor_report& report : reports) tensors.push_back(json_of(report));
    out << boost::json::serialize(boost::json::object{{"out", file}, {"tensors", tensors}}) << '\n';
    return;
  }
  for (const tensor_report& report : reports) out << line_of(report) << '\n';
  if (!file.empty()) out << file << ": " << reports.size() << " tensors\n";
}

}  // namespace qgrain::convert
