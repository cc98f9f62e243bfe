// One override of the command line: refused, or its canonical writing is read as the same value; then its jobs.
#include <hydra/job_list.hpp>
#include <hydra/override.hpp>

#include <fuzz/fuzz.hpp>

namespace override_grammar_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  const std::string text(fuzz::text_of(input));
  fuzz::may_refuse([&] {
    const hydra::config_override parsed = hydra::parse_override(text);
    (void)hydra::key_text(parsed);
    if (const hydra::element* value = hydra::plain_value(parsed)) {
      const std::string written = hydra::canonical_text(*value);
      (void)hydra::to_json(*value);
      fuzz::may_refuse([&] {
        const hydra::config_override again = hydra::parse_override("key=" + written);
        const hydra::element* same = hydra::plain_value(again);
        if (same != nullptr) fuzz::require(hydra::canonical_text(*same) == written, "canonical writing is stable");
      });
    }
  });
  fuzz::may_refuse([&] {
    const hydra::memory_source source({{"config", {std::nullopt, {}}}, {"group/choice", {std::nullopt, {}}}});
    (void)hydra::expand_jobs({text}, source);
  });
}

const qgrain::fuzz::target registered("override_grammar", run);

}  // namespace override_grammar_target
