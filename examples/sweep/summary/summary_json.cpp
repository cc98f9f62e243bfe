#include <common/json.hpp>
#include <sweep/summary/summary_files.hpp>

namespace qgrain::sweep {
namespace {

using common::or_null;

json::object layer_object(const summary_layer& layer) {
  return {{"model", layer.model},     {"name", layer.shape.name},
          {"kind", layer.place.kind}, {"depth", or_null(layer.place.depth)},
          {"out", layer.shape.out},   {"in", layer.shape.in}};
}

json::object job_object(const sweep_summary& summary, const summary_job& job) {
  json::array scores;
  json::array bits;
  json::array chosen;
  for (const std::optional<layer_result>& layer : job.layers) {
    scores.push_back(layer ? json::value(layer->score) : json::value());
    bits.push_back(layer ? json::value(layer->bits) : json::value());
    chosen.push_back(layer ? json::value(layer->chosen) : json::value());
  }
  return {{"label", job.label},
          {"pair", job.pair},
          {"granularity", job.granularity},
          {"variant", job.variant},
          {"folder", job.folder},
          {"model", job.model},
          {"family", job.family},
          {"base_format", job.base_format},
          {"weight", job.weight},
          {"activation", job.activation},
          {"has_effect", job.has_effect},
          {"score", job.score},
          {"reference", summary.jobs[job.reference].label},
          {"ratio_to_reference", or_null(job.ratio)},
          {"bits_per_weight", job.bits_per_weight()},
          {"weight_bytes", job.bytes()},
          {"on_front", job.is_on_front},
          {"nominal_bits", job.nominal_bits},
          {"loss", or_null(job.loss)},
          {"search",
           {{"target_bits", job.target_bits},
            {"effective_bits", job.effective_bits},
            {"score", job.mix_score},
            {"is_satisfied", job.is_satisfied}}},
          {"layer_scores", std::move(scores)},
          {"layer_bits", std::move(bits)},
          {"layer_formats", std::move(chosen)}};
}

}  // namespace

json::object summary_json(const sweep_summary& summary) {
  json::array models;
  for (const summary_model& model : summary.models)
    models.push_back({{"id", model.id}, {"fingerprint", model.fingerprint}});
  json::array layers;
  for (const summary_layer& layer : summary.layers) layers.push_back(layer_object(layer));
  json::array jobs;
  for (const summary_job& job : summary.jobs) jobs.push_back(job_object(summary, job));
  json::array skipped;
  for (const skipped_job& job : summary.skipped) {
    skipped.push_back(
        {{"label", job.label}, {"pair", job.pair}, {"granularity", job.granularity}, {"reason", job.reason}});
  }
  return {{"program", summary.program},  {"models", std::move(models)},
          {"layers", std::move(layers)}, {"formats", json::array(summary.formats.begin(), summary.formats.end())},
          {"jobs", std::move(jobs)},     {"skipped", std::move(skipped)}};
}

}  // namespace qgrain::sweep
