// AWQ's interleaved words.
#include <qgrain/interop/awq.hpp>

#include <fuzz/store.hpp>

namespace store_awq_target {

using namespace qgrain;

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  if (from.take<std::uint8_t>() % 2 == 1) return fuzz::from_any_codes<interop::awq_weights>(fuzz::any_codes(from));
  interop::awq_weights store;
  store.shape = {from.extent(), from.extent()};
  store.group_size = from.extent();
  const index_t groups = fuzz::groups_of(store.shape.cols, store.group_size);
  store.qweight = fuzz::part<std::int32_t>(from, fuzz::count_of(store.shape.cols, store.shape.rows, 8));
  store.qzeros = fuzz::part<std::int32_t>(from, fuzz::count_of(groups, store.shape.rows, 8));
  store.scales = fuzz::part<float16>(from, fuzz::count_of(groups, store.shape.rows));
  fuzz::round_trip(store);
}

const fuzz::target registered("store_awq", run);

}  // namespace store_awq_target
