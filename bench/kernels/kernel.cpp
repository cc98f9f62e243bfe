#include <kernels/kernel.hpp>

#include <algorithm>
#include <cstddef>

namespace qgrain::bench {

std::vector<kernel_row> rows_of(const kernel_list& kernels, int all_threads) {
  std::vector<const kernel*> order;
  for (const kernel& k : kernels) {
    const auto same_work = [&](const kernel* other) {
      return other->work == k.work && other->recipe == k.recipe && other->element == k.element;
    };
    const auto last = std::find_if(order.rbegin(), order.rend(), same_work);
    order.insert(last == order.rend() ? order.end() : last.base(), &k);
  }
  std::vector<kernel_row> rows;
  for (const footprint size : footprints) {
    for (const int threads : {1, all_threads}) {
      for (const kernel* k : order) {
        if (threads == 1 || k->takes_threads) rows.push_back({k, size, threads});
      }
      if (all_threads == 1) break;
    }
  }
  return rows;
}

kernel_list all_kernels() {
  kernel_list kernels;
  for (const auto add : {add_int8, add_int8_groups, add_int4, add_float8, add_microscaling, add_mxfp4, add_nvfp4,
                         add_ggml, add_packing, add_ranges, add_observers, add_fake_by_name, add_xnnpack, add_onednn,
                         add_ggml_peer, add_onnxruntime, add_cuda}) {
    add(kernels);
  }
  return kernels;
}

}  // namespace qgrain::bench
