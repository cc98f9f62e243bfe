// ModelOpt's packed tensors.
#include <qgrain/interop/modelopt.hpp>

#include <fuzz/store.hpp>

namespace store_modelopt_target {

using namespace qgrain;

template <class Store>
void check_blocks(fuzz::reader from, index_t group, index_t bytes_of_group) {
  Store store;
  store.shape = {from.extent(), from.extent()};
  store.tensor_scale = from.take<float>();
  const index_t groups = fuzz::groups_of(store.shape.cols, group);
  store.scales = fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, groups));
  const index_t row = bytes_of_group == 0 ? store.shape.cols : groups < 0 ? -1 : groups % (1 << 20) * bytes_of_group;
  store.elements = fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, row));
  fuzz::round_trip(store);
}

void check_int4(fuzz::reader from) {
  interop::modelopt_int4_weights store;
  store.shape = {from.extent(), from.extent()};
  store.group_size = from.extent();
  store.scales.kind = static_cast<interop::scale_kind>(from.take<std::uint8_t>() % 5);
  store.scales.patterns = fuzz::part<std::uint32_t>(
      from, fuzz::count_of(store.shape.rows, fuzz::groups_of(store.shape.cols, store.group_size)));
  const index_t elements = fuzz::count_of(store.shape.rows, store.shape.cols);
  store.packed = fuzz::part<std::uint8_t>(from, elements < 0 ? -1 : elements / 2 + elements % 2);
  fuzz::round_trip(store);
}

void check_nf4(fuzz::reader from) {
  interop::modelopt_nf4_weights store;
  store.shape = {from.extent() % 8, from.extent() % 10 * 64};
  store.scale_group = from.extent();
  const index_t groups = fuzz::groups_of(fuzz::count_of(store.shape.rows, store.shape.cols, 64), store.scale_group);
  store.scales = fuzz::part<std::int8_t>(from, fuzz::count_of(groups, store.scale_group));
  store.double_scales = fuzz::part<float>(from, groups);
  store.scale_zero = from.take<float>();
  store.packed = fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, store.shape.cols, 2));
  fuzz::may_refuse([&] {
    const interop::code_matrix codes = store.codes();
    fuzz::may_refuse([&] {
      const auto again =
          interop::modelopt_nf4_weights::from_codes(codes, store.scale_group, store.double_scales, store.scale_zero);
      fuzz::require_equal_values(codes, again.codes());
    });
  });
}

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  switch (from.take<std::uint8_t>() % 6) {
    case 0:
      return check_blocks<interop::modelopt_mxfp4_weights>(from, 32, 16);
    case 1:
      return check_blocks<interop::modelopt_mxfp8_weights>(from, 32, 0);
    case 2:
      return check_blocks<interop::modelopt_nvfp4_weights>(from, 16, 8);
    case 3:
      return check_int4(from);
    case 4:
      return check_nf4(from);
    default:
      break;
  }
  const interop::code_matrix codes = fuzz::any_codes(from);
  fuzz::from_any_codes<interop::modelopt_mxfp4_weights>(codes);
  fuzz::from_any_codes<interop::modelopt_mxfp8_weights>(codes);
  fuzz::from_any_codes<interop::modelopt_nvfp4_weights>(codes);
  fuzz::from_any_codes<interop::modelopt_int4_weights>(codes);
}

const fuzz::target registered("store_modelopt", run);

}  // namespace store_modelopt_target
