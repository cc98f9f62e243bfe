// What is measured, in words and as code, and the rows that it makes.
#ifndef QGRAIN_BENCH_KERNELS_KERNEL_HPP
#define QGRAIN_BENCH_KERNELS_KERNEL_HPP

#include <kernels/footprint.hpp>
#include <kernels/tensors.hpp>

#include <qgrain/core/half.hpp>
#include <qgrain/core/matrix_view.hpp>
#include <qgrain/host/on_host.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace qgrain::bench {

template <class T>
[[nodiscard]] constexpr std::string_view element_name() noexcept {
  return std::is_same_v<T, bfloat16> ? "bf16" : "f32";
}

/// What a call reads and writes once; a second pass over an input that a cache may still hold is not counted.
struct traffic {
  index_t in = 0;
  index_t out = 0;
};

/// Which rows the default run has.
enum class in_default_run : unsigned char {
  no,
  in_l2,       ///< one thread, data in the second-level cache
  everywhere,  ///< every footprint, and all threads over DRAM
};

struct kernel {
  std::string by = "qgrain";
  std::string work;
  std::string recipe;
  std::string element;  ///< type of the values that are read, or written where codes are read
  std::string scale;
  std::string layout;
  std::string note;    ///< for a peer, how its work differs
  std::string absent;  ///< why it cannot run here; empty where it can
  in_default_run rank = in_default_run::in_l2;
  bool takes_threads = true;
  std::function<traffic(shape2d)> bytes;
  /// Makes everything that is not measured, and returns what is.
  std::function<std::function<void()>(tensors&, const on_host&)> prepare;
};

using kernel_list = std::vector<kernel>;

/// A kernel over one footprint, on one thread or on all.
struct kernel_row {
  const kernel* what = nullptr;
  footprint size = footprint::l2;
  int threads = 1;

  /// Stays the same from machine to machine, so that runs can be compared.
  [[nodiscard]] std::string name() const {
    std::string text;
    for (const std::string_view part :
         {std::string_view(what->by), std::string_view(what->work), std::string_view(what->recipe),
          std::string_view(what->element), name_of(size)}) {
      text.append(part).append("/");
    }
    return text + (threads == 1 ? "1_thread" : "all_threads");
  }
  [[nodiscard]] bool in_default() const noexcept {
    if (what->rank == in_default_run::no) return false;
    const bool small = size == footprint::l2 && threads == 1;
    const bool large = threads == 1 || size == footprint::dram;
    return small || (what->rank == in_default_run::everywhere && large);
  }
};

/// Every row of the kernels, which must outlive them: those of one footprint and number of threads stand together, and
/// kernels of the same work on the same recipe one below the other.
[[nodiscard]] std::vector<kernel_row> rows_of(const kernel_list& kernels, int all_threads);

// One file each.
void add_int8(kernel_list& kernels);
void add_int8_groups(kernel_list& kernels);
void add_int4(kernel_list& kernels);
void add_float8(kernel_list& kernels);
void add_microscaling(kernel_list& kernels);
void add_mxfp4(kernel_list& kernels);
void add_nvfp4(kernel_list& kernels);
void add_ggml(kernel_list& kernels);
void add_packing(kernel_list& kernels);
void add_ranges(kernel_list& kernels);
void add_observers(kernel_list& kernels);
void add_fake_by_name(kernel_list& kernels);
void add_cuda(kernel_list& kernels);
void add_xnnpack(kernel_list& kernels);
void add_onednn(kernel_list& kernels);
void add_ggml_peer(kernel_list& kernels);
void add_onnxruntime(kernel_list& kernels);

/// All of the above.
[[nodiscard]] kernel_list all_kernels();

}  // namespace qgrain::bench

#endif
