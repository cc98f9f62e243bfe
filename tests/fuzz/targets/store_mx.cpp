// Blocks of the OCP microscaling standard.
#include <qgrain/interop/ocp_mx.hpp>

#include <fuzz/store.hpp>

namespace store_mx_target {

using namespace qgrain;

template <class Store>
void check(fuzz::reader from, index_t bytes_of_group) {
  Store store;
  store.shape = {from.extent(), from.extent()};
  const index_t groups = fuzz::groups_of(store.shape.cols, 32);
  store.scales = fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, groups));
  const index_t row = groups < 0 ? -1 : groups % (1 << 20) * bytes_of_group;
  store.elements = fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, row));
  fuzz::round_trip(store);
  fuzz::from_any_codes<Store>(fuzz::any_codes(from));
}

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  switch (from.take<std::uint8_t>() % 5) {
    case 0:
      return check<interop::ocp_mxfp4>(from, 16);
    case 1:
      return check<interop::ocp_mxfp6_e2m3>(from, 24);
    case 2:
      return check<interop::ocp_mxfp6_e3m2>(from, 24);
    case 3:
      return check<interop::ocp_mxfp8_e4m3>(from, 32);
    default:
      return check<interop::ocp_mxfp8_e5m2>(from, 32);
  }
}

const fuzz::target registered("store_mx", run);

}  // namespace store_mx_target
