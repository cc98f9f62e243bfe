// A manifest as report_only reads it: both reports, the recipe for other programs, the table of the search.
#include <sweep/results/manifest.hpp>
#include <sweep/results/quant_recipe.hpp>
#include <sweep/results/reports.hpp>

#include <fuzz/fuzz.hpp>
#include <stdexcept>

namespace manifest_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  fuzz::may_refuse([&] {
    const boost::json::object manifest =
        sweep::read_manifest(fuzz::write_scratch("manifest.json", fuzz::text_of(input)));
    fuzz::may_refuse([&] { sweep::check_manifest_model(manifest, "0"); });
    fuzz::may_refuse([&] { (void)sweep::markdown_report(manifest, std::nullopt); });
    fuzz::may_refuse([&] { (void)sweep::json_report(manifest); });
    fuzz::may_refuse([&] { (void)sweep::quant_recipe(manifest); });
    try {
      (void)sweep::search_in(manifest);
    } catch (const std::exception&) {  // as its documentation says: who calls it names the file
    }
  });
}

const qgrain::fuzz::target registered("manifest", run);

}  // namespace manifest_target
