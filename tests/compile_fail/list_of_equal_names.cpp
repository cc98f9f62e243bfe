// Must not compile: a name that two quantizers of a list have.
#include <qgrain/quantizer/dispatch.hpp>
#include <qgrain/quantizer/tool_recipes.hpp>

using grouped = qgrain::quantizer<qgrain::int4, qgrain::per_group<64>>;
using padded = qgrain::quantizer<qgrain::int4, qgrain::per_group<64, qgrain::group_tail::zero_padding>>;

void good(std::string_view name) {
  qgrain::dispatch(qgrain::recipe_list<grouped, padded>{}, name, [](auto) {});
}
#ifdef QGRAIN_MISTAKE
void bad(std::string_view name) {
  qgrain::dispatch(qgrain::recipe_list<grouped, padded, grouped>{}, name, [](auto) {});
}
#endif
