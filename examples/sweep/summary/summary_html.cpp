#include <common/file.hpp>
#include <common/json.hpp>
#include <common/json_text.hpp>
#include <sweep/summary/page_parts.hpp>
#include <sweep/summary/summary_files.hpp>

#include <qgrain/core/status.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace qgrain::sweep {
namespace {

using common::or_null;

json::array as_array(const std::vector<std::string>& texts) { return json::array(texts.begin(), texts.end()); }

json::array layer_data(const std::vector<std::string>& kinds, const summary_layer& layer) {
  const auto kind = std::find(kinds.begin(), kinds.end(), layer.place.kind) - kinds.begin();
  return {layer.model, layer.shape.name, kind, or_null(layer.place.depth), layer.shape.out, layer.shape.in};
}

// A list with a value for each layer, or one value where all layers have the same.
template <class Member>
json::value member_data(const summary_job& job, Member member) {
  const std::optional<layer_result>& first = job.layers.front();
  const auto value_of = [&](const std::optional<layer_result>& layer) {
    return layer ? json::value(static_cast<double>((*layer).*member)) : json::value();
  };
  const bool is_constant = std::all_of(job.layers.begin(), job.layers.end(), [&](const auto& layer) {
    return layer && first && (*layer).*member == (*first).*member;
  });
  if (is_constant) return value_of(first);
  json::array list;
  for (const std::optional<layer_result>& layer : job.layers) list.push_back(value_of(layer));
  return list;
}

json::object job_data(const summary_job& job) {
  json::object data{{"label", job.label},
                    {"pair", job.pair},
                    {"granularity", job.granularity},
                    {"variant", job.variant},
                    {"folder", job.folder},
                    {"weight", job.weight},
                    {"activation", job.activation},
                    {"model", job.model},
                    {"family", job.family},
                    {"reference", job.reference},
                    {"effect", job.has_effect},
                    {"front", job.is_on_front},
                    {"satisfied", job.is_satisfied},
                    {"score", job.score},
                    {"ratio", or_null(job.ratio)},
                    {"perWeight", job.bits_per_weight()},
                    {"bytes", job.bytes()},
                    {"nominal", job.nominal_bits},
                    {"target", job.target_bits},
                    {"effective", job.effective_bits},
                    {"mixScore", job.mix_score},
                    {"loss", or_null(job.loss)}};
  if (job.layers.empty()) return data;
  json::array& scores = data["scores"].emplace_array();
  for (const std::optional<layer_result>& layer : job.layers)
    scores.push_back(layer ? json::value(layer->score) : json::value());
  data["bits"] = member_data(job, &layer_result::bits);
  data["chosen"] = member_data(job, &layer_result::chosen);
  return data;
}

// What the page's script reads.
std::string payload(const sweep_summary& summary) {
  std::vector<std::string> kinds;
  for (const summary_layer& layer : summary.layers) {
    if (std::find(kinds.begin(), kinds.end(), layer.place.kind) == kinds.end()) kinds.push_back(layer.place.kind);
  }
  json::object data{{"program", summary.program}};
  json::array& models = data["models"].emplace_array();
  for (const summary_model& model : summary.models) models.emplace_back(model.id);
  data["kinds"] = as_array(kinds);
  data["formats"] = as_array(summary.formats);
  json::array& layers = data["layers"].emplace_array();
  for (const summary_layer& layer : summary.layers) layers.push_back(layer_data(kinds, layer));
  json::array& jobs = data["jobs"].emplace_array();
  for (const summary_job& job : summary.jobs) jobs.push_back(job_data(job));
  json::array& skipped = data["skipped"].emplace_array();
  for (const skipped_job& job : summary.skipped) skipped.push_back({job.label, job.reason});
  return common::json_text(data, {.digits = 6, .members = {{"scores", 4}, {"bits", 4}}});
}

// Appends `page` up to `mark`, which it then begins behind.
void append_until(std::string& out, std::string_view& page, std::string_view mark) {
  const std::size_t at = page.find(mark);
  if (at == std::string_view::npos) throw error(errc::bad_file, "the report page lacks " + std::string(mark));
  out += page.substr(0, at);
  page.remove_prefix(at + mark.size());
}

}  // namespace

std::string summary_html(const sweep_summary& summary) {
  std::string out;
  std::string_view page = page_html;
  append_until(out, page, "@style@");
  out += page_css;
  append_until(out, page, "@data@");
  out += payload(summary);
  append_until(out, page, "@script@");
  out += page_js;
  out += page;
  return out;
}

void write_summary(const sweep_summary& summary, const std::filesystem::path& folder) {
  // All texts first: a fault leaves no half set of files.
  const std::string as_json = common::json_text(summary_json(summary)) + "\n";
  const std::string as_html = summary_html(summary);
  std::set<std::string> folders;
  for (const summary_job& job : summary.jobs) folders.insert(job.folder);
  for (const std::string& of_jobs : folders)
    common::write_text_file(folder / of_jobs / layer_csv_name, layer_csv(summary, of_jobs));
  common::write_text_file(folder / summary_json_name, as_json);
  common::write_text_file(folder / summary_csv_name, summary_csv(summary));
  common::write_text_file(folder / summary_scores_csv_name, scores_csv(summary));
  common::write_text_file(folder / summary_markdown_name, summary_markdown(summary));
  common::write_text_file(folder / summary_html_name, as_html);
}

}  // namespace qgrain::sweep
