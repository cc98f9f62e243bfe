// The file of a base format, resolved to recipes and booked bits.
#include <common/json.hpp>
#include <sweep/formats/quantization_job.hpp>

#include <fuzz/fuzz.hpp>

namespace quant_format_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  static const sweep::base_formats shipped(std::filesystem::path(QGRAIN_SOURCE_DIR) / "conf/quant_format");
  fuzz::may_refuse([&] {
    const boost::json::value body = common::parse_json(fuzz::text_of(input), "input");
    if (!body.is_object()) return;
    const sweep::base_formats formats = shipped.with("OWN", body.get_object());
    const sweep::recipe_catalog catalog{{}, {}, [](std::string_view) { return true; }};
    const sweep::quantization_job job = sweep::resolve_quantization(formats, "OWN", {}, catalog);
    (void)job.description();
    fuzz::require(job.compression > 0 && job.compression <= 1, "a format takes some of 16 bits, at most all");
  });
}

const qgrain::fuzz::target registered("quant_format", run);

}  // namespace quant_format_target
