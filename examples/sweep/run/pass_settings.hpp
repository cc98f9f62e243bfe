// What decides a forward and backward pass.
#ifndef QGRAIN_SWEEP_RUN_PASS_SETTINGS_HPP
#define QGRAIN_SWEEP_RUN_PASS_SETTINGS_HPP

#include <engine/score/sums.hpp>
#include <lm/rows.hpp>
#include <sweep/layers/groups.hpp>
#include <sweep/search/score_method.hpp>
#include <sweep/settings/autoquant_settings.hpp>
#include <sweep/settings/dataset_texts.hpp>
#include <sweep/settings/scoring_settings.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace qgrain::sweep {

/// Jobs with equal settings are scored in one pass.
struct pass_settings {
  std::filesystem::path model;
  std::filesystem::path captions;
  dataset_format format = dataset_format::lines;
  std::string field;                    ///< of a line's object, or the tensor
  std::optional<std::int64_t> samples;  ///< nothing: the whole file
  lm::padding padding = lm::padding::left;
  std::int64_t sequence_length = 512;
  std::int64_t batch_size = 8;
  std::int64_t score_size = 128;
  engine::cross_term cross = engine::cross_term::exact;
  std::vector<score_method> methods{score_method::gradient};
  std::uint64_t fisher_draws = 1;
  std::uint64_t fisher_seed = 0;
  bool kl_padding = true;
  bool shared_ranges = false;
  bool shared_experts = false;         ///< static ranges of inputs are the largest of a layer's experts
  std::optional<group_rules> groups;   ///< only where a method scores groups as a whole or the model has experts
  int threads = 1;                     ///< no part of the comparison: results do not depend on it
  std::int64_t kept_weight_bytes = 0;  ///< nor on this

  friend bool operator==(const pass_settings& a, const pass_settings& b) {
    const auto all = [](const pass_settings& p) {
      return std::tie(p.model, p.captions, p.format, p.field, p.samples, p.padding, p.sequence_length, p.batch_size,
                      p.score_size, p.cross, p.methods, p.fisher_draws, p.fisher_seed, p.kl_padding, p.shared_ranges,
                      p.shared_experts, p.groups);
    };
    return all(a) == all(b);
  }
};

/// Files are looked for at their own paths, then among those shipped.
/// @throws error errc::unknown_name or errc::unsupported for a cross term that does not exist or that a method cannot
/// take, errc::io_failure where the shipped files are needed and not found.
[[nodiscard]] pass_settings pass_of(const dataset_settings& dataset, const scoring_settings& scoring,
                                    const autoquant_settings& autoquant);

/// "exact", "sampled" or "neglect".
[[nodiscard]] std::string_view name_of(engine::cross_term mode) noexcept;

}  // namespace qgrain::sweep

#endif
