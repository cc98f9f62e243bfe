// GPTQ's words, both conventions of zero points.
#include <qgrain/interop/gptq.hpp>

#include <fuzz/store.hpp>

namespace store_gptq_target {

using namespace qgrain;

template <class Store>
void check(fuzz::reader from) {
  Store store;
  store.bits = from.take<std::int8_t>() % 10;
  store.shape = {from.extent() % 80 * 8, from.extent() % 80 * 8};
  store.group_size = from.extent();
  const index_t groups = fuzz::groups_of(store.shape.cols, store.group_size);
  store.qweight = fuzz::part<std::int32_t>(from, fuzz::count_of(store.shape.cols * store.bits / 32, store.shape.rows));
  store.qzeros = fuzz::part<std::int32_t>(from, fuzz::count_of(groups, store.shape.rows * store.bits / 32));
  store.scales = fuzz::part<float16>(from, fuzz::count_of(groups, store.shape.rows));
  if (from.take<std::uint8_t>() > 250) store.g_idx = fuzz::part<std::int32_t>(from, store.shape.cols);
  fuzz::round_trip(store);
}

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  const auto which = from.take<std::uint8_t>();
  if (which % 3 == 0) return check<interop::gptq_weights>(from);
  if (which % 3 == 1) return check<interop::gptq_v2_weights>(from);
  const interop::code_matrix codes = fuzz::any_codes(from);
  fuzz::from_any_codes<interop::gptq_weights>(codes);
  fuzz::from_any_codes<interop::gptq_v2_weights>(codes);
}

const fuzz::target registered("store_gptq", run);

}  // namespace store_gptq_target
