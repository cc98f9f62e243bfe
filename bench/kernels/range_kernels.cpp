// Ranges before quantization, and quantization that measures its own error.
#include <kernels/quantizer_kernels.hpp>

#include <qgrain/format/integer.hpp>
#include <qgrain/granularity/per_channel.hpp>
#include <qgrain/granularity/per_group.hpp>
#include <qgrain/host/choose_ranges.hpp>
#include <qgrain/host/measure.hpp>
#include <qgrain/host/ranges.hpp>
#include <qgrain/quantizer/choosing_recipes.hpp>
#include <qgrain/quantizer/error_sums.hpp>
#include <qgrain/quantizer/quantizer.hpp>
#include <qgrain/scale/range_choice.hpp>

#include <benchmark/benchmark.h>

#include <memory>
#include <string>

namespace qgrain::bench {
namespace {

/// `group` of a matrix's shape: which elements share a range.
[[nodiscard]] kernel ranges_kernel(std::string recipe, shape2d (*group)(shape2d)) {
  kernel k;
  k.work = "ranges_of";
  k.recipe = std::move(recipe);
  k.element = "f32";
  k.scale = "largest magnitude";
  k.layout = "a float per group";
  k.bytes = [group](shape2d s) {
    const shape2d g = group(s);
    return traffic{s.elements() * 4, ceil_div(s.rows, g.rows) * ceil_div(s.cols, g.cols) * 4};
  };
  k.prepare = [group](tensors& memory, const on_host& where) -> std::function<void()> {
    return [where, x = memory.input(), g = group(memory.shape())] {
      benchmark::DoNotOptimize(ranges_of<float>(where, x, g));
    };
  };
  return k;
}

template <class Q, class Choice>
[[nodiscard]] kernel choice_kernel(Choice choice, std::string note) {
  kernel k = detail::described<Q, float>("choose_ranges_" + std::string(Choice::name()), in_default_run::in_l2);
  k.layout = "a float per group";
  k.note = std::move(note);
  k.bytes = [](shape2d s) { return traffic{s.elements() * 4, Q::scale_count(s) * 4}; };
  k.prepare = [choice](tensors& memory, const on_host& where) -> std::function<void()> {
    return [=, x = memory.input()] { benchmark::DoNotOptimize(choose_ranges<Q>(where, x, choice)); };
  };
  return k;
}

[[nodiscard]] kernel four_over_six_kernel() {
  using q = nvfp4_four_over_six::storage_type;
  kernel k = detail::described<q, float>("quantize_choosing", in_default_run::in_l2);
  k.recipe = nvfp4_four_over_six::name();
  k.layout = detail::plain_layout;
  k.note = "encodes twice and keeps the better scale";
  k.bytes = [](shape2d s) { return traffic{s.elements() * 4, detail::plain_bytes<q>(s)}; };
  k.prepare = [](tensors& memory, const on_host& where) -> std::function<void()> {
    const auto out = std::make_shared<plain_codes<q>>(memory.shape());
    return [=, x = memory.input()] { quantize_choosing<q>(where, x, out->view(), nvfp4_four_over_six::choice); };
  };
  return k;
}

template <class Q>
[[nodiscard]] kernel measure_kernel() {
  kernel k = detail::described<Q, float>("quantize_and_measure", in_default_run::in_l2);
  k.layout = detail::plain_layout;
  k.note = "sums of errors in double, in the same pass";
  k.bytes = [](shape2d s) { return traffic{s.elements() * 4, detail::plain_bytes<Q>(s)}; };
  k.prepare = [](tensors& memory, const on_host& where) -> std::function<void()> {
    const auto out = std::make_shared<plain_codes<Q>>(memory.shape());
    return [=, x = memory.input()] { benchmark::DoNotOptimize(quantize_and_measure<Q>(where, x, out->view())); };
  };
  return k;
}

}  // namespace

void add_ranges(kernel_list& kernels) {
  using int8_token = quantizer<int8, per_token>;
  using int4_group128 = quantizer<int4, per_group<128>>;
  kernels.push_back(ranges_kernel("per_tensor", [](shape2d s) { return s; }));
  kernels.push_back(ranges_kernel("per_token", [](shape2d s) { return shape2d{1, s.cols}; }));
  kernels.push_back(ranges_kernel("per_in_channel", [](shape2d s) { return shape2d{s.rows, 1}; }));
  kernels.push_back(ranges_kernel("group32", [](shape2d) { return shape2d{1, 32}; }));
  kernels.push_back(choice_kernel<int8_token>(percentile_range{99.9}, "the 99.9th percentile of each row"));
  kernels.push_back(choice_kernel<int4_group128>(mse_range<4>{{1.0F, 0.9F, 0.8F, 0.7F}}, "four candidates"));
  kernels.push_back(four_over_six_kernel());
  kernels.push_back(measure_kernel<int8_token>());
  kernels.push_back(measure_kernel<int4_group128>());
}

}  // namespace qgrain::bench
