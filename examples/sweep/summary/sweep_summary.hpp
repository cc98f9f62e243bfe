// What a sweep found, gathered from the manifests of its jobs.
#ifndef QGRAIN_SWEEP_SUMMARY_SWEEP_SUMMARY_HPP
#define QGRAIN_SWEEP_SUMMARY_SWEEP_SUMMARY_HPP

#include <sweep/summary/layer_place.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace qgrain::sweep {

namespace json = boost::json;

/// A Linear layer of a model: weight [out, in].
struct layer_shape {
  std::string name;
  std::int64_t out = 0;
  std::int64_t in = 0;
};

/// A finished job as the summary takes it.
struct summary_source {
  std::string label;  ///< unique in the sweep
  std::string pair;
  std::string granularity;
  std::string variant;                  ///< values of the other swept keys; empty where nothing else is swept
  std::string folder;                   ///< of its files, relative to the summary
  double nominal_bits = 16;             ///< per weight, as the search books them
  std::span<const layer_shape> layers;  ///< of its model; used during the call only
  json::object manifest;
};

/// A job that the sweep asked for and that was not run.
struct skipped_job {
  std::string label;
  std::string pair;
  std::string granularity;
  std::string reason;
};

struct summary_model {
  std::string id;
  std::string fingerprint;

  friend bool operator==(const summary_model&, const summary_model&) = default;
};

struct summary_layer {
  std::size_t model = 0;
  layer_shape shape;
  layer_place place;

  [[nodiscard]] double elements() const { return static_cast<double>(shape.out) * static_cast<double>(shape.in); }
};

/// What one job says about one layer.
struct layer_result {
  double score = 0;
  double bits = 16;        ///< per weight element, scales included, where the layer is quantized
  std::size_t chosen = 0;  ///< the search's choice, in sweep_summary::formats
};

struct summary_job {
  std::string label;
  std::string pair;
  std::string granularity;
  std::string variant;
  std::string folder;
  std::size_t model = 0;
  std::size_t family = 0;  ///< jobs of one family have model and variant in common: their scores compare
  std::string base_format;
  std::string weight;                               ///< recipe
  std::string activation;                           ///< recipe
  bool has_effect = true;                           ///< false: the granularity leaves the pair's recipes as they are
  std::vector<std::optional<layer_result>> layers;  ///< of sweep_summary::layers; nothing where the job has no score
  double score = 0;                                 ///< sum over the layers
  double elements = 0;                              ///< weights of the scored layers
  double weight_bits = 0;                           ///< of all scored layers quantized, scales included
  double nominal_bits = 16;
  double target_bits = 16;
  double effective_bits = 16;  ///< of the mix that the search chose
  double mix_score = 0;
  bool is_satisfied = true;
  std::optional<double> loss;  ///< mean cross entropy of the unquantized model over the scored targets
  bool is_on_front = false;    ///< no job of its family has both fewer bits and a smaller score
  std::size_t reference = 0;   ///< its pair's job of granularity "default", else its pair's first, in the same family
  /// Score over that of `reference`; nothing where that one is 0.
  std::optional<double> ratio;

  [[nodiscard]] double bits_per_weight() const { return elements > 0 ? weight_bits / elements : 0; }
  [[nodiscard]] double bytes() const { return weight_bits / 8; }
};

/// Everything that the writers show; no times, no memory, so the same results give the same bytes.
struct sweep_summary {
  std::string program;  ///< name and version
  std::vector<summary_model> models;
  std::vector<summary_layer> layers;  ///< model by model, in model order
  std::vector<std::string> formats;   ///< labels of what the search chose
  std::vector<summary_job> jobs;      ///< in the sweep's order
  std::vector<skipped_job> skipped;
};

/// Throws errc::bad_file or invalid_argument naming what a manifest lacks, errc::unknown_name for a recipe that this
/// program does not have, errc::invalid_argument for two jobs of one label, and for results of different
/// identity (identity.hpp) that would stand in one table.
[[nodiscard]] sweep_summary summarize(std::span<const summary_source> sources,
                                      std::span<const skipped_job> skipped = {});

}  // namespace qgrain::sweep

#endif
