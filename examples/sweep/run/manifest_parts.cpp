#include <recipes/fake_recipes.hpp>
#include <recipes/unquantized.hpp>
#include <sweep/formats/compression.hpp>
#include <sweep/results/manifest.hpp>
#include <sweep/run/manifest_parts.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace qgrain::sweep {

std::vector<std::string> base_formats_of(const planned_job& job) {
  std::vector<std::string> names;
  for (const planned_format& format : job.formats) names.push_back(format.quantization.base_format);
  return names;
}

json::object input_amax(const opened_pass& pass, const engine::engine_result& result) {
  json::object ranges;
  for (std::size_t l = 0; l < pass.model.linears().size(); ++l) {
    const std::vector<float>& channels = result.input_amax[l];
    ranges[pass.model.linears()[l].name] = *std::max_element(channels.begin(), channels.end());
  }
  return ranges;
}

json::value recipe_description(const std::string& name, const lm::linear_info& linear, bool is_weight) {
  if (name == recipes::unquantized) return {{"name", name}};
  const fake_recipe recipe = recipes::find_fake_recipe(name);
  json::object text{{"name", name},
                    {"format", recipe.elements.format},
                    {"scale", recipe.elements.scale},
                    {"rounding", recipe.elements.rounding}};
  if (is_weight) text["bits_per_element"] = recipe.bits_per_element({linear.out, linear.in});
  return text;
}

json::object dataset_facts(const planned_job& job, const lm::packed_rows& rows) {
  const auto text_or_null = [](const std::optional<std::string>& text) {
    return text ? json::value(*text) : json::value();
  };
  const dataset_settings& dataset = job.settings.dataset;
  const bool has_lines = dataset.format == dataset_format::lines;
  return {{"name", text_or_null(dataset.name)},
          {"size", text_or_null(dataset.size)},
          {"root", text_or_null(dataset.root)},
          {"captions_path", dataset.captions_path},
          {"format", has_lines ? json::value() : json::value(name_of(dataset.format))},
          {"field", has_lines ? json::value() : json::value(dataset.field)},
          {"max_calib_samples", *dataset.samples},
          {"num_calib_samples", rows.sequences.size()},
          {"calib_seq_len", dataset.sequence_length},
          {"batch_size", job.pass.batch_size},
          {"num_calib_batches", rows.batches()}};
}

json::object format_entry(const planned_format& format, json::object linear_scores) {
  const quantization_job& q = format.quantization;
  const json::value* algorithm = q.config.if_contains("algorithm");
  return {{"name", q.format_name},
          {"label", format_label(q.format_name, q.compression)},
          {"pair", format.pair},
          {"granularity", q.granularity.name},
          {"weight", q.recipes.weight},
          {"activation", q.recipes.activation},
          {"calibration", q.recipes.calibration},
          {"has_effect", q.has_effect},
          {"quant_cfg", q.config.at("quant_cfg")},
          {"algorithm", algorithm != nullptr ? *algorithm : json::value()},
          {"linear_scores", std::move(linear_scores)}};
}

json::array study_rows(const engine::study_result& study) {
  json::array rows;
  for (const engine::study_point& point : study.points) {
    rows.push_back({{"method", point.method},
                    {"effective_bits_asked", point.effective_bits_asked},
                    {"effective_bits", point.effective_bits},
                    {"score", point.score},
                    {"mean_divergence", point.measured.mean_divergence},
                    {"loss", point.measured.loss},
                    {"uniform_divergence", point.uniform_divergence},
                    {"reversed_divergence", point.reversed_divergence}});
  }
  return rows;
}

json::object verification_of(const engine::mix_report& measured, std::span<const engine::uniform_point> uniform,
                             std::span<const planned_format> formats, json::object predicted) {
  json::array rows;
  for (const engine::uniform_point& point : uniform) {
    const quantization_job& q = formats[point.format].quantization;
    rows.push_back({{"format", format_label(q.format_name, q.compression)},
                    {"effective_bits", point.effective_bits},
                    {"mean_divergence", point.measured.mean_divergence},
                    {"loss", point.measured.loss}});
  }
  return {{"base_loss", measured.base_loss},
          {"base_perplexity", finite_or_null(measured.base_perplexity)},
          {"loss", measured.loss},
          {"perplexity", finite_or_null(measured.perplexity)},
          {"mean_divergence", measured.mean_divergence},
          {"top1_agreement", measured.top1_agreement},
          {"positions", measured.positions},
          {"targets", measured.targets},
          {"uniform", std::move(rows)},
          {"predicted", std::move(predicted)}};
}

}  // namespace qgrain::sweep
