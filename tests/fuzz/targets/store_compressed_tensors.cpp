// compressed-tensors: packed integers and nvfp4.
#include <qgrain/interop/compressed_tensors.hpp>

#include <fuzz/store.hpp>

namespace store_compressed_tensors_target {

using namespace qgrain;

void check_packed(fuzz::reader from) {
  interop::ct_packed_weights store;
  store.bits = from.take<std::int8_t>() % 10;
  store.shape = {from.extent(), from.extent()};
  store.group_size = from.extent();
  const index_t groups = fuzz::groups_of(store.shape.cols, store.group_size);
  const index_t per_word = store.bits >= 1 ? 32 / store.bits : 0;
  store.weight_packed =
      fuzz::part<std::int32_t>(from, fuzz::count_of(store.shape.rows, fuzz::groups_of(store.shape.cols, per_word)));
  store.weight_scale.kind = static_cast<interop::scale_kind>(from.take<std::uint8_t>() % 5);
  store.weight_scale.patterns = fuzz::part<std::uint32_t>(from, fuzz::count_of(store.shape.rows, groups));
  if (from.take<std::uint8_t>() % 2 == 1) {
    store.weight_zero_point =
        fuzz::part<std::int32_t>(from, fuzz::count_of(fuzz::groups_of(store.shape.rows, per_word), groups));
  }
  fuzz::round_trip(store);
}

void run(fuzz::bytes input) {
  fuzz::reader from(input);
  const auto which = from.take<std::uint8_t>();
  if (which % 3 == 0) return check_packed(from);
  if (which % 3 == 1) {
    const interop::code_matrix codes = fuzz::any_codes(from);
    fuzz::from_any_codes<interop::ct_packed_weights>(codes);
    return fuzz::from_any_codes<interop::ct_nvfp4_weights>(codes);
  }
  interop::ct_nvfp4_weights store;
  store.shape = {from.extent(), from.extent()};
  store.tensor_scale = from.take<float>();
  store.scales =
      fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, fuzz::groups_of(store.shape.cols, 16)));
  store.elements =
      fuzz::part<std::uint8_t>(from, fuzz::count_of(store.shape.rows, fuzz::groups_of(store.shape.cols, 16) * 8));
  fuzz::round_trip(store);
}

const fuzz::target registered("store_compressed_tensors", run);

}  // namespace store_compressed_tensors_target
