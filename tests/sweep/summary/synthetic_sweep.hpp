// Sweeps of any size without a model: manifests with made-up scores, the same in every run.
#ifndef QGRAIN_TESTS_SWEEP_SUMMARY_SYNTHETIC_SWEEP_HPP
#define QGRAIN_TESTS_SWEEP_SUMMARY_SYNTHETIC_SWEEP_HPP

#include <sweep/summary/sweep_summary.hpp>

#include <boost/json.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace qgrain::test {

namespace json = boost::json;

/// The Linears of `blocks` blocks, seven each.
inline std::vector<sweep::layer_shape> block_layers(int blocks) {
  std::vector<sweep::layer_shape> layers;
  for (int b = 0; b < blocks; ++b) {
    const std::string front = "model.layers." + std::to_string(b) + ".";
    for (const char* name : {"q_proj", "k_proj", "v_proj", "o_proj"})
      layers.push_back({front + "self_attn." + name, 256, 256});
    for (const char* name : {"gate_proj", "up_proj"}) layers.push_back({front + "mlp." + name, 768, 256});
    layers.push_back({front + "mlp.down_proj", 256, 768});
  }
  return layers;
}

/// A job's manifest with the members that a summary reads.
inline json::object manifest_of(const std::string& weight, const std::string& activation,
                                const std::vector<sweep::layer_shape>& layers, const std::vector<double>& scores) {
  json::object by_layer;
  json::object recipe;
  json::object stats;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    by_layer[layers[l].name] = scores[l];
    recipe[layers[l].name + ".quant_recipe"] =
        l % 3 == 0 ? "NONE(effective-bits: 16.0)" : "SOME_CFG(effective-bits: 8.0)";
    stats[layers[l].name + ".quant_recipe"] = {{"module_names", json::array{layers[l].name}}};
  }
  return {{"scheme", {{"name", "s"}, {"auto_quantize_bits", 8.0}}},
          {"model", {{"id", "models/m"}}},
          {"autoquant_state",
           {{"constraints", {{"effective_bits", 7.9}}},
            {"score", 0.5},
            {"is_satisfied", true},
            {"recipe", recipe},
            {"candidate_stats", stats}}},
          {"layer_sensitivity", json::object()},
          {"quantization", {{"base_format_name", "SOME_CFG"}, {"has_effect", true}}},
          {"linear_scores", by_layer},
          {"recipes", {{"weight", {{"name", weight}}}, {"activation", {{"name", activation}}}}},
          {"loss", {{"mean_over_targets", 2.5}, {"mean_of_batches", 2.4}}},
          {"model_fingerprint", "0123"},
          {"program", {{"name", "qgrain-sweep"}, {"version", "qgrain test"}}}};
}

inline sweep::summary_source source_of(const std::string& pair, const std::string& granularity,
                                       const std::vector<sweep::layer_shape>& layers, json::object manifest) {
  sweep::summary_source source;
  source.label = pair + " " + granularity;
  source.pair = pair;
  source.granularity = granularity;
  source.folder = pair + "/" + granularity;
  source.nominal_bits = 8;
  source.layers = layers;
  source.manifest = std::move(manifest);
  return source;
}

/// 16 pairs under 9 granularities: 144 jobs. Every 11th layer of the last pair scores exactly 0; every 13th layer of
/// the last but one has no score.
inline sweep::sweep_summary large_summary(const std::vector<sweep::layer_shape>& layers) {
  const std::vector<std::string> weights{"int4", "int8", "fp8", "int6"};
  const std::vector<std::string> activations{"fp16", "int8/per_token_dynamic", "fp8/per_tensor_static",
                                             "int4/per_tensor_dynamic"};
  const std::vector<std::pair<std::string, std::string>> granularities{{"default", "per_tensor"},
                                                                       {"w_per_out_channel", "per_out_channel"},
                                                                       {"w_per_in_channel", "per_in_channel"},
                                                                       {"w_group16", "group16"},
                                                                       {"w_group32", "group32"},
                                                                       {"w_group64", "group64"},
                                                                       {"w_group128", "group128"},
                                                                       {"w_tile16", "tile16x16"},
                                                                       {"w_tile128", "tile128x128"}};
  std::uint64_t state = 1;
  const auto uniform = [&] {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return static_cast<double>(state >> 11U) / 9007199254740992.0;
  };
  std::vector<sweep::summary_source> sources;
  for (std::size_t w = 0; w < weights.size(); ++w) {
    for (std::size_t a = 0; a < activations.size(); ++a) {
      for (std::size_t g = 0; g < granularities.size(); ++g) {
        std::vector<double> scores;
        for (std::size_t l = 0; l < layers.size(); ++l) {
          const double depth = static_cast<double>(l) / static_cast<double>(layers.size());
          const double level = -6 - 2 * static_cast<double>(w % 2) + static_cast<double>(l % 7) * 0.3 +
                               2 * depth * depth - 0.05 * static_cast<double>(g) + 0.2 * static_cast<double>(a);
          scores.push_back(std::pow(10.0, level + 0.5 * uniform()));
        }
        const bool is_last = w + 1 == weights.size();
        if (is_last && a == 3) {
          for (std::size_t l = 0; l < scores.size(); l += 11) scores[l] = 0;
        }
        json::object manifest = manifest_of(weights[w] + "/" + granularities[g].second, activations[a], layers, scores);
        if (is_last && a == 2) {
          for (std::size_t l = 0; l < layers.size(); l += 13)
            manifest.at("linear_scores").get_object().erase(layers[l].name);
        }
        const std::string pair = "w" + weights[w] + "_a" + activations[a].substr(0, activations[a].find('/'));
        sources.push_back(source_of(pair, granularities[g].first, layers, std::move(manifest)));
      }
    }
  }
  return sweep::summarize(sources);
}

}  // namespace qgrain::test

#endif
