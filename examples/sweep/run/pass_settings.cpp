#include <lm/config.hpp>
#include <sweep/run/command_line.hpp>
#include <sweep/run/pass_settings.hpp>

#include <qgrain/core/status.hpp>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <thread>

namespace qgrain::sweep {
namespace {

constexpr std::array<std::string_view, 3> cross_term_names{"exact", "sampled", "neglect"};

engine::cross_term cross_term_from(const std::string& name) {
  const auto found = std::find(cross_term_names.begin(), cross_term_names.end(), name);
  if (found == cross_term_names.end())
    throw error(errc::unknown_name, "autoquant.cross_term: must be exact, sampled or neglect, not " + name);
  return static_cast<engine::cross_term>(found - cross_term_names.begin());
}

// As far as its configuration can be read: faults are named where the model is opened.
bool has_experts(const std::filesystem::path& model) {
  if (!std::filesystem::is_directory(model)) return false;
  try {
    return lm::read_config(model).experts > 0;
  } catch (const error&) {
    return false;
  }
}

}  // namespace

pass_settings pass_of(const dataset_settings& dataset, const scoring_settings& scoring,
                      const autoquant_settings& autoquant) {
  pass_settings pass;
  pass.methods = autoquant.methods;
  pass.shared_ranges = autoquant.shared_ranges;
  if (std::count(pass.methods.begin(), pass.methods.end(), score_method::fisher) > 0) {
    pass.fisher_draws = autoquant.fisher_draws;
    pass.fisher_seed = autoquant.fisher_seed;
  }
  if (std::any_of(pass.methods.begin(), pass.methods.end(), is_of_groups)) {
    pass.groups = autoquant.groups;
    pass.kl_padding = autoquant.kl_padding;
  }
  pass.model = user_or_shipped(scoring.model_path);
  if (has_experts(pass.model)) {
    pass.groups = autoquant.groups;
    pass.shared_experts = autoquant.shared_experts;
  }
  pass.captions = user_or_shipped(dataset.captions_path);
  pass.format = dataset.format;
  pass.field = dataset.field;
  pass.samples = dataset.samples;
  pass.padding = dataset.is_padded ? lm::padding::left : lm::padding::none;
  pass.sequence_length = dataset.sequence_length;
  pass.batch_size = scoring.batch_size;
  pass.score_size = scoring.score_size;
  pass.threads = scoring.threads.value_or(static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  constexpr std::int64_t most_megabytes = std::int64_t{1} << 40;  // more than any machine has
  pass.kept_weight_bytes = std::min(scoring.kept_weight_megabytes, most_megabytes) * 1'000'000;
  pass.cross = cross_term_from(scoring.cross_term);
  for (const score_method method : pass.methods) {
    if (is_of_outputs(method) && pass.cross != engine::cross_term::exact)
      throw error(errc::unsupported, "the method " + std::string(name_of(method)) +
                                         " needs autoquant.cross_term=exact: it sees whole outputs");
  }
  return pass;
}

std::string_view name_of(engine::cross_term mode) noexcept { return cross_term_names[static_cast<std::size_t>(mode)]; }

}  // namespace qgrain::sweep
