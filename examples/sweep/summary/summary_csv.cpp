#include <common/number_text.hpp>
#include <sweep/summary/csv.hpp>
#include <sweep/summary/summary_files.hpp>

namespace qgrain::sweep {
namespace {

std::string text_of(bool value) { return value ? "true" : "false"; }

std::string text_of(const std::optional<double>& value) { return value ? common::number_text(*value) : ""; }

// Model, layer, kind, depth, out, in: the columns that every table of layers begins with.
std::vector<std::string> layer_fields(const sweep_summary& summary, const summary_layer& layer) {
  return {summary.models[layer.model].id,
          layer.shape.name,
          layer.place.kind,
          layer.place.depth ? std::to_string(*layer.place.depth) : "",
          std::to_string(layer.shape.out),
          std::to_string(layer.shape.in)};
}

const std::vector<std::string> layer_columns{"model", "layer", "kind", "depth", "out", "in"};

}  // namespace

std::string summary_csv(const sweep_summary& summary) {
  const std::vector<std::string> columns{"job",
                                         "status",
                                         "pair",
                                         "granularity",
                                         "variant",
                                         "weight",
                                         "activation",
                                         "has_effect",
                                         "score",
                                         "reference",
                                         "ratio",
                                         "on_front",
                                         "bits_per_weight",
                                         "weight_bytes",
                                         "nominal_bits",
                                         "target_bits",
                                         "effective_bits",
                                         "mix_score",
                                         "is_satisfied",
                                         "loss",
                                         "model",
                                         "folder",
                                         "reason"};
  std::string out;
  append_csv_line(out, columns);
  for (const summary_job& job : summary.jobs) {
    append_csv_line(out, std::vector<std::string>{job.label,
                                                  "done",
                                                  job.pair,
                                                  job.granularity,
                                                  job.variant,
                                                  job.weight,
                                                  job.activation,
                                                  text_of(job.has_effect),
                                                  common::number_text(job.score),
                                                  summary.jobs[job.reference].label,
                                                  text_of(job.ratio),
                                                  text_of(job.is_on_front),
                                                  common::number_text(job.bits_per_weight()),
                                                  common::number_text(job.bytes()),
                                                  common::number_text(job.nominal_bits),
                                                  common::number_text(job.target_bits),
                                                  common::number_text(job.effective_bits),
                                                  common::number_text(job.mix_score),
                                                  text_of(job.is_satisfied),
                                                  text_of(job.loss),
                                                  summary.models[job.model].id,
                                                  job.folder,
                                                  ""});
  }
  for (const skipped_job& job : summary.skipped) {
    std::vector<std::string> fields(columns.size());
    fields[0] = job.label;
    fields[1] = "skipped";
    fields[2] = job.pair;
    fields[3] = job.granularity;
    fields.back() = job.reason;
    append_csv_line(out, fields);
  }
  return out;
}

std::string scores_csv(const sweep_summary& summary) {
  std::vector<std::string> columns = layer_columns;
  for (const summary_job& job : summary.jobs) columns.push_back(job.label);
  std::string out;
  append_csv_line(out, columns);
  for (std::size_t l = 0; l < summary.layers.size(); ++l) {
    std::vector<std::string> fields = layer_fields(summary, summary.layers[l]);
    for (const summary_job& job : summary.jobs)
      fields.push_back(job.layers[l] ? common::number_text(job.layers[l]->score) : "");
    append_csv_line(out, fields);
  }
  return out;
}

std::string layer_csv(const sweep_summary& summary, std::string_view folder) {
  std::vector<std::string> columns = layer_columns;
  for (const char* column : {"score", "bits_per_weight", "weight_bytes", "nominal_bits", "chosen", "job"})
    columns.emplace_back(column);
  std::string out;
  append_csv_line(out, columns);
  for (const summary_job& job : summary.jobs) {
    if (job.folder != folder) continue;
    for (std::size_t l = 0; l < summary.layers.size(); ++l) {
      if (!job.layers[l]) continue;
      const layer_result& result = *job.layers[l];
      std::vector<std::string> fields = layer_fields(summary, summary.layers[l]);
      fields.push_back(common::number_text(result.score));
      fields.push_back(common::number_text(result.bits));
      fields.push_back(common::number_text(result.bits * summary.layers[l].elements() / 8));
      fields.push_back(common::number_text(job.nominal_bits));
      fields.push_back(summary.formats[result.chosen]);
      fields.push_back(job.label);
      append_csv_line(out, fields);
    }
  }
  return out;
}

}  // namespace qgrain::sweep
