// A latency table.
#include <sweep/search/latency_table.hpp>

#include <fuzz/fuzz.hpp>

namespace latency_table_target {

void run(qgrain::fuzz::bytes input) {
  using namespace qgrain;
  const sweep::recipe_catalog catalog{{"int8/per_tensor"}, {"int8/per_token_dynamic"}, [](std::string_view name) {
                                        return name == "int8/per_tensor" || name == "int8/per_token_dynamic";
                                      }};
  fuzz::may_refuse(
      [&] { (void)sweep::latency_table::read(fuzz::write_scratch("latency.json", fuzz::text_of(input)), catalog); });
}

const qgrain::fuzz::target registered("latency_table", run);

}  // namespace latency_table_target
