// Observers of calibration: one batch each.
#include <kernels/kernel.hpp>

#include <qgrain/calibration/histogram_observer.hpp>
#include <qgrain/calibration/observer.hpp>
#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_tensor.hpp>
#include <qgrain/quantizer/quantizer.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

namespace qgrain::bench {
namespace {

using calibration::range_axis;

/// `Observer` is copied from `fresh` outside of the measured call: batches after the first go to the same one.
template <class Observer>
[[nodiscard]] kernel observer_kernel(std::string recipe, std::string note, const Observer& fresh) {
  kernel k;
  k.work = "observe";
  k.recipe = std::move(recipe);
  k.element = "f32";
  k.scale = "none";
  k.layout = "in the observer";
  k.note = std::move(note);
  k.takes_threads = false;
  k.bytes = [](shape2d s) { return traffic{s.elements() * 4, 0}; };
  k.prepare = [fresh](tensors& memory, const on_host&) -> std::function<void()> {
    return [observer = std::make_shared<Observer>(fresh), x = memory.input()] {
      observer->observe(x);
      benchmark::DoNotOptimize(observer.get());
    };
  };
  return k;
}

}  // namespace

void add_observers(kernel_list& kernels) {
  using calibration::absmax_observer;
  using calibration::histogram_observer;
  using int8_tensor = quantizer<int8, per_tensor>;
  using mse_observer = calibration::mse_observer<int8_tensor::element_type>;
  kernels.push_back(observer_kernel("absmax/per_tensor", "", absmax_observer(range_axis::tensor)));
  kernels.push_back(observer_kernel("absmax/per_out_channel", "", absmax_observer(range_axis::rows)));
  kernels.push_back(observer_kernel("absmax/per_in_channel", "", absmax_observer(range_axis::columns)));
  kernels.push_back(observer_kernel("histogram/per_tensor", "2,048 bins", histogram_observer(range_axis::tensor)));
  const mse_observer mse(range_axis::tensor, std::vector<float>{3.0F});
  const auto multiples = std::to_string(mse.multipliers().size());
  kernels.push_back(observer_kernel("mse_int8/per_tensor", multiples + " multiples of a range", mse));
}

}  // namespace qgrain::bench
